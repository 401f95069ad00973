import io
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageSequence

from image_assets.samples.oddities import ODDITIES, Oddity, near_copy

EXPECTED = {
    "png_named_jpg": ("PNG", "RGB"),
    "cmyk_jpeg": ("JPEG", "CMYK"),
    "grey_jpeg": ("JPEG", "L"),
    "deep_grey_png": ("PNG", "I;16"),
    "animated_gif": ("GIF", "P"),
    "transparent_png": ("PNG", "RGBA"),
    "transparent_webp": ("WEBP", "RGBA"),
    "tiff": ("TIFF", "RGB"),
    "bmp": ("BMP", "RGB"),
    "avif": ("AVIF", "RGB"),
    "jpeg_2000": ("JPEG2000", "RGB"),
    "progressive_jpeg": ("JPEG", "RGB"),
    "mpo": ("MPO", "RGB"),
    "jpeg_with_zip_behind": ("JPEG", "RGB"),
}


def rendered(kind: str, picture: Image.Image) -> bytes:
    return next(oddity for oddity in ODDITIES if oddity.kind == kind).render(picture)


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.kind)
def test_an_oddity_is_an_image_of_its_kind(oddity: Oddity, picture: Image.Image) -> None:
    with Image.open(io.BytesIO(oddity.render(picture))) as image:
        assert (image.format, image.mode) == EXPECTED[oddity.kind]
        image.load()
        assert min(image.size) >= 200


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.kind)
def test_an_oddity_always_makes_the_same_file(oddity: Oddity, picture: Image.Image) -> None:
    assert oddity.render(picture) == oddity.render(picture)


def test_the_animation_has_three_frames(picture: Image.Image) -> None:
    with Image.open(io.BytesIO(rendered("animated_gif", picture))) as image:
        assert len(list(ImageSequence.Iterator(image))) == 3


@pytest.mark.parametrize("kind", ["transparent_png", "transparent_webp"])
def test_cut_out_pictures_have_clear_corners(kind: str, picture: Image.Image) -> None:
    with Image.open(io.BytesIO(rendered(kind, picture))) as image:
        alpha = np.asarray(image)[:, :, 3]
    assert alpha[0, 0] == 0
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255


def test_a_photo_with_a_zip_behind_it_opens_as_both(picture: Image.Image) -> None:
    data = rendered("jpeg_with_zip_behind", picture)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["notes.txt"]


def test_a_progressive_jpeg_says_so(picture: Image.Image) -> None:
    with Image.open(io.BytesIO(rendered("progressive_jpeg", picture))) as image:
        assert image.info["progressive"]


@pytest.mark.parametrize("seed", range(8))
def test_a_near_copy_looks_like_the_photo_in_other_bytes(seed: int, photo: bytes) -> None:
    copy = near_copy(photo, np.random.default_rng(seed))
    assert copy != photo
    small = [Image.open(io.BytesIO(data)).convert("L").resize((8, 8)) for data in (photo, copy)]
    first, second = (np.asarray(image).astype(float).ravel() for image in small)
    assert np.corrcoef(first, second)[0, 1] > 0.9
