"""When a photo was taken, by the first bytes of its file."""

from datetime import UTC, datetime

from PIL import ExifTags

from image_assets.errors import ImageError
from image_assets.imaging.exif_source import load_exif
from image_assets.imaging.exif_values import time
from image_assets.imaging.foreign_decoder import foreign_decoder, open_image

HEAD_BYTES = 2**17
"""Where JPEG, PNG and most others have their EXIF: one block of it is at most 64 KiB, and stands before the pixels."""


def taken_at(head: bytes) -> datetime | None:
    """DateTimeOriginal, in UTC where the camera names no offset; None where the head does not tell."""
    try:
        with foreign_decoder(head):
            camera = load_exif(open_image(head), head).get_ifd(ExifTags.IFD.Exif)
            told = time(camera.get(ExifTags.Base.DateTimeOriginal), camera.get(ExifTags.Base.OffsetTimeOriginal))
            moment = datetime.fromisoformat(told)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except ImageError:
        return None
