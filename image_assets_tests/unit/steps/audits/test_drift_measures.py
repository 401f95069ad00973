"""Measures of drift have known answers."""

from math import log

import numpy as np
import pytest

from image_assets.steps.audits.drift import drift_of_classes, drift_of_numbers, drift_of_vectors, stability_index

MANY = 1_000_000


def test_the_same_shares_do_not_drift() -> None:
    assert stability_index([MANY, 3 * MANY], [2 * MANY, 6 * MANY]) == pytest.approx(0, abs=1e-9)


def test_the_stability_index_of_a_half_that_becomes_a_fifth_is_known() -> None:
    expected = 0.3 * log(0.8 / 0.5) + (0.2 - 0.5) * log(0.2 / 0.5)
    assert stability_index([50 * MANY, 50 * MANY], [80 * MANY, 20 * MANY]) == pytest.approx(expected, rel=1e-5)


def test_drift_there_and_back_is_the_same() -> None:
    assert stability_index([10, 90], [40, 60]) == pytest.approx(stability_index([40, 60], [10, 90]))


def test_an_empty_bin_is_not_infinitely_far() -> None:
    assert 0.25 < stability_index([0, 100], [50, 50]) < 10


def test_a_class_that_appears_drifts() -> None:
    assert drift_of_classes({"shirt": 100}, {"shirt": 60, "spaceship": 40}) > 0.25


def test_classes_may_come_in_any_order() -> None:
    assert drift_of_classes({"a": 30, "b": 70}, {"b": 70, "a": 30}) == pytest.approx(0)


def test_numbers_of_one_distribution_do_not_drift() -> None:
    numbers = np.random.default_rng(1).normal(size=20_000)
    assert drift_of_numbers(numbers[:10_000], numbers[10_000:]) < 0.01


def test_numbers_that_all_moved_up_drift() -> None:
    numbers = np.random.default_rng(1).normal(size=10_000)
    assert drift_of_numbers(numbers, numbers + 1) > 0.25


def test_numbers_that_were_all_the_same_drift_when_they_are_not() -> None:
    assert drift_of_numbers(np.zeros(100), np.zeros(100)) == pytest.approx(0)
    assert drift_of_numbers(np.zeros(100), np.ones(100)) > 0.25


def test_a_mean_vector_as_far_off_as_those_before_is_usual() -> None:
    corners = [np.array(corner, dtype=float) for corner in ([1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0])]
    assert drift_of_vectors(corners, np.array([0.0, 0, 0, 1])) == pytest.approx((4 / 3) ** 0.5 / 1.5**0.5)


def test_a_mean_vector_ten_times_as_far_off_is_told() -> None:
    before = [np.array([0.0, 1.0]), np.array([0.0, -1.0])]
    assert drift_of_vectors(before, np.array([20.0, 0.0])) == pytest.approx(10)


def test_days_that_were_all_the_same_make_any_change_infinitely_far() -> None:
    before = [np.ones(3), np.ones(3)]
    assert (drift_of_vectors(before, np.ones(3)), drift_of_vectors(before, np.zeros(3))) == (1.0, float("inf"))
