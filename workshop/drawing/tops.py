"""Cuts of t-shirts, long sleeves and shirts."""

from dataclasses import replace

import numpy as np

from workshop.drawing.garments import Cloth, Garment, Panel, Part, Stroke, assembled, choose, seam
from workshop.drawing.outlines import ellipse, flipped, mirrored, path, rectangle, tube
from workshop.drawing.torso import (
    Torso,
    bodice,
    buttons,
    cuffs,
    hood,
    long_sleeves,
    random_torso,
    sleeves,
)


def _rib(torso: Torso, cloth: Cloth, width: float = 0.03) -> Panel:
    whole = np.vstack([torso.neckline[::-1], flipped(torso.neckline)])
    return Panel(tube(whole[::4], [width]), cloth, relief=0.3)


def _hem_seam(torso: Torso, height: float = 0.05) -> Stroke:
    y = torso.length - height
    return seam([(-torso.hem * 0.99, y), (0, y + 0.025), (torso.hem * 0.99, y)], -0.25)


def _print(rng: np.random.Generator) -> list[Panel]:
    """A picture on the chest."""
    y, size = rng.uniform(0.5, 0.65), rng.uniform(0.1, 0.2)
    shapes = (
        [ellipse((0, y), size, size)],
        [rectangle(-size * 1.4, y - size * 0.5, size * 1.4, y + size * 0.5)],
        [rectangle(-0.25, y + i * 0.09, rng.uniform(0.05, 0.25), y + i * 0.09 + 0.05) for i in range(3)],
        [tube([(-0.22, y + 0.1), (0, y - 0.12), (0.22, y + 0.1)], [0.03, 0.05, 0.03])],
        [ellipse((0.2, 0.42), 0.045, 0.045)],
    )
    chosen = shapes[int(rng.integers(len(shapes)))]
    return [Panel(outline, Cloth.SECOND, relief=0.0) for outline in chosen]


def cut_t_shirt(rng: np.random.Generator) -> Garment:
    """Short sleeves and an open neck."""
    torso = random_torso(rng, (1.25, 1.5))
    if rng.random() < 0.3:
        torso = replace(torso, neck_depth=rng.uniform(0.28, 0.4), is_v_neck=True)
    arms = sleeves(rng, torso, rng.uniform(0.42, 0.56), rng.uniform(0.6, 1.0), rng.uniform(0.17, 0.22))
    trim = Cloth.SECOND if rng.random() < 0.3 else Cloth.PLAIN
    hems = cuffs(arms, 0.05, trim)
    decoration = _print(rng) if rng.random() < 0.4 else []
    return assembled(arms, *hems, bodice(rng, torso), _rib(torso, trim), *decoration, _hem_seam(torso))


def _cut_sweatshirt(rng: np.random.Generator) -> Garment:
    torso = random_torso(rng, (1.25, 1.5), ease=0.03)
    arms = long_sleeves(rng, torso)
    trim = Cloth.SECOND if rng.random() < 0.25 else Cloth.PLAIN
    waistband = rectangle(-torso.hem, torso.length - 0.1, torso.hem, torso.length + 0.01)
    decoration = _print(rng) if rng.random() < 0.35 else []
    parts: list[Part] = [
        arms,
        *cuffs(arms, 0.1, trim),
        bodice(rng, torso),
        _rib(torso, trim, 0.04),
        *decoration,
    ]
    return assembled(*parts, Panel(waistband, trim, relief=0.4), *_ribs(-torso.hem, torso.hem, torso.length))


def _ribs(left: float, right: float, bottom: float) -> list[Stroke]:
    return [seam([(x, bottom - 0.09), (x, bottom)], -0.18, 0.01) for x in np.arange(left + 0.02, right, 0.035)]


def _cut_hoodie(rng: np.random.Generator) -> Garment:
    torso = random_torso(rng, (1.3, 1.5), ease=0.05)
    arms = long_sleeves(rng, torso)
    pouch = mirrored(
        path([(0, 0.85), (0.22, 0.85)], [(0.22, 0.85), (0.34, 1.05)], [(0.34, 1.05), (0.34, 1.2), (0, 1.2)])
    )
    strings = [Panel(tube([(x, 0.12), (x * 1.2, 0.3), (x, 0.45)], [0.012]), Cloth.PALE) for x in (-0.08, 0.08)]
    waistband = Panel(rectangle(-torso.hem, torso.length - 0.1, torso.hem, torso.length + 0.01), Cloth.PLAIN)
    body: list[Part] = [bodice(rng, torso), Panel(pouch, relief=0.6), *hood(torso), *strings]
    return assembled(
        arms, *cuffs(arms, 0.1, Cloth.PLAIN), *body, waistband, *_ribs(-torso.hem, torso.hem, torso.length)
    )


def _cut_turtleneck(rng: np.random.Generator) -> Garment:
    torso = random_torso(rng, (1.2, 1.5))
    arms = long_sleeves(rng, torso, cuff=0.08)
    width = torso.neck_width * 0.95
    neck = mirrored(
        path([(0, -0.22), (width, -0.2)], [(width, -0.2), (width * 1.05, 0.05)], [(width, 0.05), (0, 0.14)])
    )
    roll = seam([(-width, -0.04), (0, 0.02), (width, -0.04)], -0.4, 0.02)
    knit = [seam([(x, -0.2), (x, 0.1)], -0.2) for x in np.arange(-width + 0.03, width, 0.04)]
    return assembled(arms, bodice(rng, torso), Panel(neck, Cloth.PLAIN, relief=0.7), roll, *knit, _hem_seam(torso))


def cut_longsleeve(rng: np.random.Generator) -> Garment:
    """Long sleeves without buttons: sweatshirt, hoodie or turtleneck."""
    return choose(rng, (_cut_sweatshirt, _cut_hoodie, _cut_turtleneck), (0.6, 0.22, 0.18))


def _shirt_collar(torso: Torso, spread: float) -> list[Panel]:
    width = torso.neck_width
    stand = Panel(mirrored(path([(0, -0.07), (width * 0.95, -0.03)], [(width, 0), (0, 0.1)])), Cloth.LINING, relief=0.2)
    right = np.array([(width * 0.2, -0.06), (width * 1.12, -0.04), (width * spread, 0.27), (0.0, 0.13)])
    leaves = [Panel(side, Cloth.PLAIN, relief=0.8) for side in (right, flipped(right))]
    return [stand, *leaves]


def cut_shirt(rng: np.random.Generator) -> Garment:
    """A collar with two points, a button placket and cuffs."""
    torso = random_torso(rng, (1.4, 1.6))
    is_short = rng.random() < 0.25
    arms = sleeves(rng, torso, 0.55, 0.7, 0.2) if is_short else long_sleeves(rng, torso, 0.1)
    placket = rectangle(-0.045, 0.1, 0.045, torso.length + 0.02)
    button = Cloth.PALE if rng.random() < 0.6 else Cloth.DARK
    pocket = np.array([(0.14, 0.48), (0.36, 0.48), (0.36, 0.7), (0.25, 0.76), (0.14, 0.7)])
    return assembled(
        arms,
        *cuffs(arms, 0.05 if is_short else 0.15, Cloth.PLAIN),
        bodice(rng, torso),
        *([Panel(pocket, relief=0.35)] if rng.random() < 0.6 else []),
        Panel(placket, relief=0.35),
        *_shirt_collar(torso, rng.uniform(0.7, 1.3)),
        *buttons(0, 0.22, torso.length - 0.12, int(rng.integers(5, 8)), button, 0.022),
        _hem_seam(torso, 0.04),
    )
