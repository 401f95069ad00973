"""Cuts of shoes, from the side (toe to the right, sole near y = 0) and from above."""

import numpy as np

from workshop.drawing.garments import Cloth, Garment, Panel, Stroke, assembled, choose, folds, moved, seam
from workshop.drawing.outlines import ellipse, path, rectangle, tube


def _sole(length: float, thickness: float, cloth: Cloth) -> list[Panel | Stroke]:
    top, bottom = 0.14, 0.14 + thickness
    outline = path(
        [(-1.0, top), (0, top + 0.03), (0.6, top + 0.02), (length, top - 0.06)],
        [(length, top - 0.06), (length + 0.03, top + 0.04), (length - 0.12, bottom)],
        [(length - 0.12, bottom), (0, bottom + 0.01), (-0.95, bottom)],
        [(-0.95, bottom), (-1.04, top + 0.05), (-1.0, top)],
    )
    groove = seam([(-0.98, top + thickness * 0.5), (0.2, top + thickness * 0.6), (length, top + thickness * 0.3)], -0.3)
    return [Panel(outline, cloth, relief=0.6), groove]


def _laces(start: tuple[float, float], stop: tuple[float, float], count: int, cloth: Cloth) -> list[Panel]:
    along = np.linspace(start, stop, count)
    return [Panel(tube([(x - 0.07, y - 0.02), (x + 0.06, y + 0.09)], [0.02]), cloth, relief=0.8) for x, y in along]


def _sneaker(rng: np.random.Generator) -> Garment:
    """Side view, toe to the right."""
    ankle = rng.uniform(-0.75, -0.5)
    upper = path(
        [(-0.88, ankle), (-0.6, ankle + 0.16), (-0.28, ankle + 0.06), (-0.12, ankle - 0.05)],
        [(-0.12, ankle - 0.05), (0.2, -0.3), (0.55, -0.14), (0.85, -0.06), (1.0, 0.12)],
        [(1.0, 0.12), (1.0, 0.2), (-0.95, 0.2)],
        [(-0.95, 0.2), (-0.99, -0.1), (-0.88, ankle)],
    )
    tongue = Panel(tube([(-0.3, ankle + 0.2), (-0.2, ankle - 0.02), (-0.12, ankle - 0.14)], [0.09, 0.08]), Cloth.PLAIN)
    opening = Panel(ellipse((-0.5, ankle + 0.1), 0.33, 0.07), Cloth.LINING)
    stripe = tube([(-0.45, 0.12), (-0.15, -0.12), (0.12, -0.32)], [0.035, 0.05, 0.03])
    toe = path([(0.62, 0.15), (0.66, -0.05), (0.8, -0.08)], [(0.8, -0.08), (0.96, 0.0), (1.0, 0.15)])
    heel = path(
        [(-0.9, ankle), (-0.97, -0.1), (-0.95, 0.15)],
        [(-0.95, 0.15), (-0.7, 0.15)],
        [(-0.7, 0.15), (-0.72, ankle + 0.2), (-0.9, ankle)],
    )
    marks = [
        Panel(stripe + np.array([shift, 0.0]), Cloth.SECOND, relief=0.1)
        for shift in (0.0, 0.17)[: int(rng.integers(0, 3))]
    ]
    sole = _sole(0.99, rng.uniform(0.14, 0.24), Cloth.PALE if rng.random() < 0.75 else Cloth.DARK)
    patches = [Panel(shape, Cloth.SECOND, relief=0.3) for shape in (toe, heel) if rng.random() < 0.5]
    laces = _laces((-0.14, ankle + 0.1), (0.38, -0.2), 5, Cloth.PALE)
    crease = folds(rng, 2, [(0.25, -0.2), (0.5, -0.1)], [(0.3, 0.1), (0.6, 0.1)])
    eyestay = seam([(-0.32, ankle + 0.3), (0.1, -0.1), (0.5, 0.0), (0.62, 0.14)], -0.4, 0.014)
    return assembled(opening, tongue, Panel(upper, relief=0.8), *patches, *marks, crease, eyestay, *sole, *laces)


def _boot(rng: np.random.Generator) -> Garment:
    top = rng.uniform(-1.7, -0.95)
    upper = path(
        [(-0.95, top), (-0.55, top + 0.04), (-0.12, top - 0.02)],
        [(-0.12, top - 0.02), (-0.1, -0.6), (0.15, -0.32), (0.6, -0.16), (0.95, 0.1)],
        [(0.95, 0.1), (0.98, 0.2), (-0.95, 0.2)],
        [(-0.95, 0.2), (-0.98, -0.2), (-0.88, -0.6), (-0.95, top)],
    )
    heel = Panel(rectangle(-0.98, 0.2, -0.45, rng.uniform(0.42, 0.6)), Cloth.DARK, relief=0.6)
    cuff = Panel(rectangle(-0.97, top - 0.01, -0.1, top + 0.14), Cloth.SECOND if rng.random() < 0.4 else Cloth.PLAIN)
    zipper = seam([(-0.5, top + 0.15), (-0.5, -0.3), (-0.4, 0.12)], 0.4, 0.02)
    lacing = _laces((-0.15, top + 0.25), (0.25, -0.3), 6, Cloth.PALE) if rng.random() < 0.5 else []
    ankle = folds(rng, 4, [(-0.85, -0.75), (-0.9, -0.2)], [(-0.1, -0.6), (0.1, -0.25)])
    mouth = Panel(ellipse((-0.53, top), 0.42, 0.05), Cloth.LINING)
    parts = [heel, Panel(upper, relief=0.9), ankle, cuff, mouth, *_sole(0.94, 0.12, Cloth.DARK), *lacing]
    return assembled(*parts, *([zipper] if not lacing else []))


