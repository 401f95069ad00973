import json

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from image_assets.imaging.exif import MAX_RAW_TAGS
from image_assets.imaging.exif_values import MAX_TEXT_CHARACTERS
from image_assets.imaging.inspect import InspectParams, inspect_image


@pytest.fixture
def exif_of(encode):
    """What is read from a JPEG with these tags."""

    def read(main=None, camera=None, gps=None):
        exif = Image.Exif()
        exif.update(main or {})
        exif.get_ifd(ExifTags.IFD.Exif).update(camera or {})
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps or {})
        data = encode(Image.new("RGB", (32, 32)), "JPEG", exif=exif)
        found = inspect_image(data, InspectParams()).exif
        json.dumps(found, allow_nan=False).encode("utf-8")
        return found

    return read


def test_a_file_without_exif_says_nothing(exif_of):
    assert exif_of() == {}


def test_camera_and_exposure_are_read(exif_of):
    found = exif_of(
        {271: "Maker", 272: "Model", 305: "Software 1.0", 274: 3},
        {0xA434: "Lens", 0x8827: 200, 0x829A: IFDRational(1, 250), 0x829D: 2.8, 0x920A: 50.0},
    )
    assert found == {
        "maker": "Maker",
        "model": "Model",
        "software": "Software 1.0",
        "orientation": 3,
        "lens": "Lens",
        "iso": 200,
        "exposure_s": 0.004,
        "aperture": 2.8,
        "focal_length_mm": 50,
    }


def test_a_time_keeps_its_offset(exif_of):
    found = exif_of(camera={0x9003: "2026:03:04 05:06:07", 0x9011: "+09:00"})
    assert found["taken_at"] == "2026-03-04T05:06:07+09:00"


def test_a_time_without_offset_stays_local(exif_of):
    assert exif_of(camera={0x9003: "2026:03:04 05:06:07"})["taken_at"] == "2026-03-04T05:06:07"


def test_an_impossible_time_gives_way_to_the_next(exif_of):
    found = exif_of({306: "2026:01:02 03:04:05"}, {0x9003: "0000:00:00 00:00:00"})
    assert found["taken_at"] == "2026-01-02T03:04:05"


def test_a_place_is_decimal_degrees_with_signs(exif_of):
    found = exif_of(gps={1: "S", 2: (33.0, 51.0, 36.0), 3: "W", 4: (70.0, 30.0, 0.0), 5: b"\x01", 6: 12.5})
    assert found == {"latitude": -33.86, "longitude": -70.5, "altitude_m": -12.5}


@pytest.mark.parametrize("latitude", [(91.0, 0.0, 0.0), (IFDRational(1, 0), 0.0, 0.0)])
def test_an_impossible_place_is_no_place(exif_of, latitude):
    assert "latitude" not in exif_of(gps={1: "N", 2: latitude, 3: "E", 4: (1.0, 0.0, 0.0)})


def test_half_a_place_is_no_place(exif_of):
    assert exif_of(gps={1: "N", 2: (1.0, 0.0, 0.0)}) == {}


def test_a_zero_denominator_costs_that_tag_only(exif_of):
    assert exif_of({271: "Maker"}, {0x829A: IFDRational(1, 0)}) == {"maker": "Maker"}


def test_an_orientation_outside_one_to_eight_is_left_out(exif_of):
    assert exif_of({274: 9}) == {}


def test_control_characters_and_what_follows_a_nul_are_dropped(exif_of):
    assert exif_of({271: "Ma\x07ker\x00rest"})["maker"] == "Ma ker"


def test_text_written_as_utf8_is_read_as_such(exif_of):
    assert exif_of({271: "Zürich".encode()})["maker"] == "Zürich"


def test_other_tags_are_kept_by_name(exif_of):
    assert exif_of(camera={0x9209: 16})["raw"] == {"Flash": 16}


def test_text_is_bounded(exif_of):
    assert len(exif_of({270: "x" * 10_000})["raw"]["ImageDescription"]) == MAX_TEXT_CHARACTERS


def test_the_number_of_tags_is_bounded(exif_of):
    assert len(exif_of({50_000 + n: n for n in range(300)})["raw"]) == MAX_RAW_TAGS


def test_a_block_of_garbage_says_nothing(encode):
    data = encode(Image.new("RGB", (32, 32)), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert inspect_image(data, InspectParams()).exif == {}
