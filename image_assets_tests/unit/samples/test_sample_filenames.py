from datetime import UTC, datetime

import numpy as np
import pytest

from image_assets.samples.cameras import CAMERAS, Camera
from image_assets.samples.filenames import ODD_FILENAMES, ODD_RAW_NAMES, camera_filename


def is_one_file_name(name: str) -> bool:
    return 0 < len(name.encode()) <= 100 and "/" not in name and "\0" not in name and name not in (".", "..")


@pytest.mark.parametrize("name", ODD_FILENAMES)
def test_odd_filenames_can_be_files(name: str) -> None:
    assert is_one_file_name(name)


@pytest.mark.parametrize("name", ODD_RAW_NAMES)
def test_odd_raw_names_are_dangerous_as_files(name: str) -> None:
    assert not is_one_file_name(name) or "\\" in name


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.model)
def test_a_camera_never_gives_two_numbers_one_name(camera: Camera) -> None:
    rng, taken_at = np.random.default_rng(0), datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
    names = [camera_filename(camera, taken_at, number, rng) for number in range(300)]
    assert len(set(names)) == 300
    assert all(is_one_file_name(f"{name}.jpg") and name.isascii() for name in names)
