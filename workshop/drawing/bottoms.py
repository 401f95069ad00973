"""Cuts for the lower body: pants, shorts, skirts; and dresses, which hang a skirt on a bodice."""

import numpy as np

from workshop.drawing.garments import Cloth, Garment, Panel, Stroke, assembled, fold, folds, moved, seam
from workshop.drawing.outlines import Points, curve, ellipse, flipped, mirrored, path, rectangle, tube
from workshop.drawing.torso import Torso, bodice, random_torso, sleeves


def _leg(waist: float, hip: float, rise: float, ankle: tuple[float, float], half_width: float) -> Points:
    """The right leg with its half of the seat."""
    x, y = ankle
    knee = rise + (y - rise) * 0.5
    outer = [(waist, 0), (hip, rise * 0.55), (hip * 0.5 + (x + half_width) * 0.5, knee), (x + half_width, y)]
    inner = [(x - half_width, y), ((x - half_width) * 0.6 + 0.02, knee), (0.0, rise)]
    return path([(0, 0.02), (waist, 0)], outer, [(x + half_width, y), (x - half_width, y)], inner)


def _waistband(waist: float, cloth: Cloth) -> Panel:
    half = path(
        [(0, -0.1), (waist * 0.97, -0.11)],
        [(waist * 0.97, -0.11), (waist * 1.01, 0.02)],
        [(waist, 0.02), (0, 0.04)],
    )
    return Panel(mirrored(half), cloth, relief=0.5)


def _fly(rise: float) -> list[Stroke | Panel]:
    button = Panel(ellipse((0.0, -0.035), 0.025, 0.025), Cloth.METAL, relief=0.6)
    return [
        seam([(0.09, 0.04), (0.085, rise * 0.6), (0, rise * 0.85)]),
        seam([(0, 0.03), (0, rise)], -0.6, 0.018),
        button,
    ]


def _pockets(waist: float, rise: float) -> list[Stroke]:
    right = curve([(waist * 0.55, 0.04), (waist * 0.62, rise * 0.28), (waist * 1.04, rise * 0.4)])
    lines = (right, flipped(right))
    return [s for line in lines for s in (Stroke(line, 0.022, -0.5), Stroke(line + 0.015, 0.008, 0.35))]


def _belt_loops(waist: float) -> list[Panel]:
    places = (-waist * 0.85, -waist * 0.4, waist * 0.4, waist * 0.85)
    return [Panel(rectangle(x - 0.016, -0.12, x + 0.016, 0.04), Cloth.PLAIN, relief=0.6) for x in places]


def _drawstring(rng: np.random.Generator) -> list[Panel]:
    drop = rng.uniform(0.15, 0.28)
    return [
        Panel(
            tube([(0, -0.04), (side * 0.05, 0.05), (side * rng.uniform(0.03, 0.09), drop)], [0.013]),
            Cloth.PALE,
        )
        for side in (-1, 1)
    ]


def _gathers(waist: float) -> list[Stroke]:
    return [seam([(x, -0.1), (x, 0.03)], -0.3, 0.014) for x in np.arange(-waist + 0.03, waist, 0.045)]


def _trousers(rng: np.random.Generator, length: tuple[float, float], half_width: tuple[float, float]) -> Garment:
    waist, rise = rng.uniform(0.36, 0.42), rng.uniform(0.55, 0.68)
    hip, y = waist * rng.uniform(1.12, 1.28), rng.uniform(*length)
    width = rng.uniform(*half_width)
    ankle = (max(width + 0.03, rng.uniform(0.22, 0.36)), y)
    right, left = (_leg(waist, hip + rng.normal(0, 0.01), rise, ankle, width) for _ in range(2))
    is_sporty = rng.random() < 0.4
    top = [*_gathers(waist), *_drawstring(rng)] if is_sporty else [*_fly(rise), *_belt_loops(waist)]
    hem = 0.1 if is_sporty else 0.05
    return assembled(
        Panel(flipped(left), relief=0.7),
        Panel(right, relief=0.7),
        *_hems(rng, ankle, width, hem),
        moved(_leg_folds(rng, hip, rise, ankle), flip=True),
        _leg_folds(rng, hip, rise, ankle),
        _waistband(waist, Cloth.PLAIN),
        *top,
        *_pockets(waist, rise),
        *_side_stripes(rng, waist, hip, rise, ankle, width),
    )


