import io

import numpy as np
import pytest
from PIL import Image

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.read_back import read_pixels


def wave(kind: str, mode: str = "RGB") -> bytes:
    """A soft picture of 500 x 300."""
    rows, columns = np.mgrid[0:300, 0:500]
    shades = [128 + 100 * np.sin(columns / 40 + channel) * np.cos(rows / 30) for channel in range(3)]
    file = io.BytesIO()
    Image.fromarray(np.stack(shades, axis=-1).astype(np.uint8)).convert(mode).save(file, kind, quality=95)
    return file.getvalue()


def test_a_jpeg_has_the_pixels_that_pillow_reads() -> None:
    data = wave("JPEG")
    np.testing.assert_array_equal(read_pixels(data), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize(
    ("shortest_side_px", "shape"),
    [(301, (300, 500, 3)), (300, (300, 500, 3)), (150, (150, 250, 3)), (75, (75, 125, 3)), (9, (75, 125, 3))],
)
def test_a_jpeg_is_read_smaller_while_its_shorter_side_suffices(
    shortest_side_px: int, shape: tuple[int, int, int]
) -> None:
    assert read_pixels(wave("JPEG"), shortest_side_px=shortest_side_px).shape == shape


def test_a_smaller_reading_shows_the_same() -> None:
    data = wave("JPEG")
    shrunk = np.asarray(Image.fromarray(read_pixels(data)).resize((250, 150), Image.Resampling.BOX), dtype=float)
    assert np.abs(read_pixels(data, shortest_side_px=150) - shrunk).mean() < 1


@pytest.mark.parametrize(("kind", "mode"), [("WEBP", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK")])
def test_other_files_come_as_rgb_too(kind: str, mode: str) -> None:
    assert read_pixels(wave(kind, mode), shortest_side_px=300).shape == (300, 500, 3)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize("length", [4, 300, 3000])
def test_a_damaged_file_is_corrupt(kind: str, length: int) -> None:
    with pytest.raises(ImageError) as caught:
        read_pixels(wave(kind)[:length])
    assert caught.value.reason is RejectionReason.CORRUPT
