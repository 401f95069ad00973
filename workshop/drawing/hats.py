"""Cuts of hats; the edge of the crown is near y = 0."""

import numpy as np

from workshop.drawing.garments import Cloth, Garment, Panel, Stroke, assembled, choose, folds, moved, seam
from workshop.drawing.outlines import Points, curve, ellipse, path, tube


def _dome(width: float, height: float, bottom: float) -> Points:
    return path(
        [
            (-width, 0.1),
            (-width * 0.82, -height * 0.6),
            (0, -height),
            (width * 0.82, -height * 0.6),
            (width, 0.1),
        ],
        [(width, 0.1), (0, bottom), (-width, 0.1)],
    )


def _cut_cap(rng: np.random.Generator) -> Garment:
    """A baseball cap from the front; the brim comes towards the viewer."""
    width, height = rng.uniform(0.68, 0.8), rng.uniform(0.72, 0.9)
    brim = path(
        [(-width * 0.97, 0.08), (0, -0.08), (width * 0.97, 0.08)],
        [
            (width * 0.97, 0.08),
            (width * 1.02, 0.4),
            (width * 0.55, 0.62),
            (0, 0.7),
            (-width * 0.55, 0.62),
            (-width * 1.02, 0.4),
            (-width * 0.97, 0.08),
        ],
    )
    seams = [
        seam([(0, -height), (x * 0.75, -height * 0.55), (x, 0.05)], -0.4, 0.016)
        for x in (-width * 0.45, 0, width * 0.45)
    ]
    rows = [
        seam([(-width * s, 0.15 + d), (0, 0.05 + d), (width * s, 0.15 + d)], -0.25)
        for s, d in ((0.95, 0.1), (0.9, 0.22), (0.8, 0.34))
    ]
    logo = [Panel(ellipse((0, -height * 0.35), 0.16, 0.13), Cloth.SECOND, relief=0.3)] if rng.random() < 0.6 else []
    button = Panel(ellipse((0, -height), 0.05, 0.03), Cloth.PLAIN)
    brim_cloth = Cloth.SECOND if rng.random() < 0.35 else Cloth.MAIN
    return assembled(
        Panel(_dome(width, height, -0.06), relief=0.9),
        button,
        *seams[:: 2 if logo else 1],
        *logo,
        Panel(brim, brim_cloth, relief=1.0),
        *rows,
    )


def _cut_side_cap(rng: np.random.Generator) -> Garment:
    crown = path(
        [(-0.75, 0.25), (-0.78, -0.3), (-0.3, -0.68), (0.3, -0.55), (0.6, -0.1), (0.62, 0.18)],
        [(0.62, 0.18), (0, 0.3), (-0.75, 0.25)],
    )
    visor = tube([(0.35, 0.2), (0.9, 0.22), (1.35, 0.38)], [0.1, 0.09, 0.02])
    seams = [
        seam([(-0.2, -0.68), (-0.15, -0.2), (-0.2, 0.27)], -0.4, 0.016),
        seam([(-0.2, -0.68), (0.35, -0.3), (0.45, 0.2)], -0.4, 0.016),
    ]
    cloth = Cloth.SECOND if rng.random() < 0.4 else Cloth.MAIN
    dent = folds(rng, 2, [(-0.6, -0.3), (0.2, -0.5)], [(-0.5, 0.1), (0.4, 0.1)])
    cap = assembled(Panel(visor, cloth, relief=0.9), Panel(crown, relief=0.9), *seams, dent)
    return moved(cap, flip=rng.random() < 0.5)


