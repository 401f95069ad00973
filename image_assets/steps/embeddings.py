"""Embeddings: every cleansed image becomes a unit vector; decoding runs ahead of the device."""

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from itertools import islice

import polars as pl

from image_assets.errors import ImageError
from image_assets.ids import ObjectKey
from image_assets.imaging.read_back import read_pixels
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoder import EncoderDescription, ImageEncoder, RgbImage
from image_assets.steps.increment import (
    Computed,
    IncrementReport,
    Item,
    Outcome,
    Process,
    Progress,
    Rejected,
    run_increment,
)
from image_assets.steps.original import read_object
from image_assets.steps.recipe import Recipe, version_of
from image_assets.steps.standing import Target
from image_assets.tables.catalogue import TABLES
from image_assets.tables.embeddings import embeddings_name, embeddings_table
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.table import Table

_CODE_VERSION = 1
_DECODERS = 2
_BATCHES_AHEAD = 2


def embed_day(
    tables: ParquetTables,
    day: date,
    encoder: ImageEncoder,
    *,
    batch_size: int,
    chunk_size: int,
    on_progress: Progress = lambda _done, _total: None,
) -> IncrementReport:
    """Bring the encoder's vectors of a day in line with `silver_images`."""
    target = Target(table_of(encoder.description), encoder_recipe(encoder.description))
    process = _encoding(tables.store, encoder, target.table, batch_size)
    inputs = _inputs(tables, day)
    return run_increment(tables, [target], day, inputs, process, chunk_size=chunk_size, on_progress=on_progress)[0]


def stored_embeddings(tables: ParquetTables, encoder: str) -> Table | None:
    """The table of an encoder, of the dimension that its newest day has; None while there is no day."""
    name = embeddings_name(encoder)
    days = tables.days(name)
    if not days:
        return None
    dtype = tables.schema_of(name, days[-1])["embedding"]
    return embeddings_table(encoder, dtype.size) if isinstance(dtype, pl.Array) else None


def lake_tables(tables: ParquetTables, encoder: str) -> list[Table]:
    """Every table that can be queried: those known in advance and the encoder's vectors once there are any."""
    embeddings = stored_embeddings(tables, encoder)
    return [*TABLES, embeddings] if embeddings else list(TABLES)


def table_of(encoder: EncoderDescription) -> Table:
    """Where an encoder's vectors live."""
    return embeddings_table(encoder.name, encoder.dimension)


def encoder_recipe(encoder: EncoderDescription) -> Recipe:
    """The weights decide; device, precision and batch size only move the last digits."""
    return Recipe({"code": _CODE_VERSION, "name": encoder.name, "revision": encoder.revision})


def _inputs(tables: ParquetTables, day: date) -> pl.DataFrame:
    images = tables.read(SILVER_IMAGES, day).select("image_id", "cleansed_path", cleansed_sha256="sha256")
    origins = tables.read(BRONZE_IMAGES, day).select("image_id", "source_uri", "sha256", "size_bytes")
    images = images.join(origins, on="image_id", maintain_order="left")
    versions = [version_of(*row) for row in images.select("cleansed_sha256", "cleansed_path").iter_rows()]
    return images.with_columns(input_version=pl.Series(versions, dtype=pl.String))


def _encoding(store: ObjectStore, encoder: ImageEncoder, table: Table, batch_size: int) -> Process:
    def process(items: Iterator[Item]) -> Generator[Outcome]:
        for batch in _decoded_ahead(store, items, batch_size):
            yield from (decoded for decoded in batch if isinstance(decoded, Rejected))
            usable = [decoded for decoded in batch if not isinstance(decoded, Rejected)]
            if usable:
                vectors = encoder.encode_images([pixels for _, pixels in usable])
                for (item, _), vector in zip(usable, vectors, strict=True):
                    yield Computed(item, {table.name: {"embedding": vector}})

    return process


_Decoded = tuple[Item, RgbImage] | Rejected


def _decoded_ahead(store: ObjectStore, items: Iterator[Item], batch_size: int) -> Iterator[Sequence[_Decoded]]:
    """Batches in order; while one is encoded the next ones are being read and decoded."""
    with ThreadPoolExecutor(_DECODERS, thread_name_prefix="decode") as threads:
        waiting: list[list[Future[_Decoded]]] = []
        while batch := list(islice(items, batch_size)):
            waiting.append([threads.submit(_decode, store, item) for item in batch])
            if len(waiting) > _BATCHES_AHEAD:
                yield [future.result() for future in waiting.pop(0)]
        for remaining in waiting:
            yield [future.result() for future in remaining]


def _decode(store: ObjectStore, item: Item) -> _Decoded:
    try:
        data = read_object(store, ObjectKey(str(item.row["cleansed_path"])))
        return item, read_pixels(data)
    except ImageError as error:
        return Rejected(item, error.reason, error.detail, {})
