"""Copies of a photo as people make them: each alteration takes a picture and gives the file of its copy."""

import io
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from image_assets.imaging.watermark import WatermarkParams, add_watermark

_CROPPED = 0.05
_QUALITY = 90


def original(picture: Image.Image) -> bytes:
    """The picture itself."""
    return _jpeg(picture)


def resized(picture: Image.Image) -> bytes:
    """Half as wide."""
    return _jpeg(picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS))


def recompressed(picture: Image.Image) -> bytes:
    """A JPEG of low quality."""
    return _jpeg(picture, quality=30)


def cropped(picture: Image.Image) -> bytes:
    """Without a twentieth of its width and height, half of it at each side."""
    x, y = round(picture.width * _CROPPED / 2), round(picture.height * _CROPPED / 2)
    return _jpeg(picture.crop((x, y, picture.width - x, picture.height - y)))


def cropped_at_a_corner(picture: Image.Image) -> bytes:
    """Without a twentieth of its width and height, all of it at the left and the top."""
    box = round(picture.width * _CROPPED), round(picture.height * _CROPPED), picture.width, picture.height
    return _jpeg(picture.crop(box))


def watermarked(picture: Image.Image) -> bytes:
    """Under the tiled watermark of a preview."""
    return _jpeg(Image.fromarray(add_watermark(np.array(picture), WatermarkParams())))


def brightened(picture: Image.Image) -> bytes:
    """A quarter brighter."""
    return _jpeg(ImageEnhance.Brightness(picture).enhance(1.25))


def darkened(picture: Image.Image) -> bytes:
    """A quarter darker."""
    return _jpeg(ImageEnhance.Brightness(picture).enhance(0.75))


def flipped(picture: Image.Image) -> bytes:
    """Seen in a mirror."""
    return _jpeg(ImageOps.mirror(picture))


def turned(picture: Image.Image) -> bytes:
    """A quarter turn."""
    return _jpeg(picture.transpose(Image.Transpose.ROTATE_90))


def upside_down(picture: Image.Image) -> bytes:
    """Half a turn."""
    return _jpeg(picture.transpose(Image.Transpose.ROTATE_180))


def tilted(picture: Image.Image) -> bytes:
    """Turned by two degrees, with the corners filled from the edge's colour."""
    edge = np.median(np.asarray(picture)[[0, -1]].reshape(-1, 3), axis=0)
    fill = tuple(int(level) for level in edge)
    return _jpeg(picture.rotate(2, Image.Resampling.BICUBIC, fillcolor=fill))


def turned_by_exif(picture: Image.Image) -> bytes:
    """Stored on its side with an EXIF orientation that rights it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return _jpeg(picture.transpose(Image.Transpose.ROTATE_90), exif=exif)


def _jpeg(picture: Image.Image, quality: int = _QUALITY, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality, **options)
    return file.getvalue()


ALTERATIONS: Final[Mapping[str, Callable[[Image.Image], bytes]]] = {
    function.__name__: function
    for function in (
        resized,
        recompressed,
        cropped,
        cropped_at_a_corner,
        watermarked,
        brightened,
        darkened,
        flipped,
        turned,
        upside_down,
        tilted,
        turned_by_exif,
    )
}