def _cut_beanie(rng: np.random.Generator) -> Garment:
    width, height, cuff = rng.uniform(0.55, 0.68), rng.uniform(0.85, 1.1), rng.uniform(0.24, 0.36)
    ribs: list[Stroke] = []
    for share in np.linspace(-0.9, 0.9, 15):
        ribs.append(
            seam(
                [
                    (share * width * 0.25, -height * 0.93),
                    (share * width * 0.85, -height * 0.5),
                    (share * width, 0.1),
                ],
                -0.3,
                0.016,
            )
        )
        ribs.append(seam([(share * width * 1.03, 0.02), (share * width * 1.03, cuff)], -0.35, 0.02))
    band = path(
        [(-width * 1.04, 0.0), (0, 0.06), (width * 1.04, 0.0)],
        [(width * 1.04, 0.0), (width * 1.03, cuff)],
        [(width * 1.03, cuff), (0, cuff + 0.07), (-width * 1.03, cuff)],
    )
    cloth = Cloth.SECOND if rng.random() < 0.4 else Cloth.PLAIN
    pompom = _pompom(rng, -height) if rng.random() < 0.45 else []
    return assembled(*pompom, Panel(_dome(width, height, 0.2), relief=1.0), Panel(band, cloth, relief=0.8), *ribs)


def _pompom(rng: np.random.Generator, y: float) -> list[Panel]:
    circle = ellipse((0, 0), 0.2, 0.2)
    fuzz = circle * rng.uniform(0.82, 1.15, (len(circle), 1)) + np.array([0, y - 0.08])
    return [Panel(fuzz, Cloth.SECOND if rng.random() < 0.5 else Cloth.PALE, relief=0.9)]


def _cut_brimmed(rng: np.random.Generator) -> Garment:
    """A sun hat or fedora: a wide flat brim, a crown and a band."""
    reach, tilt = rng.uniform(1.05, 1.4), rng.uniform(0.22, 0.36)
    top, width = rng.uniform(0.6, 0.8), rng.uniform(0.52, 0.62)
    crown = path(
        [
            (-width, 0.02),
            (-width * 0.9, -top * 0.8),
            (-width * 0.5, -top),
            (0, -top * 0.9),
            (width * 0.5, -top),
            (width * 0.9, -top * 0.8),
            (width, 0.02),
        ],
        [(width, 0.02), (0, 0.14), (-width, 0.02)],
    )
    band = path(
        [(-width * 0.98, -0.16), (0, -0.04), (width * 0.98, -0.16)],
        [(width * 0.98, -0.16), (width, 0.02)],
        [(width, 0.02), (0, 0.14), (-width, 0.02)],
    )
    rim = Stroke(ellipse((0, 0.06), reach * 0.94, tilt * 0.9), 0.014, -0.25)
    dent = folds(rng, 2, [(-0.2, -top), (0.2, -top)], [(-0.25, -0.25), (0.25, -0.25)])
    return assembled(
        Panel(ellipse((0, 0.06), reach, tilt), relief=0.8),
        rim,
        Panel(crown, relief=1.0),
        dent,
        Panel(band, Cloth.SECOND, relief=0.2),
    )


def _cut_bucket(rng: np.random.Generator) -> Garment:
    width, reach = rng.uniform(0.5, 0.58), rng.uniform(0.85, 1.0)
    crown = path(
        [(-width, 0.0), (-width * 0.8, -0.62), (0, -0.68), (width * 0.8, -0.62), (width, 0.0)],
        [(width, 0.0), (0, 0.1), (-width, 0.0)],
    )
    brim = path(
        [(-width, -0.05), (0, 0.05), (width, -0.05)],
        [(width, -0.05), (reach, 0.38)],
        [(reach, 0.38), (0, 0.58), (-reach, 0.38)],
        [(-reach, 0.38), (-width, -0.05)],
    )
    rows = [
        seam([(-width - d, 0.1 + d * 0.8), (0, 0.2 + d), (width + d, 0.1 + d * 0.8)], -0.3)
        for d in (0.06, 0.14, 0.22, 0.3)
    ]
    top = seam(curve([(-width * 0.8, -0.6), (0, -0.52), (width * 0.8, -0.6)]), -0.35, 0.02)
    return assembled(Panel(crown, relief=0.8), top, Panel(brim, relief=0.9), *rows)


def cut_hat(rng: np.random.Generator) -> Garment:
    """A cap, beanie, brimmed hat or bucket hat."""
    return choose(rng, (_cut_cap, _cut_side_cap, _cut_beanie, _cut_brimmed, _cut_bucket), (0.3, 0.14, 0.26, 0.2, 0.1))
