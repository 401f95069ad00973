"""The parts that all garments for the upper body share: body, sleeves, cuffs, hood and buttons."""

from dataclasses import dataclass

import numpy as np

from workshop.drawing.garments import Cloth, Garment, Panel, assembled, folds, moved
from workshop.drawing.outlines import Points, curve, ellipse, flipped, mirrored, path, tube

ARMPIT = 0.5
"""Height of the armpit under the neck, garment units."""


@dataclass(frozen=True, slots=True)
class Torso:
    """Proportions of a garment for the upper body, half-widths and heights in garment units."""

    neck_width: float
    neck_depth: float
    shoulder: float
    drop: float
    chest: float
    waist: float
    hem: float
    length: float
    is_v_neck: bool = False

    @property
    def neckline(self) -> Points:
        """From the lowest point of the neck to the right shoulder."""
        bulge = 0.5 if self.is_v_neck else 0.8
        return curve([(0, self.neck_depth), (self.neck_width * bulge, self.neck_depth * 0.5), (self.neck_width, 0)])

    @property
    def right_half(self) -> Points:
        """From the lowest point of the neck around the right side to the middle of the hem."""
        side = self.length - ARMPIT
        return path(
            self.neckline[::5],
            [(self.neck_width, 0), (self.shoulder, self.drop)],
            [(self.shoulder, self.drop), (self.shoulder * 0.93, 0.3), (self.chest, ARMPIT)],
            [(self.chest, ARMPIT), (self.waist, ARMPIT + side * 0.45), (self.hem, self.length)],
            [(self.hem, self.length), (self.hem * 0.5, self.length + 0.02), (0, self.length + 0.025)],
        )


def random_torso(rng: np.random.Generator, length: tuple[float, float], ease: float = 0.0) -> Torso:
    """A torso of a random person; `ease` widens it."""
    chest = rng.uniform(0.44, 0.54) + ease
    return Torso(
        neck_width=rng.uniform(0.16, 0.22),
        neck_depth=rng.uniform(0.12, 0.22),
        shoulder=chest * rng.uniform(0.9, 1.0),
        drop=rng.uniform(0.08, 0.14),
        chest=chest,
        waist=chest * rng.uniform(0.86, 1.0),
        hem=chest * rng.uniform(0.94, 1.06),
        length=rng.uniform(*length),
    )


def bodice(rng: np.random.Generator, torso: Torso) -> Garment:
    """The body of the garment with its dark inside at the neck and the folds of being worn."""
    width = torso.neck_width
    back = np.vstack([torso.neckline, flipped(torso.neckline)[::-1]])
    inside = np.maximum(back, [-width, 0.03])
    armpit, hem = (torso.chest * 0.95, ARMPIT + 0.05), torso.length - 0.05
    return assembled(
        Panel(inside, Cloth.LINING, relief=0.1),
        Panel(mirrored(torso.right_half), relief=0.6),
        folds(rng, 3, [(-width, 0.35), (width, 0.35)], [(-torso.hem * 0.9, hem), (torso.hem * 0.9, hem)]),
        folds(rng, 2, [armpit, (armpit[0], 0.8)], [(0.05, 0.75), (0.1, 1.0)]),
        folds(rng, 2, [(-armpit[0], 0.55), (-armpit[0], 0.8)], [(-0.05, 0.75), (-0.1, 1.0)]),
    )


def sleeve(rng: np.random.Generator, torso: Torso, length: float, lean: float, root: float, cuff: float) -> Garment:
    """The right sleeve; `lean` is its angle from straight down in radians, `root` and `cuff` half-widths."""
    outward, down = np.sin(lean), np.cos(lean)
    start = np.array([torso.shoulder - root * down, torso.drop + root * outward])
    reach = np.array([outward, down]) * length
    bend = np.array([down, -outward]) * rng.normal(0, 0.05) * length
    spine = np.array([start, start + reach * 0.5 + bend, start + reach])
    fold_count = int(2 + length * 2)
    side = np.array([down, -outward])
    return assembled(
        Panel(tube(spine, [root, (root + cuff) * 0.52, cuff]), grain=-lean, relief=0.6),
        folds(
            rng,
            fold_count,
            [tuple(start + side * root * 0.7 + reach * 0.2), tuple(start + side * cuff + reach)],
            [tuple(start - side * root * 0.5 + reach * 0.35), tuple(start - side * cuff + reach * 0.95)],
        ),
    )


def sleeves(rng: np.random.Generator, torso: Torso, length: float, lean: float, cuff: float) -> Garment:
    """Both sleeves, each lying a little differently."""
    root = rng.uniform(0.19, 0.23)
    left, right = (sleeve(rng, torso, length, lean + rng.normal(0, 0.05), root, cuff) for _ in range(2))
    return assembled(moved(left, flip=True), right)


def long_sleeves(rng: np.random.Generator, torso: Torso, cuff: float = 0.09) -> Garment:
    """Both sleeves down to the wrist; `cuff` is the smallest half-width there."""
    return sleeves(rng, torso, rng.uniform(1.2, 1.45), rng.uniform(0.34, 0.7), rng.uniform(cuff, cuff + 0.03))


def cuffs(arms: Garment, depth: float, cloth: Cloth) -> list[Panel]:
    """Bands of `depth` at the lower ends of the sleeves."""
    bands = []
    for arm in arms.panels:
        half = len(arm.outline) // 2
        near, far = arm.outline[half - 1], arm.outline[half]
        inward = arm.outline[half - 3] - near
        inward = inward / np.linalg.norm(inward) * depth
        bands.append(Panel(np.array([near, far, far + inward, near + inward]), cloth, arm.grain, 0.4))
    return bands


def buttons(x: float, top: float, bottom: float, count: int, cloth: Cloth, radius: float = 0.018) -> list[Panel]:
    """A row of round buttons, evenly spaced."""
    return [Panel(ellipse((x, y), radius, radius), cloth, relief=0.5) for y in np.linspace(top, bottom, count)]


def hood(torso: Torso) -> list[Panel]:
    """A hood with its opening above the neck."""
    width = torso.neck_width
    outer = curve([(-width * 1.5, 0.1), (-width * 1.5, -0.2), (0, -0.38), (width * 1.5, -0.2), (width * 1.5, 0.1)])
    return [
        Panel(np.vstack([outer, [[0, 0.22]]]), Cloth.PLAIN, relief=0.9),
        Panel(ellipse((0, -0.04), width * 0.95, 0.2), Cloth.LINING, relief=0.3),
    ]
