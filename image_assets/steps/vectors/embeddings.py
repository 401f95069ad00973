"""Embeddings: every cleansed image becomes a unit vector."""

from datetime import date
from functools import partial
from typing import Unpack

import polars as pl

from image_assets.errors import TableError
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription, ImageEncoder
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import Recipe, with_versions
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment
from image_assets.steps.vectors.encoding import Encode, encode_here
from image_assets.tables.catalogue import SCAN_TABLES, TABLES, UPKEEP_TABLES, WHOLE_TABLES
from image_assets.tables.embeddings import embeddings_name, embeddings_table
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.predictions import ALL_PREDICTIONS
from image_assets.tables.rejections import rejections_table
from image_assets.tables.table import Table
from image_assets.tables.training import ALL_ANSWERS

_CODE_VERSION = 2


def embed_day(
    tables: ParquetTables,
    day: date,
    encoder: ImageEncoder,
    encode: Encode = encode_here,
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring the encoder's vectors of a day in line with `silver_images`; it computes only if one is missing.

    `encode` says where.

    Raises:
        TableError: this name already has vectors of another dimension; nothing is computed or written.
    """
    refuse_other_dimension(tables, encoder.description)
    target = embedding_target(encoder.description)
    process = encode(tables.store, encoder, target.table.name)
    inputs = partial(embedding_inputs, tables, day)
    return run_increment(tables, target, day, inputs, process, **pace)


def embedding_target(encoder: EncoderDescription) -> Target:
    """What is wanted of the encoder's vectors."""
    return Target(table_of(encoder), encoder_recipe(encoder))


def refuse_other_dimension(tables: ParquetTables, encoder: EncoderDescription) -> None:
    """`TableError` when stored vectors of this encoder's name cannot be compared with its own."""
    stored, own = stored_embeddings(tables, encoder.name), table_of(encoder)
    if stored is not None and stored.fingerprint != own.fingerprint:
        raise TableError(
            f"{own.name} holds vectors of another dimension than the {encoder.dimension} of {encoder.source}: "
            f"give the checkpoint another name, or delete the folder {object_keys.TABLES}/{own.name}",
            table=own.name,
        )


def stored_embeddings(tables: ParquetTables, encoder: str) -> Table | None:
    """The table of an encoder, of the dimension that its newest day has; None while there is no day."""
    name = embeddings_name(encoder)
    days = tables.days(name)
    if not days:
        return None
    dtype = tables.schema_of(name, days[-1])["embedding"]
    return embeddings_table(encoder, dtype.size) if isinstance(dtype, pl.Array) else None


def current_encoder(tables: ParquetTables, day: date, preferred: str) -> str:
    """Whose vectors a day's readers get: another encoder's only from when they are complete.

    Until then those of the encoder that the day's gold was made with.
    """
    known = tables.read_column(GOLD_IMAGES.name, day, "encoder").drop_nulls()
    former = known[0] if known.len() else preferred
    if former == preferred or _is_complete(tables, day, preferred):
        return preferred
    return str(former) if tables.keys(embeddings_name(former), day) else preferred


def _is_complete(tables: ParquetTables, day: date, encoder: str) -> bool:
    """Whether every cleansed image of the day has a vector or was rejected."""
    name = embeddings_name(encoder)
    done = [tables.read_column(table, day, "image_id") for table in (name, rejections_table(name).name)]
    return tables.read_column(SILVER_IMAGES.name, day, "image_id").is_in(pl.concat(done).implode()).all()


def lake_tables(tables: ParquetTables, encoder: str) -> list[Table]:
    """Every table that can be queried: those known in advance and the encoder's vectors once there are any."""
    known = [*TABLES, *WHOLE_TABLES, *UPKEEP_TABLES, *SCAN_TABLES, ALL_PREDICTIONS, ALL_ANSWERS]
    embeddings = stored_embeddings(tables, encoder)
    return [*known, embeddings] if embeddings else known


def table_of(encoder: EncoderDescription) -> Table:
    """Where an encoder's vectors live."""
    return embeddings_table(encoder.name, encoder.dimension)


def encoder_recipe(encoder: EncoderDescription) -> Recipe:
    """The weights decide; device, precision and batch size only move the last digits."""
    return Recipe({"code": _CODE_VERSION, "name": encoder.name, "revision": encoder.revision})


def embedding_inputs(tables: ParquetTables, day: date) -> pl.DataFrame:
    """The cleansed images of a day."""
    images = tables.read(SILVER_IMAGES, day).select("image_id", "cleansed_path", cleansed_sha256="sha256")
    origins = tables.read(BRONZE_IMAGES, day).select("image_id", "source_uri", "sha256", "size_bytes")
    images = images.join(origins, on="image_id", maintain_order="left")
    return with_versions(images, ["cleansed_sha256", "cleansed_path"])
