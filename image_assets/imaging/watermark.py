"""A tiled, turned, half-transparent mark that reads on light and on dark pictures."""

import io
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from image_assets.errors import ConfigurationError

_LOGO_FORMATS = ("PNG", "WEBP", "JPEG")
_OUTLINE_SHARE = 0.08
_SMALLEST_TEXT_PX = 10
# Pictures above the preview size share few sizes; 5 bytes a pixel, so some 50 MB at 1200 x 1200.
_LAYERS_KEPT = 8
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
            raise ConfigurationError("a watermark needs a text or a logo")
        if not 0 < self.opacity <= 1:
            raise ConfigurationError(f"watermark opacity is above 0 and at most 1, not {self.opacity}")
        if self.text_height_share <= 0 or self.spacing < 0:
            raise ConfigurationError("watermark text_height_share is above 0 and spacing at least 0")


def add_watermark(image: Image.Image, params: WatermarkParams) -> Image.Image:
    """A copy of the RGB image under the mark."""
    ink, mask = _layer(params, image.size)
    return Image.composite(ink, image, mask)


@lru_cache(maxsize=_LAYERS_KEPT)
def _layer(params: WatermarkParams, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """Marks of one size: colours (RGB) and how much of them is seen (L)."""
    ink, mask = _square_layer(params, max(size))
    return ink.crop((0, 0, *size)), mask.crop((0, 0, *size))


@lru_cache(maxsize=_LAYERS_KEPT)
def _square_layer(params: WatermarkParams, side_px: int) -> tuple[Image.Image, Image.Image]:
    height_px = max(_SMALLEST_TEXT_PX, round(side_px * params.text_height_share))
    ink, mask = _turned_mark(params, height_px)
    gap_px = round(height_px * params.spacing)
    layer_ink = Image.new("RGB", (side_px, side_px))
    layer_mask = Image.new("L", (side_px, side_px))
    for at in _tile_corners(side_px, mask.width + gap_px, mask.height + gap_px):
        layer_ink.paste(ink, at)
        layer_mask.paste(mask, at)
    return layer_ink, layer_mask


def _tile_corners(side_px: int, step_x: int, step_y: int) -> list[tuple[int, int]]:
    """Upper left corners that cover the square, every other row moved by half a step."""
    rows = range(0, side_px, step_y)
    return [
        (x - (step_x // 2 if row % 2 else 0), y)
        for row, y in enumerate(rows)
        for x in range(0, side_px + step_x, step_x)
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
        raise ConfigurationError(f"the watermark's logo cannot be read: {error}") from error
    width_px = max(1, round(opened.width * height_px / opened.height))
    return opened.resize((width_px, height_px), Image.Resampling.LANCZOS)
