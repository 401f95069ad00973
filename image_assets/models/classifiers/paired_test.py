"""Whether one classifier is better than another on the same images, or was lucky: pairs, not two shares."""

import math
from dataclasses import dataclass
from typing import Final

from scipy.special import bdtr

_Z: Final = 1.959964
"""Of 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A challenger against a champion, on images on which only one of them is right.

    Attributes:
        mended: images that the challenger alone has right.
        broken: images that the champion alone has right.
        difference: -1..1, by how much the challenger's accuracy is higher.
        low: lower end of the 95 % interval of the difference.
        high: its upper end.
        p_value: how probable so uneven a division is when neither is better.
    """

    mended: int
    broken: int
    difference: float
    low: float
    high: float
    p_value: float

    @property
    def is_significant(self) -> bool:
        """Whether luck is improbable: less than one in twenty."""
        return self.p_value < 0.05


def compare_pairs(mended: int, broken: int, images: int) -> PairedTest:
    """The exact test of McNemar (1947), which Dietterich (1998) recommends for a single test split.

    The interval is that of Bonett and Price (2012): Wald's with an image added to both sides, so that it holds in
    small splits, too.
    """
    difference = (mended - broken) / images if images else 0.0
    middle = (mended - broken) / (images + 2)
    spread = (mended + broken + 2) / (images + 2) - middle**2
    half = _Z * math.sqrt(max(0.0, spread) / (images + 2))
    return PairedTest(
        mended,
        broken,
        difference,
        max(-1.0, middle - half),
        min(1.0, middle + half),
        min(1.0, 2 * float(bdtr(min(mended, broken), mended + broken, 0.5))),
    )
