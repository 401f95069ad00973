"""Clothes hangers, to be laid under a garment."""

from workshop.drawing.garments import Cloth, Garment, Panel, assembled
from workshop.drawing.outlines import flipped, rectangle, tube


def shoulder_hanger() -> Garment:
    """A wooden hanger under the shoulders of a garment whose neck is at the origin."""
    arm = tube([(0, -0.06), (0.25, 0.02), (0.46, 0.16)], [0.035, 0.03, 0.02])
    arms = [Panel(side, Cloth.WOOD, relief=0.5) for side in (arm, flipped(arm))]
    return assembled(_hook(-0.08), *arms)


def clip_hanger() -> Garment:
    """A bar with two clips above a waistband at the origin."""
    bar = Panel(tube([(-0.42, -0.22), (0.42, -0.22)], [0.018]), Cloth.METAL)
    clips = [Panel(rectangle(x - 0.04, -0.27, x + 0.04, -0.05), Cloth.DARK, relief=0.8) for x in (-0.28, 0.28)]
    return assembled(_hook(-0.22), bar, *clips)


def _hook(y: float) -> Panel:
    spine = [(0, y), (0, y - 0.14), (0.07, y - 0.2), (0.06, y - 0.3), (-0.02, y - 0.33), (-0.07, y - 0.27)]
    return Panel(tube(spine, [0.013]), Cloth.METAL, relief=0.4)
