"""A map of the index: some of its images as points of a plane, so that a person can look at the whole collection.

It is made once for each state of the index, and goes with it; when an image is erased that it shows, at once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from image_assets.errors import ObjectNotFoundError
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.principal_plane import principal_plane
from image_assets.steps.increment.recipe import version_of
from image_assets.steps.vectors.index_changes import fits
from image_assets.steps.vectors.index_manifest import IndexManifest, map_key, read_manifest
from image_assets.steps.vectors.index_store import all_members
from image_assets.steps.vectors.stored_vectors import vectors_of

MAP_COLUMNS: Final = pl.Schema(
    {
        "image_id": pl.String,
        "x": pl.Float32,
        "y": pl.Float32,
        "vectors": pl.UInt32,
        "explained_ratio": pl.Float32,
        "recipe_version": pl.String,
    }
)
"""A point from 0 to 1; and in every row alike: of how many vectors it is, and how much of their variance is shown."""
_CODE_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class MapParams:
    """How much is shown.

    Attributes:
        max_points: of more images a sample is drawn, whose images stay the same ones as long as they are there.
    """

    max_points: int = 20_000


@dataclass(frozen=True, slots=True)
class MapReport:
    """What a map shows; it is `new`, or as it was."""

    build: str
    points: int
    vectors: int
    explained_ratio: float
    is_new: bool


def draw_map(tables: ParquetTables, encoder: EncoderDescription, params: MapParams) -> MapReport | None:
    """Bring the map in line with the index in force; None while no index of the encoder has vectors."""
    manifest = read_manifest(tables.store, encoder.name)
    if manifest is None or not manifest.vectors or not fits(manifest, encoder):
        return None
    recipe = version_of(str(_CODE_VERSION), str(params.max_points))
    points = read_map(tables.store, manifest)
    is_new = points is None or not points.get_column("recipe_version").eq(recipe).all()
    if points is None or is_new:
        points = _drawn(tables, encoder, manifest, params.max_points).with_columns(recipe_version=pl.lit(recipe))
        with tables.store.writing(map_key(manifest)) as path:
            points.select(list(MAP_COLUMNS)).cast(MAP_COLUMNS).write_parquet(path)
    explained = points.get_column("explained_ratio").max() if points.height else 0.0
    return MapReport(manifest.build, points.height, manifest.vectors, float(str(explained)), is_new)


def read_map(store: ObjectStore, manifest: IndexManifest) -> pl.DataFrame | None:
    """The points of a build (`MAP_COLUMNS`); None while they have not been drawn."""
    key = map_key(manifest)
    if not store.exists(key):
        return None
    try:
        return pl.read_parquet(store.read(key))
    except ObjectNotFoundError:
        return None


def _drawn(
    tables: ParquetTables, encoder: EncoderDescription, manifest: IndexManifest, max_points: int
) -> pl.DataFrame:
    # Ids are hashes: the first ones are a sample, and one that is new takes the place of few.
    sample = all_members(tables, manifest).select("image_id", "day").sort("image_id").head(max_points)
    rows = vectors_of(tables, encoder).read_whole(sample.sort("day", "image_id")).sort("image_id")
    vectors = rows.get_column("embedding").to_numpy() if rows.height else np.empty((0, encoder.dimension), np.float32)
    plane = principal_plane(vectors)
    return rows.select("image_id").with_columns(
        x=pl.Series(plane.points[:, 0]),
        y=pl.Series(plane.points[:, 1]),
        vectors=pl.lit(manifest.vectors),
        explained_ratio=pl.lit(plane.explained_ratio),
    )
