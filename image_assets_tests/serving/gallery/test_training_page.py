"""The page of trainings: what to expect of a classifier, what people review, and what to label next."""

from collections.abc import Callable
from html import unescape
from typing import TYPE_CHECKING

import numpy as np

from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.models.classifiers.review_rule import ReviewRule
from image_assets.steps.classification.champion import ClassifierCard, digests_of, keep_classifier, promote
from image_assets.steps.classification.forecast import Forecast

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served


def test_what_a_training_promises_is_shown_and_its_threshold_is_in_force(
    copy_lake: Callable[[], "Lake"], serve_lake: Callable[..., "Served"]
) -> None:
    lake = copy_lake()
    store = lake.tables.store
    files = LinearClassifier(("dress", "hat"), np.zeros((256, 2), np.float32), np.zeros(2, np.float32)).files()
    card = ClassifierCard(
        "head-1",
        "head",
        None,
        "2026-03-15T00:00:00+00:00",
        "1",
        digests_of(files),
        forecast=Forecast(9, 76, True, 46, 0.913, 0.797, 0.966, 0.053, 0.057),
        review=ReviewRule(0.02, 0.851, is_shown=False, images=37, decided=32, wrong=0),
        advice=("few to learn from, fewer than 20: hat (19)",),
        reliability=((0.9, 0.85, 30), (0.5, 0.6, 16)),
        curve=((0.1, 0.0), (1.0, 0.087)),
    )
    keep_classifier(store, card, files)
    promote(store, "head-1")
    served = serve_lake(lake)
    page = unescape(served.ask("/training", "admin", headers={"Accept": "text/html"}).text)
    assert "9 of its 85 images are new to the encoder, and 100 are needed; cross-validated accuracy 0.913" in page
    assert "14% of 37 held-out images go to review" in page
    assert "few to learn from, fewer than 20: hat (19)" in page
    assert page.count("<circle") == 3
    told = served.ask("/v1/classes", "admin").json()
    assert told["review_threshold"] == 0.851
    served.ask("/v1/config", "admin", "PATCH", json={"changes": {"review_threshold": 0.3}})
    assert served.ask("/v1/classes", "admin").json()["review_threshold"] == 0.3
