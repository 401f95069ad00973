"""Files that look strange and are fine: other formats, modes and containers, and near-copies of a photo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps, features

from image_assets.samples.encoding import decode, encode
from image_assets.samples.mishaps import zip_of

Render: TypeAlias = Callable[[Image.Image], bytes]
"""An RGB picture in, a file out."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """One strange but acceptable kind of file.

    Attributes:
        kind: its name.
        extension: what the file's name ends with; not always the truth.
        render: makes the file.
    """

    kind: str
    extension: str
    render: Render


def _shrunk(picture: Image.Image, side: int) -> Image.Image:
    return ImageOps.contain(picture, (side, side), Image.Resampling.BILINEAR)


def png_named_jpg(picture: Image.Image) -> bytes:
    """A PNG; the name says .jpg."""
    return encode(_shrunk(picture, 480), "PNG", compress_level=1)


def cmyk_jpeg(picture: Image.Image) -> bytes:
    """A JPEG from a print shop, four inks."""
    return encode(picture.convert("CMYK"), "JPEG", quality=85)


def grey_jpeg(picture: Image.Image) -> bytes:
    """A JPEG with one channel."""
    return encode(picture.convert("L"), "JPEG", quality=85)


def deep_grey_png(picture: Image.Image) -> bytes:
    """A scanner's PNG: grey, 16 bits."""
    grey = np.asarray(_shrunk(picture, 480).convert("L"), dtype=np.uint16)
    return encode(Image.fromarray(grey * 257), "PNG", compress_level=1)


def animated_gif(picture: Image.Image) -> bytes:
    """Three frames with a palette each."""
    small = _shrunk(picture, 280)
    frames = [
        ImageEnhance.Brightness(small).enhance(level).quantize(64, Image.Quantize.FASTOCTREE)
        for level in (1.0, 0.9, 0.8)
    ]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=200, loop=0)


def _cut_out(picture: Image.Image) -> Image.Image:
    small = _shrunk(picture, 480)
    mask = Image.new("L", small.size)
    width, height = small.size
    ImageDraw.Draw(mask).rounded_rectangle((width * 0.06, height * 0.06, width * 0.94, height * 0.94), width * 0.2, 255)
    small.putalpha(mask)
    return small


def transparent_png(picture: Image.Image) -> bytes:
    """A PNG with clear corners."""
    return encode(_cut_out(picture), "PNG", compress_level=1)


def transparent_webp(picture: Image.Image) -> bytes:
    """A WebP with clear corners."""
    return encode(_cut_out(picture), "WEBP", quality=80, method=1)


def tiff(picture: Image.Image) -> bytes:
    """A TIFF with LZW compression."""
    return encode(_shrunk(picture, 480), "TIFF", compression="tiff_lzw")


def bmp(picture: Image.Image) -> bytes:
    """An uncompressed bitmap."""
    return encode(_shrunk(picture, 480), "BMP")


def avif(picture: Image.Image) -> bytes:
    """An AVIF."""
    return encode(_shrunk(picture, 640), "AVIF", quality=70, speed=10, max_threads=1)


def jpeg_2000(picture: Image.Image) -> bytes:
    """A JPEG 2000."""
    return encode(_shrunk(picture, 480), "JPEG2000", quality_layers=[30])


def progressive_jpeg(picture: Image.Image) -> bytes:
    """A JPEG that loads in passes."""
    return encode(picture, "JPEG", quality=85, progressive=True)


def mpo(picture: Image.Image) -> bytes:
    """Two JPEGs in one file, as phones with two lenses write."""
    return encode(picture, "MPO", quality=85, save_all=True, append_images=[_shrunk(picture, 320)])


def jpeg_with_zip_behind(picture: Image.Image) -> bytes:
    """A fine photo that is also a ZIP archive: both readers are content."""
    return encode(picture, "JPEG", quality=85) + zip_of("notes.txt", b"bought 2024, worn twice\n")


_EVERYWHERE = (
    Oddity("png_named_jpg", "jpg", png_named_jpg),
    Oddity("cmyk_jpeg", "jpg", cmyk_jpeg),
    Oddity("grey_jpeg", "jpg", grey_jpeg),
    Oddity("deep_grey_png", "png", deep_grey_png),
    Oddity("animated_gif", "gif", animated_gif),
    Oddity("transparent_png", "png", transparent_png),
    Oddity("transparent_webp", "webp", transparent_webp),
    Oddity("tiff", "tif", tiff),
    Oddity("bmp", "bmp", bmp),
    Oddity("progressive_jpeg", "jpg", progressive_jpeg),
    Oddity("mpo", "jpg", mpo),
    Oddity("jpeg_with_zip_behind", "jpg", jpeg_with_zip_behind),
)
_WHERE_BUILT_IN = {
    "avif": Oddity("avif", "avif", avif),
    "jpg_2000": Oddity("jpeg_2000", "jp2", jpeg_2000),
}
ODDITIES = (*_EVERYWHERE, *(odd for codec, odd in _WHERE_BUILT_IN.items() if features.check(codec)))
"""Every oddity that this Pillow can write."""


def near_copy(photo: bytes, rng: np.random.Generator) -> bytes:
    """The same photo after a messenger or an editor: smaller, brighter, cropped or pressed harder."""
    upright = ImageOps.exif_transpose(decode(photo))
    changes = (_recompressed, _resized, _cropped, _brightened)
    picture = changes[int(rng.integers(len(changes)))](upright, rng)
    return encode(picture, "JPEG", quality=int(rng.integers(55, 80)))


def _recompressed(picture: Image.Image, _rng: np.random.Generator) -> Image.Image:
    return ImageOps.contain(picture, (1200, 1200))


def _resized(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return _shrunk(picture, int(rng.integers(480, 720)))


def _cropped(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    left, top, right, bottom = rng.uniform(0, 0.025, 4) * (
        picture.width,
        picture.height,
        picture.width,
        picture.height,
    )
    return _recompressed(picture.crop((left, top, picture.width - right, picture.height - bottom)), rng)


def _brightened(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(_recompressed(picture, rng)).enhance(rng.uniform(0.85, 1.15))
