import dataclasses
import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageOps

from image_assets.errors import ConfigurationError, ImageError, RejectionReason
from image_assets.imaging.derivatives import (
    DerivativeParams,
    PreviewParams,
    SilverParams,
    ThumbnailParams,
    make_derivatives,
)
from image_assets.imaging.watermark import WatermarkParams

ALL = DerivativeParams()
KINDS = ("silver", "thumbnail", "preview")


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.fixture(params=["JPEG", "BMP"])
def large_file(photo, encode, request) -> bytes:
    return encode(photo.resize((2400, 1600)), request.param)


def test_each_kind_has_its_size_and_format(large_file):
    made = make_derivatives(large_file, ALL)
    files = (made.silver.encoded, made.thumbnail, made.preview)
    assert [opened(file.data).format for file in files] == ["JPEG", "WEBP", "JPEG"]
    assert [opened(file.data).size for file in files] == [(512, 341), (300, 200), (1200, 800)]
    assert [(file.width_px, file.height_px) for file in files] == [(512, 341), (300, 200), (1200, 800)]


@pytest.mark.parametrize("wanted", [*itertools.chain(*(itertools.combinations(KINDS, n) for n in range(4)))])
def test_a_result_does_not_depend_on_what_else_is_made(large_file, wanted):
    everything = make_derivatives(large_file, ALL)
    unwanted = dict.fromkeys(set(KINDS) - set(wanted))
    made = make_derivatives(large_file, dataclasses.replace(ALL, **unwanted))
    for kind in KINDS:
        assert getattr(made, kind) == (getattr(everything, kind) if kind in wanted else None)


def test_silver_does_not_depend_on_the_size_of_the_others(large_file):
    larger = DerivativeParams(
        preview=PreviewParams(longest_side_px=2000, decoded_side_px=2000), thumbnail=ThumbnailParams(100)
    )
    assert make_derivatives(large_file, larger).silver == make_derivatives(large_file, ALL).silver


def test_the_same_file_gives_the_same_bytes(large_file):
    assert make_derivatives(large_file, ALL) == make_derivatives(large_file, ALL)


def test_a_small_original_is_never_enlarged(encode):
    made = make_derivatives(encode(Image.new("RGB", (100, 80), "navy"), "PNG"), ALL)
    assert {(file.width_px, file.height_px) for file in (made.silver.encoded, made.thumbnail, made.preview)} == {
        (100, 80)
    }


def test_no_derivative_holds_metadata(tagged_photo):
    made = make_derivatives(tagged_photo, ALL)
    for file in (made.silver.encoded, made.thumbnail, made.preview):
        for sign in (b"Exif", b"EXIF", b"XMP ", b"adobe", b"ICC", b"Photoshop", b"secret", b"Secret"):
            assert sign not in file.data


def test_only_the_preview_is_marked(photo, encode):
    grey = encode(Image.new("RGB", (600, 400), "gray"), "PNG")
    made = make_derivatives(grey, ALL)
    assert [np.ptp(np.asarray(opened(f.data))) > 40 for f in (made.silver.encoded, made.thumbnail, made.preview)] == [
        False,
        False,
        True,
    ]


def test_another_watermark_changes_the_preview_only(large_file):
    other = DerivativeParams(preview=PreviewParams(watermark=WatermarkParams(text="other")))
    made, before = make_derivatives(large_file, other), make_derivatives(large_file, ALL)
    assert (made.silver, made.thumbnail) == (before.silver, before.thumbnail)
    assert made.preview != before.preview


def test_silver_is_the_picture_turned_upright(photo, encode):
    exif = Image.Exif()
    exif[274] = 6
    data = encode(photo, "JPEG", quality=95, exif=exif)
    silver = np.asarray(opened(make_derivatives(data, ALL).silver.encoded.data)).astype(float)
    upright = ImageOps.exif_transpose(opened(data)).resize(silver.shape[1::-1], Image.Resampling.LANCZOS)
    assert 10 * np.log10(255**2 / np.mean((silver - np.asarray(upright)) ** 2)) > 28


def test_what_is_measured_is_the_silver_picture(photo, encode):
    silver = make_derivatives(encode(photo, "PNG"), ALL).silver
    assert silver.quality.brightness == pytest.approx(np.asarray(photo.convert("L")).mean() / 255, abs=0.01)
    assert len(silver.phash) == 16
    assert sum(colour.share for colour in silver.colours) == pytest.approx(1)


def test_half_a_file_makes_nothing(large_file):
    with pytest.raises(ImageError) as caught:
        make_derivatives(large_file[: len(large_file) // 2], ALL)
    assert caught.value.reason is RejectionReason.TRUNCATED


def test_parameters_are_plain_values_for_a_recipe():
    assert dataclasses.asdict(ALL)["preview"]["watermark"]["text"] == WatermarkParams().text


@pytest.mark.parametrize("kind", [SilverParams, ThumbnailParams, PreviewParams])
def test_decoding_smaller_than_the_result_is_refused(kind):
    with pytest.raises(ConfigurationError, match="decoded_side_px"):
        kind(longest_side_px=1300)