def _pump(rng: np.random.Generator) -> Garment:
    rise = rng.uniform(0.35, 0.75)
    upper = path(
        [(-0.9, -rise - 0.25), (-0.7, -rise + 0.02), (-0.2, -0.1 - rise * 0.35), (0.4, -0.14), (0.62, -0.2)],
        [(0.62, -0.2), (0.9, -0.08), (1.08, 0.1)],
        [
            (1.08, 0.1),
            (0.7, 0.16),
            (0.35, 0.12),
            (-0.3, 0.0 - rise * 0.5),
            (-0.7, 0.1 - rise),
            (-0.92, 0.12 - rise),
        ],
        [(-0.92, 0.12 - rise), (-0.98, -rise), (-0.9, -rise - 0.25)],
    )
    heel = np.array([(-0.96, 0.05 - rise), (-0.62, 0.1 - rise), (-0.78, 0.17), (-0.88, 0.17)])
    sole = Panel(tube([(1.08, 0.12), (0.6, 0.17), (0.3, 0.13), (-0.3, 0.02 - rise * 0.5)], [0.02]), Cloth.DARK)
    inside = Panel(
        tube([(-0.85, -rise - 0.1), (-0.25, -0.12 - rise * 0.35), (0.5, -0.17)], [0.07, 0.05, 0.03]),
        Cloth.LINING,
    )
    bow = [Panel(ellipse((0.62, -0.14), 0.1, 0.05), Cloth.SECOND)] if rng.random() < 0.4 else []
    return assembled(
        inside,
        Panel(heel, Cloth.DARK if rng.random() < 0.4 else Cloth.PLAIN),
        Panel(upper, relief=0.9),
        sole,
        *bow,
    )


def _shoe_from_above(rng: np.random.Generator) -> Garment:
    """The right shoe of a pair, toe down."""
    outline = path(
        [(0, -0.95), (0.27, -0.88), (0.33, -0.5), (0.29, -0.05), (0.38, 0.45), (0.3, 0.85), (0.05, 1.0)],
        [(0.05, 1.0), (-0.22, 0.85), (-0.34, 0.45), (-0.28, -0.05), (-0.3, -0.5), (-0.25, -0.88), (0, -0.95)],
    )
    sole = Panel(outline * np.array([1.13, 1.05]), Cloth.PALE if rng.random() < 0.6 else Cloth.DARK, relief=0.7)
    opening = Panel(ellipse((0, -0.5), 0.2, 0.33), Cloth.LINING, relief=0.2)
    insole = Panel(ellipse((0, -0.56), 0.13, 0.24), Cloth.PALE, relief=0.2)
    tongue = Panel(tube([(0.0, -0.3), (0.0, 0.2)], [0.13, 0.12]), Cloth.PLAIN, relief=0.5)
    laces = [
        Panel(tube([(-0.16, y), (0.0, y + 0.03), (0.16, y)], [0.022]), Cloth.PALE) for y in np.linspace(-0.2, 0.25, 5)
    ]
    toe = seam([(-0.33, 0.45), (0, 0.35), (0.36, 0.45)], -0.4, 0.02)
    if rng.random() < 0.35:
        strap = Panel(tube([(-0.28, 0.0), (0, 0.05), (0.28, 0.0)], [0.06]), Cloth.SECOND, relief=0.5)
        return assembled(sole, Panel(outline, relief=0.8), opening, insole, strap, toe)
    return assembled(sole, Panel(outline, relief=0.8), opening, insole, tongue, *laces, toe)


def _pair_from_above(rng: np.random.Generator) -> Garment:
    shoe = _shoe_from_above(rng)
    turn = rng.uniform(-0.12, 0.12)
    left = moved(shoe, (-0.46, rng.normal(0, 0.04)), radians=0.05 + turn, flip=True)
    return assembled(left, moved(shoe, (0.46, rng.normal(0, 0.04)), radians=turn - 0.05))


def cut_shoes(rng: np.random.Generator) -> Garment:
    """A sneaker, boot or pump from the side, alone or with its fellow behind it, or a pair from above."""
    if rng.random() < 0.3:
        return _pair_from_above(rng)
    shoe = choose(rng, (_sneaker, _boot, _pump), (0.6, 0.22, 0.18))
    if rng.random() < 0.55:
        fellow = moved(shoe, (rng.uniform(0.2, 0.45), rng.uniform(-0.5, -0.35)), 0.95, rng.uniform(-0.1, 0.05))
        shoe = assembled(fellow, shoe)
    return moved(shoe, flip=rng.random() < 0.5)
