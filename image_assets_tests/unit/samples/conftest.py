"""A photo that is quick to make, and one small day of the feed."""

import io
from datetime import date

import numpy as np
import pytest
from PIL import Image

from image_assets.samples.feed import SampleFile, generate_feed

DAY = date(2026, 3, 14)


@pytest.fixture(scope="session")
def picture() -> Image.Image:
    """600 x 800: coloured clouds, red at the top left corner and blue at the bottom right."""
    noise = np.random.default_rng(1).integers(60, 190, (40, 30, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((600, 800), Image.Resampling.BICUBIC)
    image.paste((220, 20, 20), (0, 0, 200, 200))
    image.paste((20, 20, 220), (400, 600, 600, 800))
    return image


@pytest.fixture(scope="session")
def photo(picture: Image.Image) -> bytes:
    """The picture as a JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def day() -> date:
    return DAY


@pytest.fixture(scope="session")
def small_day() -> tuple[SampleFile, ...]:
    """One day of 50 files."""
    return tuple(generate_feed([DAY], 50, seed=3))
