import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pytest

from image_assets.imaging.close_up import is_same_close_up
from image_assets.imaging.likeness import lay_over, outline
from image_assets.imaging.perceptual_hash import perceptual_hash
from image_assets.imaging.privacy import find_metadata
from image_assets.imaging.quality import to_grey
from image_assets.samples.stock_photos import LABELS, PRODUCTS, Product, take_photo
from image_assets.search.near_duplicates import pairs_within, turned
from image_assets.steps.duplicates.candidates import TURNED_BITS
from image_assets.steps.duplicates.links import DuplicateParams

STOCK = files("image_assets.samples").joinpath("photos")
WHOLE = max({product.view for product in PRODUCTS})
RED_SHIRT = Product("t-shirt", 2, 1, is_mirrored=False, view=WHOLE)


def pixels_of(product: Product, seed: int = 0, long_side_px: int = 200) -> npt.NDArray[np.uint8]:
    return np.asarray(take_photo(product, np.random.default_rng(seed), long_side_px))


def test_there_are_ten_labels_and_products_of_each() -> None:
    assert len(set(LABELS)) == 10
    assert {product.label for product in PRODUCTS} == set(LABELS)


def test_every_photo_is_used_and_its_source_is_told() -> None:
    used = {f"{product.label}-{product.number}.jpg" for product in PRODUCTS}
    stored = {file.name for file in STOCK.iterdir() if file.name.endswith(".jpg")}
    told = set(re.findall(r"^\| (\S+\.jpg) \| ", STOCK.joinpath("SOURCES.md").read_text(), re.MULTILINE))
    assert used == stored == told


def test_the_stock_is_small_and_says_nothing_besides_its_pixels() -> None:
    contents = [file.read_bytes() for file in STOCK.iterdir() if file.name.endswith(".jpg")]
    assert sum(map(len, contents)) < 3_000_000
    assert [found for content in contents if (found := find_metadata(content))] == []


def test_the_same_generator_takes_the_same_photo_and_another_one_another() -> None:
    first, again, other = (pixels_of(RED_SHIRT, seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_a_photo_has_the_shape_of_its_original() -> None:
    assert pixels_of(RED_SHIRT, long_side_px=300).shape == (300, 225, 3)


def test_a_dye_colours_the_cloth_and_not_the_floor() -> None:
    photos = [pixels_of(replace(RED_SHIRT, dye=dye)).astype(int) for dye in (1, -1)]
    assert [photo[100, 75].argmax() for photo in photos] == [0, 1]
    floor = [photo[:40].mean(axis=(0, 1)) for photo in photos]
    np.testing.assert_allclose(*floor, atol=2)


def test_a_view_shows_a_part_of_the_photo_and_no_more() -> None:
    for view in {product.view for product in PRODUCTS}:
        assert (pixels_of(replace(RED_SHIRT, view=view)).max(axis=2) > 0).mean() > 0.999


def copies_among(products: list[Product]) -> Iterator[tuple[Product, Product]]:
    """Pairs that the platform would take for one photo, upright or mirrored, as `duplicate_links` decides it."""
    photos = [pixels_of(product, seed, long_side_px=512) for seed, product in enumerate(products)]
    hashes = np.array([int(perceptual_hash(to_grey(photo)), 16) for photo in photos], np.uint64)
    params, mirrored = DuplicateParams(), next(turned(hashes))
    for variant, turn, bits in ((hashes, np.asarray, params.max_bits), (mirrored, np.fliplr, TURNED_BITS)):
        near = pairs_within(variant, hashes, bits)
        for first, second in zip(near.new.tolist(), near.pool.tolist(), strict=True):
            one, other = turn(photos[first]), photos[second]
            overlay = lay_over(outline(one), outline(other))
            is_alike = first < second and overlay.likeness >= params.min_likeness
            if is_alike and is_same_close_up(one, other, overlay.warp):
                yield products[first], products[second]


@pytest.mark.parametrize(("label", "number"), [("outwear", 2), ("pants", 3), ("pants", 5), ("shirt", 4)])
def test_no_two_products_of_a_photo_are_one_photo_to_the_platform(label: str, number: int) -> None:
    products = [product for product in PRODUCTS if (product.label, product.number) == (label, number)]
    assert len(products) >= 3
    assert list(copies_among(products)) == []


def test_two_photos_of_one_product_are_one_photo_to_the_platform() -> None:
    assert len(list(copies_among([RED_SHIRT, RED_SHIRT]))) == 1
