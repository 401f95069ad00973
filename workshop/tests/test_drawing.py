from dataclasses import replace

import numpy as np
import pytest

from workshop.drawing.backdrops import BACKDROPS
from workshop.drawing.fabrics import COLOURS, PATTERNS
from workshop.drawing.products import LABELS, Product, describe_product, draw_product, sample_products

SMALL = (150, 200)
RED_ON_WHITE = Product("t-shirt", "red", "red", "plain", "white sweep")


def red_share(product: Product, seed: int) -> float:
    pixels = np.asarray(draw_product(product, np.random.default_rng(seed), SMALL)).astype(int)
    return float((pixels[:, :, 0] > pixels[:, :, 1:].max(axis=2) + 35).mean())


def test_there_are_ten_labels() -> None:
    assert len(set(LABELS)) == 10


@pytest.mark.parametrize("label", LABELS)
def test_every_product_covers_a_believable_share_of_the_frame(label: str) -> None:
    shares = [red_share(replace(RED_ON_WHITE, label=label), seed) for seed in range(6)]
    assert all(0.04 < share < 0.85 for share in shares), shares


@pytest.mark.parametrize("label", LABELS)
def test_two_pieces_of_one_kind_differ(label: str) -> None:
    product = replace(RED_ON_WHITE, label=label)
    first, second = (draw_product(product, np.random.default_rng(seed), SMALL) for seed in (1, 2))
    assert first.tobytes() != second.tobytes()


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("background", BACKDROPS)
def test_every_pattern_can_be_drawn_before_every_background(pattern: str, background: str) -> None:
    product = Product("dress", "blue", "white", pattern, background)
    image = draw_product(product, np.random.default_rng(0), SMALL)
    assert (image.mode, image.size) == ("RGB", SMALL)
    assert np.asarray(image).std() > 5


def test_the_colour_of_the_product_is_the_colour_of_its_pixels() -> None:
    image = draw_product(RED_ON_WHITE, np.random.default_rng(4), SMALL)
    red, green, blue = np.asarray(image)[90:110, 65:85].reshape(-1, 3).mean(axis=0)
    assert red > 2 * max(green, blue)


def test_the_same_generator_draws_the_same_picture() -> None:
    first, second = (draw_product(RED_ON_WHITE, np.random.default_rng(5), SMALL) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("size", [(48, 64), (200, 150), (64, 64)])
def test_the_frame_may_have_any_shape(size: tuple[int, int]) -> None:
    assert draw_product(RED_ON_WHITE, np.random.default_rng(0), size).size == size


def test_random_products_use_the_whole_range() -> None:
    rng = np.random.default_rng(0)
    products = [sample_products(rng) for _ in range(600)]
    assert {product.label for product in products} == set(LABELS)
    assert {product.pattern for product in products} == set(PATTERNS)
    assert {product.background for product in products} == set(BACKDROPS)
    assert {product.colour for product in products} == set(COLOURS)
    assert all(product.colour != product.accent for product in products)


def test_shoes_and_hats_never_hang_on_a_wall() -> None:
    rng = np.random.default_rng(0)
    products = [sample_products(rng) for _ in range(600)]
    assert not [p for p in products if p.label in ("shoes", "hat") and p.background == "wall"]


def test_a_caption_names_colour_pattern_label_and_background() -> None:
    product = Product("dress", "red", "white", "striped", "wooden floor")
    assert describe_product(product) == "red striped dress on a wooden floor"


def test_a_caption_does_not_mention_a_plain_pattern() -> None:
    assert describe_product(RED_ON_WHITE) == "red t-shirt on a white background"
