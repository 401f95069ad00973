"""Steps that need nothing of an image but its vector: no picture is decoded again, and few vectors are in memory."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import islice
from typing import Unpack

import polars as pl

from image_assets.compute.outcomes import Done
from image_assets.errors import ObjectChangedError, TableError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import Embeddings, EncoderDescription
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.outcome import Item, Outcome
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import with_versions
from image_assets.steps.increment.stock import Target
from image_assets.steps.increment.stream import run_increment
from image_assets.steps.vectors.stored_vectors import StoredVectors, vectors_of

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
    stored = vectors_of(tables, encoder)

    def process(items: Iterator[Item]) -> Generator[Outcome]:
        for batch, vectors in _with_vectors(stored, day, items):
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
    vectors = vectors_of(tables, encoder)
    name = vectors.table.name
    if not tables.exists(vectors.table, day):
        raise TableError(f"{name} has no {day}: materialize image_embeddings for that day first", table=name, day=day)
    if not vectors.is_whole(day):
        told = f"{name} of {day} has vectors of former weights: materialize image_embeddings first"
        raise TableError(told, table=name, day=day)
    rows = vectors.identities(day).sort("image_id").with_columns(recipe_version=pl.lit(vectors.recipe_version))
    return with_versions(rows, ["input_version", "recipe_version"]).select("image_id", "input_version")


def _with_vectors(stored: StoredVectors, day: date, items: Iterator[Item]) -> Iterator[tuple[list[Item], Embeddings]]:
    """Items in batches, each with a row per item; they come in the order of their ids, as the vectors do."""
    while batch := list(islice(items, _VECTORS_AT_ONCE)):
        images = pl.DataFrame({"image_id": [item.row["image_id"] for item in batch]}).with_columns(day=pl.lit(day))
        rows = stored.read_whole(images)
        if not rows.get_column("image_id").equals(images.get_column("image_id")):
            raise ObjectChangedError(f"another run has replaced {stored.table.name} of {day} meanwhile: run it again")
        yield batch, rows.get_column("embedding").to_numpy()
