"""From a garment in its own units to pixels: placed in the frame, cut from cloth, sewn and shaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from workshop.drawing.fabrics import Rgb, darker, jittered, weave
from workshop.drawing.garments import Cloth, Garment, Panel, Stroke
from workshop.drawing.lighting import NEUTRAL, Size, blended, clouds, faded, noise, shaded, soft_mask
from workshop.drawing.outlines import Points, rotated

_FINE = 2
"""Outlines are drawn this many times larger and reduced, so that their edges are smooth."""

_COARSE = 4
"""Folds are soft: they are drawn this many times smaller."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a garment lies in the frame: scale, turn, slant, a camera that is not quite above, and a wobble.

    Attributes:
        size: width and height of the frame, pixels.
        centre: of the garment, garment units.
        scale: pixels per garment unit.
        turn: radians, clockwise.
        slant: shear of x by y.
        tilt: perspective per half frame, right and down.
        wobble: amplitude (garment units) and phases of a slow wave through the cloth.
        shift: of the garment's centre from the frame's, pixels.
    """

    size: Size
    centre: Points
    scale: float
    turn: float
    slant: float
    tilt: Points
    wobble: Points
    shift: Points

    @classmethod
    def random(cls, garment: Garment, size: Size, rng: np.random.Generator, *, is_hanging: bool) -> Self:
        """A pose in which the garment fills most of the frame without leaving it."""
        points = np.vstack([panel.outline for panel in garment.panels])
        low, high = points.min(axis=0), points.max(axis=0)
        fill = np.array([rng.uniform(0.74, 0.9), rng.uniform(0.7, 0.84) if is_hanging else rng.uniform(0.74, 0.9)])
        scale = float(np.min(np.asarray(size) * fill / (high - low)))
        looseness = 0.3 if is_hanging else 1.0
        return cls(
            size=size,
            centre=(low + high) / 2,
            scale=scale,
            turn=rng.normal(0, 0.06) * looseness,
            slant=rng.normal(0, 0.03) * looseness,
            tilt=rng.normal(0, 0.035, 2),
            wobble=np.array([rng.uniform(0.0, 0.025), *rng.uniform(0, 2 * np.pi, 2)]),
            shift=np.asarray(size) * (rng.normal(0, 0.012, 2) + np.array([0, 0.05 if is_hanging else 0.0])),
        )

    def placed(self, points: Points) -> Points:
        """Garment units to pixels of the frame."""
        amplitude, first, second = self.wobble
        wave = np.stack([np.sin(points[:, 1] * 3 + first), np.sin(points[:, 0] * 4 + second)], axis=1)
        local = rotated(points - self.centre + wave * amplitude, self.turn)
        local = local + local[:, ::-1] * np.array([self.slant, 0.0])
        half = np.asarray(self.size) / 2
        depth = 1 + (local * self.scale / half) @ self.tilt
        placed: Points = local * self.scale / depth[:, None] + half + self.shift
        return placed


def dye(pattern: str, colour: Rgb, accent: Rgb, side: int, rng: np.random.Generator) -> Mapping[Cloth, Image.Image]:
    """A bolt, or a single pixel of a plain colour, for every kind of cloth."""
    ground, ink = jittered(colour, rng), jittered(accent, rng)
    plain = {
        Cloth.PLAIN: darker(ground, 0.95),
        Cloth.SECOND: ink,
        Cloth.LINING: darker(ground, 0.42),
        Cloth.PALE: jittered((226, 222, 214), rng),
        Cloth.DARK: jittered((52, 48, 46), rng),
        Cloth.METAL: jittered((168, 168, 172), rng),
        Cloth.WOOD: jittered((178, 128, 78), rng),
    }
    bolts = {cloth: Image.new("RGB", (1, 1), dyed) for cloth, dyed in plain.items()}
    return {Cloth.MAIN: weave(pattern, ground, ink, side, rng), **bolts}


def sewn(
    garment: Garment, pose: Pose, bolts: Mapping[Cloth, Image.Image], rng: np.random.Generator
) -> tuple[Image.Image, Image.Image]:
    """The garment as an RGB picture of the frame's size, and the L mask of where it is."""
    picture, mask = Image.new("RGB", pose.size), Image.new("L", pose.size)
    for panel in garment.panels:
        _sew(picture, mask, panel, pose, bolts[panel.cloth])
    return shaded(picture, _shade(garment.strokes, pose, rng)), mask


