"""Steps that need nothing of an image but its vector: no picture is decoded again, and few vectors are in memory."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import islice
from typing import Unpack

import numpy as np
import polars as pl

from image_assets.compute.outcomes import Done
from image_assets.errors import ObjectChangedError, TableError
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoder import Embeddings, EncoderDescription
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.outcome import Item, Outcome
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import with_versions
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.tables.embeddings import embeddings_name

_VECTORS_AT_ONCE = 4096


def work_on_vectors(
    tables: ParquetTables,
    day: date,
    encoder: EncoderDescription,
    target: Target,
    work: Callable[[Embeddings], Sequence[Mapping[str, object]]],
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring a table of a day in line with an encoder's vectors; `work` makes the columns of one row per vector."""

    def process(items: Iterator[Item]) -> Generator[Outcome]:
        for batch, vectors in _with_vectors(tables, day, encoder, items):
            for item, columns in zip(batch, work(vectors), strict=True):
                yield Done(item, {target.table.name: {**columns, "encoder": encoder.name}})

    inputs = partial(vector_inputs, tables, day, encoder)
    return run_increment(tables, target, day, inputs, process, **pace)


def vector_inputs(tables: ParquetTables, day: date, encoder: EncoderDescription) -> pl.DataFrame:
    """The images of a day that have a vector; a row's version changes with the image and with the encoder.

    Raises:
        TableError: the encoder never worked on this day, or its vectors are of former weights: texts and classifiers
            of these weights say nothing about them.
    """
    name = embeddings_name(encoder.name)
    key = object_keys.table_key(name, day)
    if not tables.store.exists(key):
        raise TableError(f"{name} has no {day}: materialize image_embeddings for that day first")
    rows = tables.scan_files([key], ["image_id", "input_version", "recipe_version"]).sort("image_id")
    if rows.filter(~_is_of(encoder)).height:
        raise TableError(f"{name} of {day} has vectors of former weights: materialize image_embeddings first")
    return with_versions(rows, ["input_version", "recipe_version"]).select("image_id", "input_version")


def _with_vectors(
    tables: ParquetTables, day: date, encoder: EncoderDescription, items: Iterator[Item]
) -> Iterator[tuple[list[Item], Embeddings]]:
    """Items in batches, each with a row per item; they come in the order of their ids, as the file has them."""
    key = object_keys.table_key(embeddings_name(encoder.name), day)
    while batch := list(islice(items, _VECTORS_AT_ONCE)):
        ids = [str(item.row["image_id"]) for item in batch]
        is_near = pl.col("image_id").is_between(pl.lit(ids[0]), pl.lit(ids[-1]))
        rows = tables.scan_files([key], ["image_id", "embedding"], where=is_near & _is_of(encoder))
        wanted = pl.DataFrame({"image_id": ids}).join(rows, on="image_id", maintain_order="left")
        if wanted.get_column("embedding").null_count():
            raise ObjectChangedError(f"another run has replaced {key!r} meanwhile: run {day} again")
        yield batch, np.asarray(wanted.get_column("embedding").to_numpy())


def _is_of(encoder: EncoderDescription) -> pl.Expr:
    """Whether a vector was made by these weights."""
    return pl.col("recipe_version") == embedding_target(encoder).recipe_version
