"""Measures of one picture; measured on the silver image (longest side <= 512 px), so that they compare."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from image_assets.imaging.pixels import GreyImage, RgbImage

GreyHistogram: TypeAlias = npt.NDArray[np.int64]
"""int64, 256 counts of pixels by grey level."""

_LEVELS = np.arange(256)


@dataclass(frozen=True, slots=True)
class QualityParams:
    """Thresholds apart from the measures.

    Attributes:
        near_uniform_contrast: below it a picture shows nothing; 0.01 is two and a half of 255 grey levels.
    """

    near_uniform_contrast: float = 0.01


@dataclass(frozen=True, slots=True)
class ImageQuality:
    """What was measured; see the function of each."""

    blur: float
    brightness: float
    contrast: float
    entropy: float
    aspect: float
    is_near_uniform: bool


def measure_quality(image: RgbImage, params: QualityParams) -> ImageQuality:
    """All measures of a picture in colour."""
    return measure_grey(to_grey(image), params)


def measure_grey(grey: GreyImage, params: QualityParams) -> ImageQuality:
    """All measures from one histogram."""
    histogram = grey_histogram(grey)
    contrast = measure_contrast(histogram)
    return ImageQuality(
        blur=measure_blur(grey),
        brightness=measure_brightness(histogram),
        contrast=contrast,
        entropy=measure_entropy(histogram),
        aspect=grey.shape[1] / grey.shape[0],
        is_near_uniform=contrast < params.near_uniform_contrast,
    )


def to_grey(image: RgbImage) -> GreyImage:
    """Luma by ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B, as Pillow rounds it."""
    return np.asarray(Image.fromarray(image).convert("L"))


def grey_histogram(grey: GreyImage) -> GreyHistogram:
    """Pixels per grey level."""
    return np.array(Image.fromarray(grey).histogram(), dtype=np.int64)


def measure_brightness(histogram: GreyHistogram) -> float:
    """Mean luma, 0 (black) to 1 (white); all red is 76 / 255."""
    return float(histogram @ _LEVELS / histogram.sum() / 255)


def measure_contrast(histogram: GreyHistogram) -> float:
    """Standard deviation of luma (RMS contrast; Peli 1990, J. Opt. Soc. Am. A 7), 0 to 0.5."""
    deviations = _LEVELS - histogram @ _LEVELS / histogram.sum()
    return float(np.sqrt(histogram @ deviations**2 / histogram.sum()) / 255)


def measure_entropy(histogram: GreyHistogram) -> float:
    """Shannon entropy of the grey levels in bits, 0 (one level) to 8 (all equally often)."""
    shares = histogram[histogram > 0] / histogram.sum()
    return float(np.abs(shares @ np.log2(shares)))


def measure_blur(grey: GreyImage) -> float:
    """Variance of the Laplacian: low is blurred (Pech-Pacheco et al. 2000, ICPR), 0 to about 10^6.

    Kernel 0 1 0 / 1 -4 1 / 0 1 0 over the inner pixels; 0 for a picture under 3 x 3. It depends on the scale:
    see the module.
    """
    if min(grey.shape) < 3:
        return 0.0
    wide = grey.astype(np.int16)
    laplacian = wide[1:-1, :-2] + wide[1:-1, 2:]
    laplacian += wide[:-2, 1:-1]
    laplacian += wide[2:, 1:-1]
    laplacian -= 4 * wide[1:-1, 1:-1]
    mean = laplacian.sum(dtype=np.int64) / laplacian.size
    mean_square = np.square(laplacian, dtype=np.int32).sum(dtype=np.int64) / laplacian.size
    return float(mean_square - mean**2)
