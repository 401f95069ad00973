"""The colour word of a photo, for the sentences about it."""

from typing import Final

import numpy as np

from image_assets.imaging.colour_names import COLOURS, nearest_colours
from image_assets.imaging.pixels import RgbImage

_MINIMUM_SHARE: Final = 0.34
"""Below this share of the centre no colour dominates: the photo gets no colour word."""


def name_main_colour(image: RgbImage) -> str | None:
    """Name of the colour that covers most of the central region; None when none dominates."""
    height, width = image.shape[:2]
    centre = image[height * 3 // 10 : height * 7 // 10 + 1, width * 3 // 10 : width * 7 // 10 + 1]
    names = nearest_colours(centre.reshape(-1, 3))
    votes = np.bincount(names, minlength=len(COLOURS))
    winner = int(votes.argmax())
    return COLOURS[winner] if votes[winner] >= _MINIMUM_SHARE * names.size else None
