"""From which confidence on an image needs no person: known mistakes give known thresholds."""

import numpy as np
import pytest

from image_assets.models.classifiers.classifier import LabelNumbers, Probabilities
from image_assets.models.classifiers.review_rule import USUAL_THRESHOLD, choose_threshold


def answers(confidences: list[float], wrong: list[int]) -> tuple[Probabilities, LabelNumbers]:
    """The first label, so sure of it, and wrong at these places."""
    sure = np.array(confidences, np.float32)
    targets = np.zeros(len(sure), np.intp)
    targets[wrong] = 1
    return np.column_stack([sure, 1 - sure]), targets


def test_no_more_is_left_to_the_model_than_keeps_the_risk() -> None:
    rule = choose_threshold(*answers([0.99] * 600 + [0.7] * 400, list(range(600, 700))), 0.02)
    assert rule is not None
    assert (rule.is_shown, rule.decided, rule.wrong) == (True, 600, 0)
    assert rule.threshold == pytest.approx(0.99)
    assert rule.reviewed_ratio == pytest.approx(0.4)


@pytest.mark.parametrize(("images", "is_shown"), [(200, False), (300, True)])
def test_few_images_show_nothing_even_without_a_mistake(images: int, is_shown: bool) -> None:
    rule = choose_threshold(*answers([0.9] * images, []), 0.02)
    assert rule is not None
    assert rule.is_shown is is_shown


def test_what_is_not_shown_leaves_the_usual_threshold_or_one_at_which_the_risk_was_seen_to_be_kept() -> None:
    flawless, flawed = (answers([0.9] * 20 + [0.7] * 20, wrong) for wrong in ([], [30]))
    first, second = (choose_threshold(*each, 0.02) for each in (flawless, flawed))
    assert first is not None
    assert second is not None
    assert (first.threshold, first.is_shown) == (pytest.approx(0.7), False)
    assert (second.threshold, second.decided) == (pytest.approx(0.9), 20)


def test_a_model_that_is_sure_of_nothing_has_its_images_reviewed() -> None:
    rule = choose_threshold(*answers([0.55] * 400, []), 0.5)
    assert rule is not None
    assert rule.threshold == pytest.approx(0.55)
    assert rule.threshold < USUAL_THRESHOLD


def test_the_promise_is_kept_nine_times_out_of_ten() -> None:
    source, kept = np.random.default_rng(0), 0
    for _ in range(100):
        sure = source.uniform(0.5, 1, 800)
        rule = choose_threshold(*answers(sure.tolist(), np.flatnonzero(source.random(800) > sure).tolist()), 0.1)
        assert rule is not None
        # Of all that is at least so sure, half of what is missing to 1 is wrong.
        kept += not rule.is_shown or (1 - rule.threshold) / 2 <= 0.1
    assert kept >= 90


def test_without_an_image_there_is_no_rule() -> None:
    assert choose_threshold(np.zeros((0, 2), np.float32), np.zeros(0, np.intp), 0.02) is None
