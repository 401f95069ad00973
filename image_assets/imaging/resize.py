"""Making pictures smaller, fast and the same on every run."""

from PIL import Image

# How much larger than its target a picture stays after the cheap halvings; a better filter does the rest.
_SPARE = 1.5


def fit_within(size: tuple[int, int], longest_side_px: int) -> tuple[int, int]:
    """Width and height in pixels within the longest side, never enlarged, at least 1."""
    longest = max(size)
    if longest <= longest_side_px:
        return size
    width_px, height_px = (max(1, round(side * longest_side_px / longest)) for side in size)
    return width_px, height_px


class Pyramid:
    """One picture and its halvings, each computed once: a picture of any wanted size costs little more."""

    def __init__(self, image: Image.Image) -> None:
        self._levels = [image]

    def shrink(self, longest_side_px: int) -> Image.Image:
        """The picture fitted within the longest side; depends on nothing but the picture and that side.

        Halved by averaging (`Image.reduce`) while that leaves enough to spare, then resampled with Pillow's
        Hamming filter: about as good as bicubic at the price of bilinear (Pillow handbook, "Filters").
        """
        size = fit_within(self._levels[0].size, longest_side_px)
        level = 0
        while max(self._level(level).size) >= 2 * _SPARE * longest_side_px:
            level += 1
        source = self._level(level)
        return source if source.size == size else source.resize(size, Image.Resampling.HAMMING)

    def _level(self, level: int) -> Image.Image:
        while level >= len(self._levels):
            self._levels.append(self._levels[-1].reduce(2))
        return self._levels[level]
