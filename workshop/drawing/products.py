"""A product and its photo: what is drawn, drawing it, and saying it in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageFilter

from workshop.drawing.backdrops import BACKDROPS
from workshop.drawing.bottoms import cut_dress, cut_pants, cut_shorts, cut_skirt
from workshop.drawing.fabrics import COLOURS, PATTERNS
from workshop.drawing.garments import Cut, Garment
from workshop.drawing.hangers import clip_hanger, shoulder_hanger
from workshop.drawing.hats import cut_hat
from workshop.drawing.lighting import Size, cast_shadow, grainy, lit
from workshop.drawing.outwear import cut_outwear
from workshop.drawing.shoes import cut_shoes
from workshop.drawing.tailoring import Pose, dye, sewn
from workshop.drawing.tops import cut_longsleeve, cut_shirt, cut_t_shirt

_CUTS: Mapping[str, Cut] = MappingProxyType(
    {
        "t-shirt": cut_t_shirt,
        "longsleeve": cut_longsleeve,
        "shirt": cut_shirt,
        "dress": cut_dress,
        "skirt": cut_skirt,
        "pants": cut_pants,
        "shorts": cut_shorts,
        "outwear": cut_outwear,
        "shoes": cut_shoes,
        "hat": cut_hat,
    }
)

LABELS = tuple(_CUTS)
"""The ten classes of a clothing marketplace."""

_ACCESSORIES = ("shoes", "hat")
_FROM_THE_WAIST = ("skirt", "pants", "shorts")
_PLAIN_SHARE = 0.45


@dataclass(frozen=True, slots=True)
class Product:
    """What a photo shows, in the words of the marketplace.

    Attributes:
        label: one of `LABELS`.
        colour: one of `COLOURS`: most of the cloth.
        accent: one of `COLOURS`: the pattern and the trimmings.
        pattern: one of `PATTERNS`.
        background: one of `BACKDROPS`.
    """

    label: str
    colour: str
    accent: str
    pattern: str
    background: str


def sample_products(rng: np.random.Generator) -> Product:
    """One product at random."""
    colour, accent = rng.choice(list(COLOURS), 2, replace=False).tolist()
    pattern = "plain" if rng.random() < _PLAIN_SHARE else str(rng.choice(PATTERNS))
    label, background = str(rng.choice(LABELS)), str(rng.choice(list(BACKDROPS)))
    return Product(label, colour, accent, pattern, fitting_background(label, background))


def fitting_background(label: str, wish: str) -> str:
    """The background wished for, except that shoes and hats do not hang on a wall."""
    return "white sweep" if label in _ACCESSORIES and wish == "wall" else wish


def describe_product(product: Product) -> str:
    """A caption, e.g. "red striped dress on a wooden floor"."""
    pattern = "" if product.pattern == "plain" else f"{product.pattern} "
    return f"{product.colour} {pattern}{product.label} {BACKDROPS[product.background][1]}"


def draw_product(product: Product, rng: np.random.Generator, size: Size = (675, 900)) -> Image.Image:
    """An RGB photo of the product; every call draws another piece, another light and another angle."""
    garment = _CUTS[product.label](rng)
    backdrop, _ = BACKDROPS[product.background]
    is_hanging = product.background == "wall" and product.label not in _ACCESSORIES
    pose = Pose.random(garment, size, rng, is_hanging=is_hanging)
    if is_hanging:
        garment = _hung(garment, product.label)
    colour, accent = COLOURS[product.colour], COLOURS[product.accent]
    picture, mask = sewn(garment, pose, dye(product.pattern, colour, accent, max(size), rng), rng)
    return _photographed(backdrop(size, rng), picture, mask, rng)


def _hung(garment: Garment, label: str) -> Garment:
    hanger = clip_hanger() if label in _FROM_THE_WAIST else shoulder_hanger()
    return Garment((*hanger.panels, *garment.panels), garment.strokes)


def _photographed(scene: Image.Image, picture: Image.Image, mask: Image.Image, rng: np.random.Generator) -> Image.Image:
    side = max(scene.size)
    angle, far = rng.uniform(0, np.pi), side * rng.uniform(0.008, 0.02)
    shift = round(np.cos(angle) * far), round(np.sin(angle) * far)
    scene = cast_shadow(scene, mask, shift, side * rng.uniform(0.008, 0.025), rng.uniform(0.3, 0.6))
    scene.paste(picture, mask=mask)
    photo = lit(scene, rng)
    if rng.random() < 0.3:
        photo = photo.filter(ImageFilter.BoxBlur(side * rng.uniform(0.0004, 0.0012)))
    return grainy(photo, rng, rng.uniform(0.015, 0.07))
