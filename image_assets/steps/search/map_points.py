"""The points of a map with what gold says of their images: what is blocked or gone from gold is not on it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.ids import ImageId
from image_assets.lake.object_store import ObjectStore
from image_assets.steps.search.gallery import Gallery
from image_assets.steps.vectors.index_manifest import IndexManifest
from image_assets.steps.vectors.vector_map import read_map

_TOLD: Final = ("label", "predicted_label", "day")
_COLUMNS: Final = {"image_id": pl.String, "x": pl.Float32, "y": pl.Float32} | {
    "label": pl.String,
    "predicted_label": pl.String,
    "day": pl.Date,
}


@dataclass(frozen=True, slots=True)
class MapPoints:
    """A map.

    Attributes:
        points: `image_id`, `x` and `y` from 0 to 1, `label`, `predicted_label` and `day`, by id.
        vectors: how many the index has, of which these are a sample.
        explained_ratio: of the vectors' variance that is seen.
        version: differs from that of another map.
    """

    points: pl.DataFrame
    vectors: int
    explained_ratio: float
    version: str

    def inside(self, outline: Sequence[tuple[float, float]]) -> list[ImageId]:
        """Ids of the images within a line around them, whose ends meet."""
        x, y = (self.points.get_column(name).to_numpy() for name in ("x", "y"))
        within: npt.NDArray[np.bool_] = np.zeros(len(x), dtype=np.bool_)
        for (x0, y0), (x1, y1) in zip(outline, [*outline[1:], *outline[:1]], strict=True):
            # A ray to the right crosses the line an odd number of times.
            if y0 != y1:
                within ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        return [ImageId(each) for each in self.points.get_column("image_id").filter(pl.Series(within))]


def no_points() -> MapPoints:
    """Of no index."""
    return MapPoints(pl.DataFrame(schema=_COLUMNS), 0, 0.0, "")


def map_points(store: ObjectStore, manifest: IndexManifest, gallery: Gallery) -> MapPoints:
    """The map of an index as far as it is drawn, and gold has its images."""
    drawn = read_map(store, manifest)
    if drawn is None or drawn.is_empty():
        return no_points()
    told = gallery.rows([ImageId(each) for each in drawn.get_column("image_id")], [*_TOLD, "state"])
    shown = told.filter(pl.col("state").ne_missing("blocked")).select(
        pl.col("image_id").cast(pl.String), *(pl.col(name).cast(_COLUMNS[name]) for name in _TOLD)
    )
    points = drawn.select("image_id", "x", "y").join(shown, on="image_id").select(list(_COLUMNS)).sort("image_id")
    version = hashlib.sha256(f"{manifest.build} {sorted(gallery.versions.items())}".encode()).hexdigest()[:16]
    return MapPoints(points, drawn["vectors"][0], drawn["explained_ratio"][0], version)
