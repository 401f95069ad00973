import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from image_assets.imaging.likeness import lay_over, outline
from image_assets.imaging.watermark import WatermarkParams, add_watermark

ONE_PHOTO = 0.65


def like(one: Image.Image, other: Image.Image) -> float:
    return lay_over(outline(np.asarray(one)), outline(np.asarray(other))).likeness


def crumpled(seed: int) -> Image.Image:
    """600 x 400: folds at every size, on a light ground."""
    rng = np.random.default_rng(seed)
    pixels = np.full((400, 600, 3), 128.0)
    for size in (6, 16, 40, 90):
        folds = Image.fromarray(rng.integers(0, 255, (size, size * 3 // 2), dtype=np.uint8))
        pixels += (np.asarray(folds.resize((600, 400), Image.Resampling.BICUBIC), dtype=float)[..., None] - 128) / 4
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def recompressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=30)
    return Image.open(file)


COPIES = {
    "itself": lambda image: image,
    "recompressed": recompressed,
    "resized": lambda image: image.resize((240, 160), Image.Resampling.LANCZOS),
    "cropped": lambda image: image.crop((24, 5, 594, 385)),
    "tilted": lambda image: image.rotate(3, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "watermarked": lambda image: Image.fromarray(add_watermark(np.asarray(image), WatermarkParams())),
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES.keys())
def test_a_copy_is_like_its_photo(copied: Callable[[Image.Image], Image.Image]) -> None:
    assert like(crumpled(1), copied(crumpled(1))) > ONE_PHOTO


def test_a_fine_pattern_that_leads_the_overlay_astray_is_like_itself_all_the_same() -> None:
    rows, columns = np.mgrid[0:400, 0:600]
    checked = np.where((rows // 9 + columns // 9) % 2, 230, 30).astype(np.uint8)
    picture = Image.fromarray(np.repeat(checked[..., None], 3, axis=2))
    assert like(picture, recompressed(picture)) > ONE_PHOTO


def test_other_folds_are_another_photo() -> None:
    assert like(crumpled(1), crumpled(2)) < ONE_PHOTO


def test_the_same_folds_in_a_mirror_are_another_photo() -> None:
    assert like(crumpled(1), crumpled(1).transpose(Image.Transpose.FLIP_LEFT_RIGHT)) < ONE_PHOTO


@pytest.mark.parametrize("other", [Image.new("RGB", (60, 40), "white"), crumpled(1)], ids=["blank", "photo"])
def test_a_blank_picture_is_like_nothing(other: Image.Image) -> None:
    assert like(Image.new("RGB", (60, 40), "white"), other) == 0


def test_a_negative_is_another_photo() -> None:
    assert like(crumpled(1), Image.fromarray(255 - np.asarray(crumpled(1)))) < 0


def test_a_photo_is_wholly_like_itself() -> None:
    assert like(crumpled(1), crumpled(1)) == pytest.approx(1)
