"""How a copy lies over the image that it is a copy of: the overlay that decided it, made again from both pictures.

The overlay itself is not kept: it takes a few hundredths of a second to find.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from image_assets.errors import ObjectNotFoundError
from image_assets.ids import ImageId
from image_assets.imaging.close_up import settle_warp
from image_assets.imaging.likeness import Warp, lay_over, outline
from image_assets.imaging.pixels import RgbImage
from image_assets.imaging.read_back import read_pixels
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.duplicates.links import TURNED
from image_assets.tables.duplicates import DUPLICATE_IMAGES, TURNS

_TOLD = ["canonical_id", "kind", "distance_bits", "similarity", "likeness", "turn"]


@dataclass(frozen=True, slots=True)
class Placement:
    """How a copy lies over another image.

    Attributes:
        matrix: a, b, c, d, e, f of an affine map (x' = ax + cy + e, y' = bx + dy + f) from the copy to the other image;
            both are squares of side 1 around their centres, as wide and high as the pictures are.
        likeness: correlation of their details when they lie like this, -1 to 1.
        turn: how the copy is turned or mirrored first.
    """

    matrix: tuple[float, float, float, float, float, float]
    likeness: float
    turn: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `duplicate_images` says of an image and the one that stands for its photo."""

    canonical_id: str
    kind: str
    distance_bits: int | None
    similarity: float | None
    likeness: float | None
    turn: str | None


def read_verdict(tables: ParquetTables, image_id: ImageId, day: date) -> Verdict | None:
    """Whether an image was found to be a copy; None while nobody has looked."""
    if not tables.exists(DUPLICATE_IMAGES, day):
        return None
    rows = tables.scan(DUPLICATE_IMAGES, _TOLD, [day], pl.col("image_id") == image_id)
    return Verdict(**rows.row(0, named=True)) if rows.height else None


def place_over(
    store: ObjectStore, one: tuple[date, ImageId], other: tuple[date, ImageId], turn: str | None
) -> Placement | None:
    """Lay one image over another as the search for duplicates does; None when a picture of them has gone.

    Args:
        store: the lake's objects.
        one: day and id of the image that is laid.
        other: of the one that it is laid over.
        turn: how the one is turned first; None to try all ways and take the best.

    Raises:
        ImageError: a cleansed picture is damaged.
    """
    try:
        above, below = (read_pixels(store.read(object_keys.silver_key(*each))) for each in (one, other))
    except ObjectNotFoundError:
        return None
    return max((_placed(above, below, each) for each in ([turn] if turn else TURNS)), key=lambda each: each.likeness)


def _placed(above: RgbImage, below: RgbImage, turn: str) -> Placement:
    turned = TURNED[turn](above)
    overlay = lay_over(outline(turned), outline(below))
    warp = settle_warp(turned, below, overlay.warp)
    return Placement(_matrix(warp, turn), overlay.likeness, turn)


def _matrix(warp: Warp, turn: str) -> tuple[float, float, float, float, float, float]:
    """The map from the picture as it is: first turned, then warped; columns come before rows."""
    rows, columns = np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], indexing="ij")
    # Where the pixel of each place of the turned picture was before: a map whose inverse is its transpose.
    before = np.stack([TURNED[turn](rows), TURNED[turn](columns)])
    turning = np.stack([before[:, 2, 1] - before[:, 1, 1], before[:, 1, 2] - before[:, 1, 1]])
    shape = (np.eye(2) + warp[:, :2]) @ turning
    (down_down, down_right), (right_down, right_right) = shape.tolist()
    down, right = warp[:, 2].tolist()
    return right_right, down_right, right_down, down_down, right, down
