"""Vectors in a plane: what differs most lies apart, and the same vectors give the same picture."""

import numpy as np

from image_assets.search.principal_plane import principal_plane

RNG = np.random.default_rng(7)
WIDE = np.zeros((60, 12), dtype=np.float32)
WIDE[:, 5] = np.linspace(-3, 3, 60)
WIDE[:, 2] = np.sin(np.arange(60.0))
WIDE += RNG.normal(scale=0.01, size=WIDE.shape).astype(np.float32)


def test_the_axis_along_which_vectors_differ_most_comes_first() -> None:
    plane = principal_plane(WIDE)
    assert np.corrcoef(plane.points[:, 0], WIDE[:, 5])[0, 1] > 0.999
    assert np.corrcoef(plane.points[:, 1], WIDE[:, 2])[0, 1] > 0.99
    assert 0.99 < plane.explained_ratio <= 1


def test_a_picture_is_the_same_every_time_whatever_the_order_of_the_vectors() -> None:
    order = RNG.permutation(len(WIDE))
    np.testing.assert_allclose(principal_plane(WIDE[order]).points, principal_plane(WIDE).points[order], atol=1e-4)


def test_points_fill_the_unit_square_in_one_scale() -> None:
    points = principal_plane(WIDE).points
    assert points.dtype == np.float32
    assert (points[:, 0].min(), points[:, 0].max()) == (0, 1)
    assert np.ptp(points[:, 1]) < 0.5
    np.testing.assert_allclose(points[:, 1].min() + points[:, 1].max(), 1, atol=1e-6)


def test_vectors_that_do_not_differ_lie_in_the_middle() -> None:
    for count in (1, 2, 5):
        np.testing.assert_allclose(principal_plane(np.ones((count, 4), np.float32)).points, 0.5, atol=1e-6)
    assert principal_plane(np.empty((0, 4), np.float32)).points.shape == (0, 2)
