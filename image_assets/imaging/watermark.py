"""A tiled, turned, half-transparent mark that reads on light and on dark pictures."""

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from image_assets.errors import ConfigurationError
from image_assets.imaging.pixels import Pixels

_LOGO_FORMATS = ("PNG", "WEBP", "JPEG")
_OUTLINE_SHARE = 0.08
_SMALLEST_TEXT_PX = 10
# Photos come in some dozen sizes; 4 MB each at 1200 x 900.
_VEILS_KEPT = 32
# Smaller pictures come in any size, but their letters in few.
_MARKS_KEPT = 64


@dataclass(frozen=True, slots=True)
class WatermarkParams:
    """What is laid over a preview.

    Attributes:
        text: light letters with a dark outline in Pillow's own font (Latin); may be empty beside a logo.
        logo: a PNG (at best with transparency), WebP or JPEG file shown before the text.
        opacity: 0 (invisible) to 1 (opaque).
        angle_degrees: turned counter-clockwise.
        text_height_share: height of the letters as a share of the picture's longest side.
        spacing: gap between marks, in heights of the letters.
    """

    text: str = "image assets"
    logo: bytes | None = None
    opacity: float = 0.3
    angle_degrees: float = 30.0
    text_height_share: float = 0.04
    spacing: float = 3.0

    def __post_init__(self) -> None:
        if not self.text.strip() and self.logo is None:
            raise ConfigurationError("a watermark needs IMAGE_ASSETS_WATERMARK_TEXT or IMAGE_ASSETS_WATERMARK_LOGO")
        if not 0 < self.opacity <= 1:
            raise ConfigurationError(f"IMAGE_ASSETS_WATERMARK_OPACITY is above 0 and at most 1, not {self.opacity}")
        if self.text_height_share <= 0 or self.spacing < 0:
            raise ConfigurationError("watermark text_height_share is above 0 and spacing at least 0")


def add_watermark(pixels: Pixels, params: WatermarkParams) -> Pixels:
    """A copy of the picture, rows x columns x 3, under the mark."""
    rows, columns = pixels.shape[:2]
    veil = _veil(params, (columns, rows))
    marked = pixels.copy()
    levels = marked.reshape(-1)
    levels[veil.places] = (levels[veil.places] * veil.kept + veil.added).astype(np.uint8)
    return marked


@dataclass(frozen=True, slots=True)
class _Veil:
    """What the marks do to a picture of one size; most of it they leave alone.

    Attributes:
        places: indices of the levels that change, in the picture laid out flat.
        kept: share of each level that stays, float32.
        added: what is laid over it, float32, with the half that makes rounding of cutting off.
    """

    places: npt.NDArray[np.int64]
    kept: npt.NDArray[np.float32]
    added: npt.NDArray[np.float32]


@lru_cache(maxsize=_VEILS_KEPT)
def _veil(params: WatermarkParams, size: tuple[int, int]) -> _Veil:
    ink, mask = _layer(params, size)
    opacity = np.repeat(np.asarray(mask).reshape(-1), 3)
    places = np.flatnonzero(opacity)
    shares = opacity[places].astype(np.float32) / np.float32(255)
    added = np.asarray(ink).reshape(-1)[places] * shares + np.float32(0.5)
    return _Veil(places, np.float32(1) - shares, added)


def _layer(params: WatermarkParams, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """Marks all over one size: colours (RGB) and how much of them is seen (L)."""
    height_px = max(_SMALLEST_TEXT_PX, round(max(size) * params.text_height_share))
    ink, mask = _turned_mark(params, height_px)
    gap_px = round(height_px * params.spacing)
    layer_ink, layer_mask = Image.new("RGB", size), Image.new("L", size)
    for at in _tile_corners(size, mask.width + gap_px, mask.height + gap_px):
        layer_ink.paste(ink, at)
        layer_mask.paste(mask, at)
    return layer_ink, layer_mask


def _tile_corners(size: tuple[int, int], step_x: int, step_y: int) -> list[tuple[int, int]]:
    """Upper left corners that cover the picture, every other row moved by half a step."""
    width_px, height_px = size
    return [
        (x - (step_x // 2 if row % 2 else 0), y)
        for row, y in enumerate(range(0, height_px, step_y))
        for x in range(0, width_px + step_x, step_x)
    ]


@lru_cache(maxsize=_MARKS_KEPT)
def _turned_mark(params: WatermarkParams, height_px: int) -> tuple[Image.Image, Image.Image]:
    mark = _mark(params, height_px).rotate(params.angle_degrees, Image.Resampling.BICUBIC, expand=True)
    mask = mark.getchannel("A").point([round(level * params.opacity) for level in range(256)])
    return mark.convert("RGB"), mask


def _mark(params: WatermarkParams, height_px: int) -> Image.Image:
    """Logo and text side by side, opaque on transparent."""
    parts = [] if params.logo is None else [_logo(params.logo, 2 * height_px)]
    if params.text.strip():
        parts.append(_lettering(params.text, height_px))
    gap_px = height_px // 2
    width_px = sum(part.width for part in parts) + gap_px * (len(parts) - 1)
    mark = Image.new("RGBA", (width_px, max(part.height for part in parts)))
    x = 0
    for part in parts:
        mark.paste(part, (x, (mark.height - part.height) // 2))
        x += part.width + gap_px
    return mark


def _lettering(text: str, height_px: int) -> Image.Image:
    font = ImageFont.load_default(height_px)
    outline_px = max(1, round(height_px * _OUTLINE_SHARE))
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
        (0, 0), text, font=font, stroke_width=outline_px
    )
    lettering = Image.new("RGBA", (int(right - left) + 1, int(bottom - top) + 1))
    ImageDraw.Draw(lettering).text(
        (-left, -top), text, fill="white", font=font, stroke_width=outline_px, stroke_fill="black"
    )
    return lettering


def _logo(logo: bytes, height_px: int) -> Image.Image:
    try:
        opened = Image.open(io.BytesIO(logo), formats=_LOGO_FORMATS).convert("RGBA")
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"IMAGE_ASSETS_WATERMARK_LOGO cannot be read: {error}") from error
    width_px = max(1, round(opened.width * height_px / opened.height))
    return opened.resize((width_px, height_px), Image.Resampling.LANCZOS)
