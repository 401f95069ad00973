"""Crops, turns and mirrors that AVIF and HEIC tell: all are applied, in their order, in both alike."""

import struct

import numpy as np
import pytest
from PIL import Image

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.boxes import boxes_in, first_box
from image_assets.imaging.decode import decode_image, decode_within
from image_assets.imaging.inspect import InspectParams, inspect_image
from image_assets_tests.unit.imaging.item_files import box, cropped, mirrored, rotated, with_properties

RED, LIME, BLUE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)
WRITTEN = {"AVIF": {"quality": 100, "subsampling": "4:4:4"}, "HEIF": {"quality": -1, "chroma": 444}}
# Writers turn an orientation into properties; this tag, 1 beside it, becomes one afterwards.
NOT_ORIENTATION = 275
UPPER_LEFT = cropped(48, 32, right=-48, down=-32)


@pytest.fixture(params=WRITTEN)
def write(request, encode):
    """The four quarters red, lime, blue and black, 96 x 64, as AVIF and as HEIC with these properties."""
    if request.param == "HEIF":
        pytest.importorskip("pillow_heif")

    def written(*properties: bytes, **options: object) -> bytes:
        data = encode(Image.fromarray(quarters()), request.param, **WRITTEN[request.param], **options)
        return with_properties(data, *properties) if properties else data

    return written


def quarters() -> np.ndarray:
    seen = np.zeros((64, 96, 3), dtype=np.uint8)
    seen[:32, :48], seen[:32, 48:], seen[32:, :48] = RED, LIME, BLUE
    return seen


def shown(data: bytes) -> np.ndarray:
    return np.asarray(decode_image(data)).astype(int)


def test_a_crop_is_applied_so_that_nothing_shows_what_was_cut_away(write):
    data = write(UPPER_LEFT)
    assert decode_image(data).size == (48, 32)
    np.testing.assert_allclose(shown(data), np.full((32, 48, 3), RED), atol=3)


def test_a_crop_comes_before_a_picture_is_fitted(write):
    assert decode_within(write(UPPER_LEFT), 24).shape == (16, 24, 3)


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_rotation_is_anti_clockwise(write, quarter_turns):
    np.testing.assert_allclose(shown(write(rotated(quarter_turns))), np.rot90(quarters(), quarter_turns), atol=3)


@pytest.mark.parametrize("mode", [0, 1])
def test_a_mirror_exchanges_top_and_bottom_or_left_and_right(write, mode):
    np.testing.assert_allclose(shown(write(mirrored(mode))), np.flip(quarters(), mode), atol=3)


def test_transformations_apply_in_the_order_in_which_they_are_told(write):
    left_half = cropped(48, 64, right=-48, down=0)
    first_cut = np.flip(np.rot90(quarters()[:, :48]), 0)
    np.testing.assert_allclose(shown(write(left_half, rotated(1), mirrored(0))), first_cut, atol=3)
    first_turned = np.rot90(np.flip(quarters(), 0))[:, :32]
    last_left = cropped(32, 96, right=-32, down=0)
    np.testing.assert_allclose(shown(write(mirrored(0), rotated(1), last_left)), first_turned, atol=3)


def test_the_orientation_of_exif_does_not_count(write):
    exif = Image.Exif()
    exif[271], exif[NOT_ORIENTATION] = "maker", 6
    plain = write(exif=exif)
    data = plain.replace(b"\x01\x13\x00\x03", b"\x01\x12\x00\x03")
    assert data != plain
    np.testing.assert_allclose(shown(data), quarters(), atol=3)
    assert inspect_image(data, InspectParams()).exif == {"maker": "maker", "orientation": 1}


@pytest.mark.parametrize(
    ("properties", "orientation"),
    [((rotated(3),), 6), ((mirrored(1),), 2), ((rotated(1), mirrored(0)), 5), ((mirrored(0), rotated(1)), 7)],
)
def test_bronze_has_the_size_as_stored_and_the_orientation_that_applies(write, properties, orientation):
    header = inspect_image(write(*properties), InspectParams())
    assert (header.width_px, header.height_px, header.exif["orientation"]) == (96, 64, orientation)


def test_the_size_as_stored_is_that_before_a_crop(write):
    header = inspect_image(write(UPPER_LEFT), InspectParams())
    assert (header.width_px, header.height_px) == (96, 64)


def test_limits_hold_for_what_a_crop_leaves(write):
    with pytest.raises(ImageError) as caught:
        inspect_image(write(cropped(8, 64, right=0, down=0)), InspectParams())
    assert caught.value.reason is RejectionReason.TOO_SMALL


@pytest.mark.parametrize(
    "crop", [cropped(48, 32, 0, 0, denominator=0), cropped(48, 32, 500, 0), box(b"clap", b"short")]
)
def test_a_crop_that_cannot_be_applied_is_no_picture(write, crop):
    with pytest.raises(ImageError):
        decode_image(write(crop))


def test_a_crop_of_half_a_pixel_shows_no_pixel_that_lies_partly_outside(encode):
    data = with_properties(
        encode(Image.fromarray(quarters()), "AVIF", **WRITTEN["AVIF"]), cropped(47, 32, right=-48, down=-32)
    )
    assert decode_image(data).size == (46, 32)


def test_a_crop_of_an_animation_is_applied(encode):
    picture = Image.fromarray(quarters())
    data = encode(picture, "AVIF", **WRITTEN["AVIF"], save_all=True, append_images=[picture.rotate(180)])
    assert data[8:12] == b"avis"
    assert decode_image(with_property_of_track(data, UPPER_LEFT)).size == (48, 32)


def with_property_of_track(data: bytes, added: bytes) -> bytes:
    """The property at the end of the sample entry of every track."""
    moov = bytes(first_box(data, b"moov"))
    new = _grown(moov, (b"trak", b"mdia", b"minf", b"stbl", b"stsd"), added)
    return data.replace(box(b"moov", moov), box(b"free", moov)) + box(b"moov", new)


def _grown(content: bytes, path: tuple[bytes, ...], added: bytes) -> bytes:
    if not path:
        size = struct.unpack_from(">I", content, 8)[0]
        return content[:8] + box(b"av01", content[16 : 8 + size] + added) + content[8 + size :]
    return b"".join(
        box(part.kind, _grown(bytes(part.content), path[1:], added) if part.kind == path[0] else bytes(part.content))
        for part in boxes_in(content)
    )