def _sew(picture: Image.Image, mask: Image.Image, panel: Panel, pose: Pose, bolt: Image.Image) -> None:
    """Lay one panel on the picture and on the mask that are being made."""
    outline = pose.placed(panel.outline)
    margin = pose.scale * 0.05
    left, top = np.maximum(np.floor(outline.min(axis=0) - margin), 0).astype(int).tolist()
    right, bottom = np.minimum(np.ceil(outline.max(axis=0) + margin), pose.size).astype(int).tolist()
    if right <= left or bottom <= top:
        return
    box = (left, top, right, bottom)
    shape = _stencil(outline, box)
    blurred = soft_mask(shape, max(1.0, pose.scale * 0.025))
    _darken(picture, box, blurred, panel.relief)
    cloth = _cut_out(bolt, box, panel.grain + pose.turn)
    rim = blurred.point([round(255 - min(255, (255 - value) * panel.relief * 0.75)) for value in range(256)])
    picture.paste(ImageChops.multiply(cloth, Image.merge("RGB", (rim, rim, rim))), box, shape)
    mask.paste(255, box, shape)


def _stencil(outline: Points, box: tuple[int, int, int, int]) -> Image.Image:
    left, top, right, bottom = box
    large = Image.new("L", ((right - left) * _FINE, (bottom - top) * _FINE))
    ImageDraw.Draw(large).polygon(((outline - (left, top)) * _FINE).ravel().tolist(), fill=255)
    return large.reduce(_FINE)


def _darken(picture: Image.Image, box: tuple[int, int, int, int], blurred: Image.Image, relief: float) -> None:
    """The shadow of a panel upon what lies under it."""
    shadow = blurred.point([round(255 - value * 0.55 * relief) for value in range(256)])
    under = picture.crop(box)
    picture.paste(ImageChops.multiply(under, Image.merge("RGB", (shadow, shadow, shadow))), box)


def _cut_out(bolt: Image.Image, box: tuple[int, int, int, int], grain: float) -> Image.Image:
    """A piece of the bolt for the box, turned by `grain` about the middle of both."""
    width, height = box[2] - box[0], box[3] - box[1]
    if bolt.size == (1, 1):
        return bolt.resize((width, height))
    cosine, sine = float(np.cos(grain)), float(np.sin(grain))
    x, y, middle = width / 2, height / 2, bolt.width / 2
    matrix = (cosine, sine, middle - cosine * x - sine * y, -sine, cosine, middle + sine * x - cosine * y)
    return bolt.transform((width, height), Image.Transform.AFFINE, matrix, fillcolor=bolt.getpixel((0, 0)))


def _shade(strokes: tuple[Stroke, ...], pose: Pose, rng: np.random.Generator) -> Image.Image:
    """Folds, seams, uneven cloth and its threads as one grey image; 128 is no change."""
    width, height = pose.size
    small = (-(-width // _COARSE), -(-height // _COARSE))
    soft = _drawn([stroke for stroke in strokes if stroke.is_soft], pose, small, 1 / _COARSE)
    soft = soft.filter(ImageFilter.GaussianBlur(max(0.6, pose.scale * 0.02 / _COARSE)))
    uneven = blended(faded(clouds(rng, small, (7, 8)), 0.08), faded(clouds(rng, small, (22, 24)), 0.06))
    broad = blended(soft, uneven).resize(pose.size, Image.Resampling.BILINEAR)
    crisp = [stroke for stroke in strokes if not stroke.is_soft]
    seams = _drawn(crisp, pose, (width * _FINE, height * _FINE), _FINE).reduce(_FINE)
    return blended(broad, seams, faded(noise(rng, pose.size), rng.uniform(0.04, 0.16)))


def _drawn(strokes: list[Stroke], pose: Pose, size: Size, factor: float) -> Image.Image:
    shade = Image.new("L", size, NEUTRAL)
    draw = ImageDraw.Draw(shade)
    for stroke in strokes:
        points = pose.placed(stroke.line) * factor
        width = max(1, round(stroke.width * pose.scale * factor))
        draw.line(points.ravel().tolist(), fill=round(NEUTRAL + stroke.tone * 127), width=width, joint="curve")
    return shade
