"""Scores with answers known beforehand."""

import io

import numpy as np
import pytest
from PIL import Image

from image_assets.models.classifiers.metrics import Scores, score
from image_assets.models.classifiers.plots import plot_scores

_ERROR = ("calibration_error", "calibration_noise")


@pytest.fixture
def scores() -> Scores:
    """Four images of three labels; the third and least sure guess is wrong, and nothing shows the third label."""
    probabilities = np.array([[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.6, 0.4, 0.0], [0.2, 0.8, 0.0]], np.float32)
    return score(probabilities, np.array([0, 1, 1, 1]))


def test_accuracy_is_the_share_of_right_guesses(scores: Scores) -> None:
    assert scores.accuracy == 0.75


def test_precision_and_recall_per_label(scores: Scores) -> None:
    assert scores.precision.tolist() == [0.5, 1.0, 0.0]
    np.testing.assert_allclose(scores.recall, [1, 2 / 3, 0])


def test_macro_f1_is_the_mean_over_labels_that_images_have(scores: Scores) -> None:
    assert scores.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_the_confusion_matrix_has_a_row_per_given_label(scores: Scores) -> None:
    assert scores.confusion.tolist() == [[1, 0, 0], [1, 2, 0], [0, 0, 0]]


def test_the_calibration_error_is_the_mean_gap_between_confidence_and_accuracy(scores: Scores) -> None:
    assert scores.calibration_error == pytest.approx((0.1 + 0.0 + 0.6 + 0.2) / 4, abs=1e-6)


def test_risk_grows_as_less_sure_images_are_decided(scores: Scores) -> None:
    assert scores.curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert scores.curve.risk.tolist() == [0, 0, 0, 0.25]
    assert scores.risk_coverage == 0.0625


def test_perfect_confidence_has_no_calibration_error() -> None:
    assert score(np.eye(3, dtype=np.float32), np.arange(3)).calibration_error == 0


def test_few_images_show_a_calibration_error_though_every_confidence_is_right() -> None:
    source = np.random.default_rng(0)
    sure = source.uniform(0.5, 1, (200, 300)).astype(np.float32)
    scores = [score(np.column_stack([row, 1 - row]), (source.random(300) > row).astype(np.intp)) for row in sure]
    measured, by_chance = (np.mean([getattr(each, name) for each in scores]) for name in _ERROR)
    assert by_chance == pytest.approx(measured, rel=0.05)


def test_no_images_have_no_scores() -> None:
    empty = score(np.zeros((0, 2), np.float32), np.zeros(0, np.intp))
    assert (empty.images, empty.accuracy, empty.macro_f1, empty.risk_coverage) == (0, 0, 0, 0)


@pytest.mark.parametrize("name", ["confusion_matrix.png", "reliability_diagram.png", "risk_coverage_curve.png"])
def test_every_picture_is_small_enough_for_the_event_log(scores: Scores, name: str) -> None:
    data = plot_scores(("cat", "dog", "eel"), scores)[name]
    assert Image.open(io.BytesIO(data)).format == "PNG"
    assert len(data) < 45_000
