"""Everything that is made from one original in one pass: silver image, thumbnail and watermarked preview.

Each result depends on the original and on its own parameters alone, never on what else was asked for in the
same pass: its recipe says all there is to say. That is why every kind names the size that it is made from.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from PIL import Image

from image_assets.errors import ConfigurationError
from image_assets.imaging.colour_palette import DominantColour, dominant_colours
from image_assets.imaging.decode import decode_within
from image_assets.imaging.encode import encode_jpeg, encode_webp
from image_assets.imaging.perceptual_hash import perceptual_hash
from image_assets.imaging.pixels import Pixels
from image_assets.imaging.quality import ImageQuality, QualityParams, measure_grey
from image_assets.imaging.resize import fit
from image_assets.imaging.watermark import WatermarkParams, add_watermark

# One size for all kinds: what they share costs no more than the largest of them.
_DECODED_SIDE_PX = 1200


def _check_sides(longest_side_px: int, decoded_side_px: int) -> None:
    if not 0 < longest_side_px <= decoded_side_px:
        found = f"longest_side_px {longest_side_px}, decoded_side_px {decoded_side_px}"
        raise ConfigurationError(f"longest_side_px is above 0 and at most decoded_side_px: {found}")


@dataclass(frozen=True, slots=True)
class SilverParams:
    """The cleansed image and what is measured on it.

    Attributes:
        longest_side_px: smaller originals keep their size; within a pixel of their aspect.
        quality: of the JPEG.
        decoded_side_px: the original is first brought within this side, then within `longest_side_px`.
        measures: thresholds.
    """

    longest_side_px: int = 512
    quality: int = 90
    decoded_side_px: int = _DECODED_SIDE_PX
    measures: QualityParams = field(default_factory=QualityParams)

    def __post_init__(self) -> None:
        _check_sides(self.longest_side_px, self.decoded_side_px)


@dataclass(frozen=True, slots=True)
class ThumbnailParams:
    """The small WebP; method 2 costs half of Pillow's default 4 for 3 % more bytes."""

    longest_side_px: int = 300
    quality: int = 80
    method: int = 2
    decoded_side_px: int = _DECODED_SIDE_PX

    def __post_init__(self) -> None:
        _check_sides(self.longest_side_px, self.decoded_side_px)


@dataclass(frozen=True, slots=True)
class PreviewParams:
    """The large JPEG under a watermark."""

    longest_side_px: int = 1200
    quality: int = 85
    watermark: WatermarkParams = field(default_factory=WatermarkParams)
    decoded_side_px: int = _DECODED_SIDE_PX

    def __post_init__(self) -> None:
        _check_sides(self.longest_side_px, self.decoded_side_px)


@dataclass(frozen=True, slots=True)
class DerivativeParams:
    """What is wanted: a kind that is None is not made."""

    silver: SilverParams | None = field(default_factory=SilverParams)
    thumbnail: ThumbnailParams | None = field(default_factory=ThumbnailParams)
    preview: PreviewParams | None = field(default_factory=PreviewParams)


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """A file and the size of its picture."""

    data: bytes
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class SilverImage:
    """The cleansed file and what its pixels say, measured before they were encoded.

    Attributes:
        encoded: the file.
        phash: 16 hexadecimal digits.
        quality: measures.
        colours: dominant ones, largest share first.
    """

    encoded: EncodedImage
    phash: str
    quality: ImageQuality
    colours: tuple[DominantColour, ...]


@dataclass(frozen=True, slots=True)
class Derivatives:
    """What was made; None for a kind that was not asked for."""

    silver: SilverImage | None
    thumbnail: EncodedImage | None
    preview: EncodedImage | None


def make_derivatives(data: bytes, params: DerivativeParams) -> Derivatives:
    """Decode the original once for each `decoded_side_px`, make it smaller, encode what is wanted.

    Raises:
        ImageError: see `decode_image`.
    """

    @cache
    def decoded_within(side_px: int) -> Pixels:
        return decode_within(data, side_px)

    silver, thumbnail, preview = params.silver, params.thumbnail, params.preview
    return Derivatives(
        silver=None if silver is None else _silver(decoded_within(silver.decoded_side_px), silver),
        thumbnail=None if thumbnail is None else _thumbnail(decoded_within(thumbnail.decoded_side_px), thumbnail),
        preview=None if preview is None else _preview(decoded_within(preview.decoded_side_px), preview),
    )


def _silver(decoded: Pixels, params: SilverParams) -> SilverImage:
    pixels = fit(decoded, params.longest_side_px)
    image = Image.fromarray(pixels)
    grey = np.asarray(image.convert("L"))
    return SilverImage(
        encoded=_encoded(pixels, encode_jpeg(image, params.quality)),
        phash=perceptual_hash(grey),
        quality=measure_grey(grey, params.measures),
        colours=dominant_colours(image),
    )


def _thumbnail(decoded: Pixels, params: ThumbnailParams) -> EncodedImage:
    pixels = fit(decoded, params.longest_side_px)
    return _encoded(pixels, encode_webp(Image.fromarray(pixels), params.quality, params.method))


def _preview(decoded: Pixels, params: PreviewParams) -> EncodedImage:
    pixels = add_watermark(fit(decoded, params.longest_side_px), params.watermark)
    return _encoded(pixels, encode_jpeg(Image.fromarray(pixels), params.quality))


def _encoded(pixels: Pixels, data: bytes) -> EncodedImage:
    return EncodedImage(data, width_px=pixels.shape[1], height_px=pixels.shape[0])
