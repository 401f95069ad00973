import pytest

from image_assets.models.classifiers.schedule import learning_rate_factor


def test_the_learning_rate_rises_and_falls() -> None:
    factors = [learning_rate_factor(progress) for progress in (0.0, 0.05, 0.1, 0.5, 1.0, 1.1)]
    assert factors[0] < factors[1] < factors[2] == 1.0
    assert factors[2] > factors[3] > factors[4] == pytest.approx(0.01)