def _hems(rng: np.random.Generator, ankle: tuple[float, float], width: float, depth: float) -> list[Panel]:
    x, y = ankle
    cloth = Cloth.SECOND if rng.random() < 0.15 else Cloth.PLAIN
    right = rectangle(x - width * 0.99, y - depth, x + width * 0.99, y + 0.01)
    return [Panel(side, cloth, relief=0.4) for side in (right, flipped(right))]


def _leg_folds(rng: np.random.Generator, hip: float, rise: float, ankle: tuple[float, float]) -> Garment:
    """Folds of the right leg: from the crotch to the hip, down the middle, and across the shin."""
    x, y = ankle
    middle = [(hip * 0.5, 0.15), (x * 0.5 + hip * 0.25, (rise + y) / 2), (x, y - 0.1)]
    return assembled(
        folds(rng, 2, [(0.03, rise), (0.03, rise + 0.1)], [(hip * 0.8, rise * 0.7), (hip * 0.8, rise + 0.2)]),
        fold(middle, 0.035, rng.uniform(0.1, 0.35)),
        folds(rng, 2, [(0.1, y * 0.6), (0.15, y * 0.9)], [(0.5, y * 0.55), (0.45, y * 0.85)]),
    )


def _side_stripes(
    rng: np.random.Generator, waist: float, hip: float, rise: float, ankle: tuple[float, float], width: float
) -> list[Panel]:
    if rng.random() > 0.15:
        return []
    x, y = ankle[0] + width, ankle[1]
    knots = [
        (waist * 0.93, 0.05),
        (hip * 0.94, rise * 0.55),
        ((hip + x) * 0.47, (rise + y) / 2),
        (x * 0.93, y),
    ]
    right = tube(knots, [0.022])
    return [Panel(side, Cloth.SECOND, relief=0.0) for side in (right, flipped(right))]


def cut_pants(rng: np.random.Generator) -> Garment:
    """Two long legs: slim, straight or wide."""
    return _trousers(rng, (2.0, 2.35), (0.13, 0.24))


def cut_shorts(rng: np.random.Generator) -> Garment:
    """Two short, wide legs."""
    return _trousers(rng, (0.85, 1.3), (0.2, 0.25))


def _skirt_half(waist: float, hem: float, length: float, curve_out: float) -> Points:
    side = [(waist, 0), (waist + (hem - waist) * curve_out, length * 0.4), (hem, length)]
    return path([(0, 0), (waist, 0)], side, [(hem, length), (hem * 0.5, length + 0.05), (0, length + 0.06)])


def _pleats(rng: np.random.Generator, waist: float, hem: float, top: float, bottom: float) -> list[Garment | Stroke]:
    made: list[Garment | Stroke] = []
    for share in np.linspace(-0.85, 0.85, int(rng.integers(6, 11))):
        line = [(waist * share, top + 0.03), (hem * share, bottom + 0.04 * (1 - share**2))]
        made += [fold(line, 0.04, 0.4), seam(line, -0.35)]
    return made


def _drape(rng: np.random.Generator, waist: float, hem: float, top: float, bottom: float) -> list[Garment | Stroke]:
    line_top, line_bottom = [(-waist, top), (waist, top)], [(-hem * 0.95, bottom), (hem * 0.95, bottom)]
    return [folds(rng, int(rng.integers(4, 8)), line_top, line_bottom)]


