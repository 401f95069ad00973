"""Animations held to more than Pillow asks of them: it decodes the first picture, libvips all."""

import pyvips
from PIL import GifImagePlugin, Image

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.container import walk_gif

# Pixels in all of an animation that are looked at; its first pictures, if there are more.
_MOST_PIXELS = 500_000_000


def check_pictures(image: Image.Image, data: bytes) -> None:
    """Raise `ImageError` (corrupt) where a later picture of an opened GIF does not decode."""
    pictures = walk_gif(data).pictures if isinstance(image, GifImagePlugin.GifImageFile) else 0
    if pictures < 2:
        return
    looked_at = max(1, min(pictures, _MOST_PIXELS // (image.width * image.height)))
    try:
        pyvips.Image.gifload_buffer(data, n=looked_at, fail_on="warning", access="sequential").avg()
    except pyvips.Error as error:
        detail = f"one of {pictures} pictures is damaged: {' '.join(error.detail.split())}"
        raise ImageError(RejectionReason.CORRUPT, detail) from error
