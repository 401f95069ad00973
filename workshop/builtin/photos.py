"""Labelled photos of a folder, decoded once and held in memory as small squares."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from image_assets import samples
from image_assets.errors import ModelError
from image_assets.imaging.pixels import RgbImage
from image_assets.labels import normalise_label
from workshop.builtin.main_colour import name_main_colour
from workshop.builtin.sentences import Description

_SAMPLES: Final = Path(samples.__path__[0]) / "photos"


@dataclass(frozen=True, slots=True)
class LabelledPixels:
    """Pictures and what they show, row by row.

    Attributes:
        pixels: uint8, pictures x 3 x rows x columns.
        descriptions: one per picture.
    """

    pixels: Tensor
    descriptions: tuple[Description, ...]

    def __len__(self) -> int:
        return len(self.descriptions)


@dataclass(frozen=True, slots=True)
class PhotoSplits:
    """The photos to learn from, the digests of their files, and the photos kept aside to measure on."""

    train: LabelledPixels
    train_digests: frozenset[str]
    validation: LabelledPixels


def read_photos(folder: Path, train_size_px: int, validation_size_px: int) -> PhotoSplits:
    """Photos named by `manifest.csv` (columns file, label, and if present split).

    Files lie beside the manifest or in `images/`; rows whose split is "validation" are kept aside. The photos of the
    sample feed are left out: whoever tries the platform with them sees what becomes of photos that are new.

    Raises:
        ModelError: no readable manifest, no label column, or no photo to learn from.
    """
    rows = _read_manifest(folder)
    validation = [row for row in rows if row.get("split") == "validation"]
    others = [row for row in rows if row.get("split") != "validation"]
    shown = {_sha256_of(path) for path in _SAMPLES.glob("*.jpg")}
    digests = [_sha256_of(_path_of(folder, row["file"])) for row in others]
    train = [row for row, digest in zip(others, digests, strict=True) if digest not in shown]
    if not train:
        raise ModelError(f"{folder / 'manifest.csv'} names no photo to learn from")
    return PhotoSplits(
        _load(folder, train, train_size_px),
        frozenset(digests) - shown,
        _load(folder, validation, validation_size_px),
    )


def _read_manifest(folder: Path) -> list[dict[str, str]]:
    manifest = folder / "manifest.csv"
    try:
        with manifest.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except OSError as problem:
        raise ModelError(f"training needs {manifest} with the columns file and label: {problem}") from problem
    if rows and not {"file", "label"} <= rows[0].keys():
        raise ModelError(f"{manifest} lacks a column: file and label are needed, found {', '.join(rows[0])}")
    return rows


def _load(folder: Path, rows: Sequence[dict[str, str]], size_px: int) -> LabelledPixels:
    squares = [_read_square(folder, row["file"], size_px) for row in rows]
    descriptions = tuple(
        Description(normalise_label(row["label"]), name_main_colour(square))
        for row, square in zip(rows, squares, strict=True)
    )
    return LabelledPixels(stack_squares(squares, size_px), descriptions)


def _path_of(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).exists() else folder / "images" / name


def _sha256_of(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _read_square(folder: Path, name: str, size_px: int) -> RgbImage:
    with Image.open(_path_of(folder, name)) as photo:
        photo.draft("RGB", (2 * size_px, 2 * size_px))
        return to_square(np.asarray(photo.convert("RGB")), size_px)


def to_square(image: RgbImage, size_px: int) -> RgbImage:
    """The whole picture, brought to a square as the checkpoint's processor does it."""
    resized = Image.fromarray(image).resize((size_px, size_px), Image.Resampling.BICUBIC)
    return np.asarray(resized)


def stack_squares(squares: Sequence[RgbImage], size_px: int) -> Tensor:
    """uint8, pictures x 3 x rows x columns."""
    stacked = np.stack(squares) if squares else np.zeros((0, size_px, size_px, 3), np.uint8)
    return torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous()
