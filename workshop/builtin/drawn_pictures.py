"""Pictures drawn by code, with their true descriptions: the second half of what `builtin` learns from."""

from typing import Final

import numpy as np

from image_assets.imaging.colour_names import COLOURS
from workshop.builtin.photos import LabelledPixels, stack_squares, to_square
from workshop.builtin.sentences import Description
from workshop.drawing.products import Product, draw_product, sample_products

_DRAWN_SIZE_PX: Final = (225, 300)
_SHADES: Final = {"navy": "blue"}


def draw_pictures(count: int, size_px: int, seed: int) -> LabelledPixels:
    """The same pictures for the same seed."""
    random_source = np.random.default_rng(seed)
    squares, descriptions = [], []
    for _ in range(count):
        product = sample_products(random_source)
        picture = draw_product(product, random_source, _DRAWN_SIZE_PX)
        squares.append(to_square(np.asarray(picture), size_px))
        descriptions.append(_describe(product))
    return LabelledPixels(stack_squares(squares, size_px), tuple(descriptions))


def _describe(product: Product) -> Description:
    colour = _SHADES.get(product.colour, product.colour)
    return Description(product.label, colour if colour in COLOURS else None, pattern=product.pattern)
