"""Cuts of outwear: zipped, quilted and open jackets, vests and coats."""

import numpy as np

from workshop.drawing.garments import Cloth, Garment, Panel, Part, Stroke, assembled, choose, seam
from workshop.drawing.outlines import Points, curve, ellipse, flipped, mirrored, path, rectangle
from workshop.drawing.torso import ARMPIT, Torso, bodice, buttons, cuffs, hood, long_sleeves, random_torso


def _zip(top: float, bottom: float) -> list[Panel | Stroke]:
    teeth = [seam([(-0.018, y), (0.018, y)], 0.5, 0.012) for y in np.arange(top + 0.03, bottom - 0.02, 0.035)]
    pull = Panel(rectangle(-0.02, top + 0.05, 0.02, top + 0.16), Cloth.METAL, relief=0.7)
    return [Panel(rectangle(-0.03, top, 0.03, bottom), Cloth.DARK, relief=0.2), pull, *teeth]


def _slanted_pockets(torso: Torso) -> list[Stroke]:
    y = torso.length * 0.68
    lines = [curve([(side * 0.2, y), (side * 0.34, y + 0.22)]) for side in (-1, 1)]
    return [stroke for line in lines for stroke in (Stroke(line, 0.035, -0.55), Stroke(line + 0.02, 0.012, 0.3))]


def _quilting(torso: Torso, arms: Garment) -> list[Stroke]:
    """Horizontal channels of a down jacket on the body and across the sleeves."""
    made: list[Stroke] = []
    for y in np.arange(0.28, torso.length - 0.05, 0.17):
        width = torso.chest * (0.9 if y < ARMPIT else 0.97)
        made += _channel(np.array([(-width, y), (0, y + 0.03), (width, y)]))
    for arm in arms.panels:
        half = len(arm.outline) // 2
        for i in range(3, half - 1, 3):
            made += _channel(np.array([arm.outline[i], arm.outline[-1 - i]]))
    return made


def _channel(knots: Points) -> list[Stroke]:
    line = curve(knots)
    ridge = Stroke(line + np.array([0.0, 0.07]), 0.05, 0.3, is_soft=True)
    return [Stroke(line, 0.05, -0.5, is_soft=True), ridge, Stroke(line, 0.012, -0.4)]


def _stand_collar(torso: Torso) -> list[Panel]:
    width = torso.neck_width * 1.1
    half = path(
        [(0, -0.14), (width * 0.9, -0.16)],
        [(width * 0.95, -0.16), (width * 1.1, 0.03)],
        [(width, 0.06), (0, 0.16)],
    )
    return [
        Panel(mirrored(half), Cloth.PLAIN, relief=0.8),
        Panel(ellipse((0, -0.1), width * 0.8, 0.05), Cloth.LINING),
    ]


def _cut_jacket(rng: np.random.Generator) -> Garment:
    torso = random_torso(rng, (1.2, 1.5), ease=0.06)
    is_vest = rng.random() < 0.15
    arms = Garment(()) if is_vest else long_sleeves(rng, torso, 0.12)
    collar = hood(torso) if rng.random() < 0.5 else _stand_collar(torso)
    trim = Cloth.SECOND if rng.random() < 0.3 else Cloth.PLAIN
    waistband = Panel(rectangle(-torso.hem, torso.length - 0.08, torso.hem, torso.length + 0.02), trim, relief=0.5)
    quilting = _quilting(torso, arms) if is_vest or rng.random() < 0.5 else []
    front = [bodice(rng, torso), *collar, waistband, *_zip(0.1, torso.length + 0.02)]
    return assembled(arms, *cuffs(arms, 0.1, trim), *front, *quilting, *_slanted_pockets(torso))


def _lapels(torso: Torso, depth: float) -> list[Panel]:
    width = torso.neck_width
    right = np.array(
        [
            (width * 0.75, -0.05),
            (width * 1.25, 0.06),
            (width * 1.75, 0.28),
            (width * 1.35, 0.34),
            (0.01, depth),
        ]
    )
    shirt = Panel(np.array([(-width, 0), (width, 0), (0, depth)]), Cloth.LINING, relief=0.1)
    return [shirt, *(Panel(side, Cloth.PLAIN, relief=0.9) for side in (right, flipped(right)))]


def _cut_coat(rng: np.random.Generator) -> Garment:
    torso = random_torso(rng, (1.9, 2.4), ease=0.06)
    arms = long_sleeves(rng, torso, 0.13)
    depth = rng.uniform(0.6, 0.8)
    columns = (-0.14, 0.14) if rng.random() < 0.5 else (0.06,)
    rows = [b for x in columns for b in buttons(x, depth + 0.05, torso.length * 0.62, 3, Cloth.DARK, 0.03)]
    y = torso.length * 0.48
    belt = [Panel(rectangle(-torso.waist * 1.02, y, torso.waist * 1.02, y + 0.09), Cloth.PLAIN, relief=0.8)]
    flaps = [
        Panel(rectangle(x - 0.13, torso.length * 0.62, x + 0.13, torso.length * 0.62 + 0.08), relief=0.7)
        for x in (-0.3, 0.3)
    ]
    opening = seam([(0.02, depth), (0.02, torso.length + 0.02)], -0.6, 0.02)
    dressing: list[Part] = [
        *_lapels(torso, depth),
        *flaps,
        *(belt if rng.random() < 0.4 else []),
        *rows,
        opening,
    ]
    return assembled(arms, *cuffs(arms, 0.12, Cloth.PLAIN), bodice(rng, torso), *dressing)


def _cut_open_jacket(rng: np.random.Generator) -> Garment:
    torso = random_torso(rng, (1.2, 1.5), ease=0.08)
    arms = long_sleeves(rng, torso, 0.12)
    gap = rng.uniform(0.08, 0.16)
    half = torso.right_half
    front = half[(half[:, 0] > gap * 0.8) | (half[:, 1] < 0.1)]
    front = np.vstack([[(torso.neck_width * 0.9, 0)], front[front[:, 0] >= gap * 0.8], [(gap, torso.length + 0.02)]])
    inside = Panel(
        mirrored(
            path(
                [(0, 0.02), (torso.neck_width, 0.02)],
                [(torso.neck_width, 0.02), (0.3, torso.length - 0.03)],
                [(0.3, torso.length - 0.03), (0, torso.length - 0.03)],
            )
        ),
        Cloth.LINING,
    )
    fronts = [Panel(side, relief=0.9) for side in (front, flipped(front))]
    zips = [
        seam([(side * torso.neck_width * 0.85, 0.02), (side * gap, 0.3), (side * gap, torso.length)], 0.5, 0.02)
        for side in (-1, 1)
    ]
    return assembled(arms, *cuffs(arms, 0.1, Cloth.PLAIN), inside, *fronts, *zips, *_slanted_pockets(torso))


def cut_outwear(rng: np.random.Generator) -> Garment:
    """Zipped, quilted or open jackets, vests and long coats."""
    return choose(rng, (_cut_jacket, _cut_coat, _cut_open_jacket), (0.55, 0.3, 0.15))
