"""Curves and closed outlines in a garment's own units: x to the right, y down, one unit is about 40 cm."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Points: TypeAlias = npt.NDArray[np.float64]
"""float64, points x 2: x and y."""

Knots: TypeAlias = Sequence[tuple[float, float]]
"""The points that a curve goes through."""


def curve(knots: Knots | Points, steps: int = 10) -> Points:
    """Catmull-Rom spline through two or more knots, `steps` points per stretch and the last knot."""
    points = np.asarray(knots, dtype=np.float64)
    padded = np.vstack([points[:1], points, points[-1:]])
    a, b, c, d = (padded[i : len(padded) - 3 + i, None, :] for i in range(4))
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    stretches = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.vstack([stretches.reshape(-1, 2), points[-1:]])


def path(*stretches: Knots | Points) -> Points:
    """One outline from curves that meet in corners."""
    return np.vstack([curve(stretch) for stretch in stretches])


def flipped(points: Points) -> Points:
    """The mirror image at the vertical axis x = 0."""
    return np.multiply(points, [-1.0, 1.0])


def mirrored(right_half: Points) -> Points:
    """The closed outline whose right half runs from the top of the axis to its bottom."""
    return np.vstack([right_half, flipped(right_half)[::-1]])


def tube(spine: Knots | Points, radii: Sequence[float]) -> Points:
    """A closed band around a curved spine; one radius per knot, linear in between."""
    line = curve(spine)
    direction = np.gradient(line, axis=0)
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    normal = direction[:, ::-1] * np.array([1.0, -1.0])
    radius = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(radii)), radii)[:, None]
    return np.vstack([line + normal * radius, (line - normal * radius)[::-1]])


def ellipse(centre: tuple[float, float], radius_x: float, radius_y: float) -> Points:
    """A closed ellipse with upright axes."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.column_stack([np.cos(angle) * radius_x + centre[0], np.sin(angle) * radius_y + centre[1]])


def rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    """A closed upright rectangle."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)


def rotated(points: Points, radians: float) -> Points:
    """Turned around the origin; positive is clockwise on the screen."""
    cosine, sine = np.cos(radians), np.sin(radians)
    turned: Points = points @ np.array([[cosine, sine], [-sine, cosine]])
    return turned