def cut_skirt(rng: np.random.Generator) -> Garment:
    """A waistband over a pencil, A-line or pleated skirt."""
    waist, length = rng.uniform(0.34, 0.4), rng.uniform(0.75, 1.5)
    is_pencil = rng.random() < 0.25
    hem = waist * (rng.uniform(1.05, 1.2) if is_pencil else rng.uniform(1.5, 2.1))
    half = _skirt_half(waist, hem, length, 1.6 if is_pencil else 0.35)
    is_pleated = not is_pencil and rng.random() < 0.5
    drape = (_pleats if is_pleated else _drape)(rng, waist, hem, 0.05, length)
    band = Cloth.SECOND if rng.random() < 0.2 else Cloth.PLAIN
    hem_line = seam([(-hem * 0.98, length - 0.06), (0, length), (hem * 0.98, length - 0.06)], -0.3)
    closing = [Panel(ellipse((waist * 0.5, -0.035), 0.025, 0.025), Cloth.METAL)] if rng.random() < 0.3 else []
    return assembled(Panel(mirrored(half), relief=0.8), *drape, hem_line, _waistband(waist, band), *closing)


def _straps(torso: Torso) -> list[Panel]:
    right = tube([(torso.chest * 0.62, 0.32), (torso.chest * 0.5, 0.1), (torso.chest * 0.36, -0.05)], [0.025])
    return [Panel(side, Cloth.PLAIN, relief=0.3) for side in (right, flipped(right))]


def _strap_bodice(rng: np.random.Generator, torso: Torso, waist_y: float) -> Garment:
    chest = torso.chest
    top = [(0, 0.36), (chest * 0.35, 0.31), (chest * 0.75, 0.3)]
    half = path(
        top,
        [(chest * 0.75, 0.3), (chest * 0.95, 0.5)],
        [(chest * 0.95, 0.5), (torso.waist, waist_y)],
        [(torso.waist, waist_y), (0, waist_y + 0.02)],
    )
    cups = folds(rng, 3, [(-chest * 0.6, 0.45), (chest * 0.6, 0.45)], [(-chest * 0.5, waist_y), (chest * 0.5, waist_y)])
    return assembled(*_straps(torso), Panel(mirrored(half), relief=0.6), cups)


def cut_dress(rng: np.random.Generator) -> Garment:
    """A fitted bodice with straps or sleeves over a flared skirt."""
    base = random_torso(rng, (1.0, 1.05))
    waist, waist_y = base.chest * rng.uniform(0.66, 0.8), rng.uniform(0.85, 1.0)
    neck = rng.uniform(0.16, 0.34)
    torso = Torso(
        0.22,
        neck,
        base.chest * 0.88,
        0.1,
        base.chest * 0.95,
        waist * 1.05,
        waist,
        waist_y,
        rng.random() < 0.3,
    )
    hem, length = rng.uniform(0.6, 0.95), rng.uniform(0.9, 1.6)
    half = _skirt_half(waist, hem, length, 0.4) + np.array([0, waist_y - 0.02])
    drape = (_pleats if rng.random() < 0.4 else _drape)(rng, waist, hem, waist_y, waist_y + length)
    top = _dress_top(rng, torso, waist_y)
    belt_cloth = (Cloth.SECOND, Cloth.PLAIN)[int(rng.random() < 0.6)]
    belt = Panel(rectangle(-waist * 1.02, waist_y - 0.05, waist * 1.02, waist_y + 0.03), belt_cloth, relief=0.4)
    return assembled(Panel(mirrored(half), relief=0.8), *drape, top, belt)


def _dress_top(rng: np.random.Generator, torso: Torso, waist_y: float) -> Garment:
    kind = rng.random()
    if kind < 0.3:
        return _strap_bodice(rng, torso, waist_y)
    if kind < 0.55:
        return bodice(rng, torso)
    length, lean, cuff = (0.45, 0.7, 0.15) if kind < 0.85 else (1.15, 0.45, 0.09)
    return assembled(sleeves(rng, torso, length, lean, cuff), bodice(rng, torso))
