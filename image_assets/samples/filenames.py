"""Names of uploaded files: what cameras and messengers write, and what people and attackers write."""

from datetime import datetime

import numpy as np

from image_assets.samples.cameras import Camera

ODD_FILENAMES = (
    "red dress \U0001f457✨.jpg",
    "my photo (1) final FINAL.jpg",
    'it\'s "new".jpg',
    "two\nlines.jpg",
    "-rf.jpg",
    "ends with a dot.",
    "no_extension",
    "<img src=x onerror=alert(1)>.jpg",
    "платье-летнее.jpg",
    ".hidden.jpg",
    "%2e%2e%2fphoto.jpg",
    "100% cotton; size=M&L.jpg",
)
"""Legal names of files on Linux that break careless programs; at most 100 bytes, no slash."""

ODD_RAW_NAMES = (
    "../../etc/passwd",
    "C:\\fakepath\\IMG_0001.jpg",
    "'); DROP TABLE images; --/x.jpg",
    "ж" * 150 + ".jpg",
    "nul\x00byte.jpg",
    "<script>alert('/')</script>.jpg",
    "/absolute/photo.jpg",
)
"""Names that a form may carry but no file can bear: they are kept beside the file."""


def camera_filename(camera: Camera, taken_at: datetime, number: int, rng: np.random.Generator) -> str:
    """A name without a dot, as the camera or the messenger behind it writes it; `number` makes it unique."""
    if rng.random() < 0.12:
        return f"IMG-{taken_at:%Y%m%d}-WA{number:04d}"
    if rng.random() < 0.06:
        return f"WhatsApp Image {taken_at:%Y-%m-%d} at {taken_at:%H.%M.%S} ({number})"
    stem = taken_at.strftime(camera.file_stem)
    return stem.format(number=number) if "{" in stem else f"{stem}_{number:03d}"
