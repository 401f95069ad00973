"""How a copy lies over the image that it is a copy of: every place of it over the same place of the other."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from image_assets.ids import ImageId
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import silver_key
from image_assets.steps.duplicates.links import TURNED
from image_assets.steps.duplicates.overlays import place_over
from image_assets.tables.duplicates import TURNS

DAY = date(2026, 10, 1)
COPY, FIRST = (DAY, ImageId("a" * 32)), (DAY, ImageId("b" * 32))
PLACES = [(0.0, 0.0), (-0.3, 0.2), (0.3, -0.1), (0.25, 0.3), (-0.2, -0.35)]
MOST_LEVELS = 30
SOFT, STRUCTURED = 10, 18


def blobs(size: int) -> npt.NDArray[np.uint8]:
    """320 x 400, so many blobs high."""
    noise = np.random.default_rng(1).integers(0, 255, (size, size * 5 // 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((400, 320), Image.Resampling.BICUBIC))


def keep(store: LocalObjectStore, place: tuple[date, ImageId], pixels: npt.NDArray[Any]) -> None:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=95)
    store.write(silver_key(*place), file.getvalue())


def colour_at(pixels: npt.NDArray[np.uint8], x: float, y: float) -> npt.NDArray[np.float64]:
    """At a place of the square around the centre."""
    rows, columns = pixels.shape[:2]
    row, column = round((y + 0.5) * rows - 0.5), round((x + 0.5) * columns - 0.5)
    return pixels[row - 2 : row + 3, column - 2 : column + 3].mean(axis=(0, 1))


@pytest.mark.parametrize(("size", "known"), [(SOFT, True), (STRUCTURED, True), (STRUCTURED, False)])
@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_and_cropped_copy_lies_over_the_first(turn: str, size: int, *, known: bool, tmp_path: Path) -> None:
    store, first = LocalObjectStore(tmp_path), blobs(size)
    # Turned until it lies as the first one does: the copy is what this makes of it backwards.
    back = {"quarter_turn": "three_quarter_turn", "three_quarter_turn": "quarter_turn"}.get(turn, turn)
    copy = TURNED[back](first[12:, 20:])
    keep(store, COPY, copy)
    keep(store, FIRST, first)
    placement = place_over(store, COPY, FIRST, turn if known else None)
    assert placement is not None
    assert (placement.turn, placement.likeness > 0.9) == (turn, True)
    a, b, c, d, e, f = placement.matrix
    for x, y in PLACES:
        there = colour_at(first, a * x + c * y + e, b * x + d * y + f)
        assert np.abs(colour_at(copy, x, y) - there).max() < MOST_LEVELS


def test_what_has_lost_a_picture_cannot_be_laid(tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    keep(store, COPY, blobs(SOFT))
    assert place_over(store, COPY, FIRST, "upright") is None
