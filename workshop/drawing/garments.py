"""What a drawn product is made of: panels of cloth as they lie, and strokes of light and shade."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

import numpy as np

from workshop.drawing.outlines import Knots, Points, curve, flipped, rotated


class Cloth(StrEnum):
    """What a panel is cut from."""

    MAIN = "main"
    PLAIN = "plain"
    SECOND = "second"
    LINING = "lining"
    PALE = "pale"
    DARK = "dark"
    METAL = "metal"
    WOOD = "wood"


@dataclass(frozen=True, slots=True)
class Panel:
    """One piece of cloth.

    Attributes:
        outline: closed polygon in garment units.
        cloth: what it is cut from.
        grain: radians by which the pattern is turned; positive is clockwise on the screen.
        relief: how far it stands out, 0 to 1: the darkness of its rim and of the shadow it casts.
    """

    outline: Points
    cloth: Cloth = Cloth.MAIN
    grain: float = 0.0
    relief: float = 0.5


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line that darkens or lightens the cloth under it.

    Attributes:
        line: points in garment units.
        width: garment units.
        tone: -1 (black) to 1 (white).
        is_soft: a fold or crease; otherwise a seam or a stitch.
    """

    line: Points
    width: float
    tone: float
    is_soft: bool = False


@dataclass(frozen=True, slots=True)
class Garment:
    """Panels from the lowest to the uppermost, and the strokes upon them."""

    panels: tuple[Panel, ...]
    strokes: tuple[Stroke, ...] = ()


Cut: TypeAlias = Callable[[np.random.Generator], Garment]
"""Makes one garment of a kind; every call another one."""


Part: TypeAlias = Garment | Panel | Stroke
"""Anything that goes into a garment."""


def assembled(*parts: Part) -> Garment:
    """One garment from parts; later panels lie upon earlier ones."""
    panels: list[Panel] = []
    strokes: list[Stroke] = []
    for part in parts:
        if isinstance(part, Garment):
            panels.extend(part.panels)
            strokes.extend(part.strokes)
        elif isinstance(part, Panel):
            panels.append(part)
        else:
            strokes.append(part)
    return Garment(tuple(panels), tuple(strokes))


def moved(
    garment: Garment,
    shift: tuple[float, float] = (0, 0),
    scale: float = 1.0,
    radians: float = 0.0,
    *,
    flip: bool = False,
) -> Garment:
    """The garment flipped, then turned, scaled and shifted."""

    def place(points: Points) -> Points:
        return np.add(rotated(flipped(points) if flip else points, radians) * scale, shift)

    side = -1 if flip else 1
    panels = tuple(
        replace(panel, outline=place(panel.outline), grain=side * panel.grain + radians) for panel in garment.panels
    )
    strokes = tuple(replace(stroke, line=place(stroke.line), width=stroke.width * scale) for stroke in garment.strokes)
    return Garment(panels, strokes)


def seam(knots: Knots | Points, tone: float = -0.45, width: float = 0.012) -> Stroke:
    """A sewn line."""
    return Stroke(curve(knots), width, tone)


def fold(knots: Knots | Points, width: float, tone: float) -> Garment:
    """A soft fold: a dark valley with a lit ridge beside it."""
    line = curve(knots)
    ridge = line + np.array([width * 0.9, -width * 0.35])
    return Garment((), (Stroke(line, width, -tone, is_soft=True), Stroke(ridge, width, tone * 0.8, is_soft=True)))


def folds(rng: np.random.Generator, count: int, top: Knots, bottom: Knots) -> Garment:
    """Soft folds that run from somewhere on the line `top` to the same share of the line `bottom`."""
    upper, lower = curve(top), curve(bottom)
    made = []
    for share in rng.uniform(0.05, 0.95, count):
        start, stop = upper[int(share * (len(upper) - 1))], lower[int(share * (len(lower) - 1))]
        reach = rng.uniform(0.0, 0.35), rng.uniform(0.55, 1.0)
        middle = (start + stop) / 2 + rng.normal(0, 0.03, 2)
        knots = np.array([start + (middle - start) * reach[0], middle, middle + (stop - middle) * reach[1]])
        made.append(fold(knots, rng.uniform(0.02, 0.05), rng.uniform(0.15, 0.45)))
    return assembled(*made)


def choose(rng: np.random.Generator, cuts: Sequence[Cut], weights: Sequence[float]) -> Garment:
    """One garment from a cut drawn by weight."""
    shares = np.asarray(weights) / np.sum(weights)
    return cuts[int(rng.choice(len(cuts), p=shares))](rng)
