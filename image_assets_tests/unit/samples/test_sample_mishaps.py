import io
import warnings

import pytest
from PIL import Image

from image_assets.errors import RejectionReason
from image_assets.samples.mishaps import MISHAPS, Mishap

OPENS = {"tiny_picture": (3, 3), "long_strip": (8000, 50)}


def decoded(data: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(io.BytesIO(data))
        image.load()
    return image


def spoiled(kind: str, photo: bytes) -> bytes:
    return next(mishap for mishap in MISHAPS if mishap.kind == kind).spoil(photo)


@pytest.mark.parametrize("mishap", [m for m in MISHAPS if m.kind not in (*OPENS, "postscript")], ids=lambda m: m.kind)
def test_pillow_cannot_decode_a_spoiled_file(mishap: Mishap, photo: bytes) -> None:
    with pytest.raises((OSError, Image.DecompressionBombError)):
        decoded(mishap.spoil(photo))


def test_postscript_is_a_program_that_is_never_run(photo: bytes) -> None:
    assert spoiled("postscript", photo).startswith(b"%!PS")


@pytest.mark.parametrize("kind", OPENS)
def test_files_of_a_wrong_shape_are_images_of_that_shape(kind: str, photo: bytes) -> None:
    assert decoded(spoiled(kind, photo)).size == OPENS[kind]


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.kind)
def test_a_mishap_always_makes_the_same_file(mishap: Mishap, photo: bytes) -> None:
    assert mishap.spoil(photo) == mishap.spoil(photo)


def test_kinds_are_unique() -> None:
    assert len({mishap.kind for mishap in MISHAPS}) == len(MISHAPS)


def test_the_mishaps_call_for_most_reasons_that_bytes_alone_can_give() -> None:
    of_the_world = {
        RejectionReason.UNREADABLE,
        RejectionReason.TOO_LARGE,
        RejectionReason.TIMEOUT,
        RejectionReason.OUT_OF_MEMORY,
        RejectionReason.WORKER_CRASHED,
        RejectionReason.POLICY,
    }
    assert {mishap.reason for mishap in MISHAPS} == set(RejectionReason) - of_the_world


def test_the_bomb_is_small_on_disk_and_400_million_pixels_large(photo: bytes) -> None:
    bomb = spoiled("png_bomb", photo)
    assert len(bomb) < 400_000
    assert (int.from_bytes(bomb[16:20], "big"), int.from_bytes(bomb[20:24], "big")) == (20_000, 20_000)


def test_an_overwritten_jpeg_is_complete_but_broken(photo: bytes) -> None:
    data = spoiled("overwritten_jpeg", photo)
    assert len(data) == len(photo)
    assert data.endswith(b"\xff\xd9")
    with pytest.raises(OSError, match="broken data stream"):
        decoded(data)


@pytest.mark.parametrize("kind", ["half_jpeg", "half_png"])
def test_a_half_file_opens_and_ends_early(kind: str, photo: bytes) -> None:
    data = spoiled(kind, photo)
    assert min(Image.open(io.BytesIO(data)).size) > 200
    with pytest.raises(OSError, match="truncated"):
        decoded(data)


def test_the_drawing_carries_a_script(photo: bytes) -> None:
    assert b"<script>" in spoiled("svg_with_script", photo)
