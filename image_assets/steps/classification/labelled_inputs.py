"""What classifiers are given of the images of the training set: stored vectors, or pixels read on demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import polars as pl

from image_assets.errors import ImageError, ModelError
from image_assets.ids import ObjectKey
from image_assets.imaging.pixels import RgbImage
from image_assets.imaging.read_back import read_pixels
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.classifier import ClassifierInput, Examples, Reads
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.classification.unseen import mark_unseen
from image_assets.steps.vectors.stored_vectors import vectors_of
from image_assets.tables.images import SILVER_IMAGES


@dataclass(frozen=True, slots=True)
class PicturesOnDemand(Sequence[RgbImage]):
    """Pixels of cleansed images, read when they are asked for; `ImageError` for one that is damaged."""

    store: ObjectStore
    keys: Sequence[ObjectKey]

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> RgbImage: ...
    @overload
    def __getitem__(self, index: slice) -> "PicturesOnDemand": ...
    def __getitem__(self, index: int | slice) -> "RgbImage | PicturesOnDemand":
        if isinstance(index, slice):
            return PicturesOnDemand(self.store, self.keys[index])
        try:
            return read_pixels(self.store.read(self.keys[index]))
        except ImageError as error:
            detail = f"{self.keys[index]!r}: {error.detail}; image-assets repair makes it again"
            raise ImageError(error.reason, detail) from error


_Inputs = tuple[Sequence[ClassifierInput], pl.DataFrame]


def examples_of(
    tables: ParquetTables, rows: pl.DataFrame, labels: Sequence[str], reads: Reads, encoder: EncoderDescription
) -> tuple[Examples, pl.DataFrame]:
    """Inputs and targets of rows of the training set, and those rows that have an input, in the same order."""
    inputs, found = _vectors(tables, rows, encoder) if reads is Reads.EMBEDDING else _pictures(tables, rows)
    numbers = {label: number for number, label in enumerate(labels)}
    groups = np.unique(found["group_id"].to_numpy(), return_inverse=True)[1]
    is_unseen = mark_unseen(tables, found, encoder).to_numpy()
    targets = np.array([numbers[label] for label in found["label"]], dtype=np.intp)
    return Examples(inputs, targets, groups, is_unseen), found


def _vectors(tables: ParquetTables, rows: pl.DataFrame, encoder: EncoderDescription) -> _Inputs:
    vectors = vectors_of(tables, encoder).read_whole(rows).select("image_id", "embedding")
    if vectors.is_empty():
        raise ModelError(
            f"none of {rows.height} labelled images has a current vector of {encoder.name}: run their days first"
        )
    found = rows.join(vectors, on="image_id", maintain_order="left")
    return list(found["embedding"].to_numpy()), found.select(rows.columns)


def _pictures(tables: ParquetTables, rows: pl.DataFrame) -> _Inputs:
    paths = tables.scan(SILVER_IMAGES, ["image_id", "cleansed_path"], rows["day"].unique().sort())
    found = rows.join(paths, on="image_id", maintain_order="left")
    return PicturesOnDemand(tables.store, found["cleansed_path"].to_list()), found.select(rows.columns)
