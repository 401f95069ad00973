"""The people who upload: each has a taste, a camera and a home."""

import functools
from dataclasses import dataclass

import numpy as np

from image_assets.samples.cameras import CAMERAS, Camera
from image_assets.samples.stock_photos import LABELS

_TOWNS = (
    (52.52, 13.40, 1),
    (48.86, 2.35, 1),
    (51.51, -0.13, 0),
    (40.42, -3.70, 1),
    (59.33, 18.07, 1),
    (40.71, -74.01, -5),
    (-33.87, 151.21, 10),
    (28.61, 77.21, 5),
)
"""Latitude, longitude (degrees north, east) and hours ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Shopper:
    """One user.

    Attributes:
        user_id: also the name of the landing folder.
        labels: what they sell most.
        camera: what with.
        home: latitude and longitude, degrees.
        utc_offset_hours: of their clock.
        activity: relative number of uploads, above 0.
    """

    user_id: str
    labels: tuple[str, ...]
    camera: Camera
    home: tuple[float, float]
    utc_offset_hours: int
    activity: float


@functools.cache
def shoppers_of(seed: int) -> tuple[Shopper, ...]:
    """The 30 users of a feed, the same ones on every day."""
    rng = np.random.default_rng([seed, 0])
    return tuple(_shopper(number, rng) for number in range(30))


def _shopper(number: int, rng: np.random.Generator) -> Shopper:
    latitude, longitude, hours = _TOWNS[int(rng.integers(len(_TOWNS)))]
    return Shopper(
        user_id=f"u{1000 + number * 37}",
        labels=(LABELS[number % len(LABELS)], *rng.choice(LABELS, 2).tolist()),
        camera=CAMERAS[int(rng.integers(len(CAMERAS)))],
        home=(latitude, longitude),
        utc_offset_hours=hours,
        activity=float(1 / (1 + number * 0.1)),
    )
