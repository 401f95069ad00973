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


DEGREE = (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "untrue",
    [
        {2: (91.0, 0.0, 0.0)},
        {2: (89.0, 60.0, 0.0)},
        {2: (1.0, 0.0, 60.0)},
        {2: (IFDRational(1, 0), 0.0, 0.0)},
        {2: (IFDRational(0, 0), 0.0, 0.0)},
        {2: (1.0, 0.0, 0.0, 5.0)},
        {4: (180.0, 0.0, 1.0)},
        {1: ""},
        {1: "E"},
        {3: "N"},
        {3: "X"},
    ],
)
def test_a_place_that_cannot_be_is_no_place(exif_of, untrue):
    assert exif_of(gps={1: "N", 2: DEGREE, 3: "E", 4: DEGREE} | untrue) == {}


def test_a_place_without_a_hemisphere_is_no_place(exif_of):
    assert exif_of(gps={2: DEGREE, 4: DEGREE}) == {}


@pytest.mark.parametrize("metres", [IFDRational(1, 0), 1e9, 100_001.0])
def test_an_altitude_that_cannot_be_costs_itself_only(exif_of, metres):
    assert exif_of(gps={1: "N", 2: DEGREE, 3: "E", 4: DEGREE, 6: metres}) == {"latitude": 1, "longitude": 1}


@pytest.mark.parametrize(
    "written",
    [
        "0000:00:00 00:00:00",
        "2023:02:29 00:00:00",
        "2023:01:01 24:00:00",
        "1825:01:01 00:00:00",
        "9999:01:01 00:00:00",
        "    :  :     :  :  ",
    ],
)
def test_a_date_that_cannot_be_is_left_out_everywhere(exif_of, written):
    assert exif_of({306: written}, {0x9003: written, 0x9004: written}) == {}


def test_a_date_that_can_be_is_kept_as_it_was_written_too(exif_of):
    found = exif_of(camera={0x9003: "2023-02-28T01:02:03"})
    assert found == {"taken_at": "2023-02-28T01:02:03", "raw": {"DateTimeOriginal": "2023-02-28T01:02:03"}}


@pytest.mark.parametrize("offset", ["+99:99", "-15:00", "+05:60", "Z", ""])
def test_an_offset_that_cannot_be_is_left_out_everywhere(exif_of, offset):
    found = exif_of(camera={0x9003: "2026:03:04 05:06:07", 0x9011: offset})
    assert found["taken_at"] == "2026-03-04T05:06:07"
    assert "OffsetTimeOriginal" not in found["raw"]


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (0x8827, 0),
        (0x8827, 65_535),
        (0x829A, IFDRational(1, 0)),
        (0x829A, IFDRational(0, 1)),
        (0x829A, 1e6),
        (0x829D, 0.0),
        (0x829D, 1e9),
        (0x920A, IFDRational(0, 0)),
        (0x920A, 1e9),
    ],
)
def test_a_number_that_cannot_be_is_left_out(exif_of, tag, value):
    assert exif_of(camera={tag: value}) == {}


def test_a_list_with_a_number_that_cannot_be_is_left_out_whole(exif_of):
    """Without one of them the others would be taken for what they are not."""
    assert exif_of({318: (IFDRational(1, 0), 0.329)}) == {}


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
