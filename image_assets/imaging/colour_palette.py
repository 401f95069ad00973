"""The few colours that a picture is made of."""

from dataclasses import dataclass

from PIL import Image

# Block means of about this longest side: over 100 photos as good as twice the side, and cheaper.
_SAMPLE_SIDE_PX = 32


@dataclass(frozen=True, slots=True)
class DominantColour:
    """An sRGB colour as #rrggbb and its share of the picture, above 0 and at most 1."""

    hex: str
    share: float


def dominant_colours(image: Image.Image, count: int = 3) -> tuple[DominantColour, ...]:
    """Up to `count` colours of an RGB image, largest share first (median cut; Heckbert 1982, SIGGRAPH)."""
    factor = max(1, min(max(image.size) // _SAMPLE_SIDE_PX, *image.size))
    sample = image.reduce(factor).quantize(count, Image.Quantize.MEDIANCUT)
    pixels_by_index = sample.histogram()[:count]
    palette = bytes(sample.getpalette("RGB") or ())
    total = sample.width * sample.height
    found = [
        DominantColour(f"#{palette[3 * index : 3 * index + 3].hex()}", pixels / total)
        for index, pixels in enumerate(pixels_by_index)
        if pixels
    ]
    return tuple(sorted(found, key=lambda colour: (-colour.share, colour.hex)))
