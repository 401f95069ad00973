"""Predictions over HTTP are those of the runs, whatever the champion reads."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

from image_assets.imaging.decode import decode_within
from image_assets.models.classifiers.classifier import Classifier
from image_assets.models.classifiers.fine_tuned import FineTunedClassifier
from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.models.encoders.image_preparation import ImageRules
from image_assets.steps.classification.champion import ClassifierCard, digests_of, keep_classifier, promote
from image_assets.tables.images import SILVER_MAX_SIDE_PX

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario
    from image_assets_tests.serving.inference.conftest import HeldService

Paint = Callable[..., bytes]
LABELS = ("cherry", "sky")


def of_vectors() -> Classifier:
    """Takes what is red for a cherry."""
    weights = np.array([[4, -4], [0, 0], [-4, 4], [0, 0]], np.float32)
    return LinearClassifier(LABELS, weights, np.zeros(2, np.float32))


def of_pixels() -> Classifier:
    """A network of random weights, which says something else of each picture."""
    torch.manual_seed(0)
    network = MobileNetV2ForImageClassification(MobileNetV2Config(image_size=32, depth_multiplier=0.25, num_labels=2))
    rules = ImageRules(36, 32, 32, Image.Resampling.BILINEAR, 1 / 255, (0.5,) * 3, (0.5,) * 3)
    return FineTunedClassifier(LABELS, network, rules, temperature=0.01)


def put_in_charge(scenario: "Scenario", classifier: Classifier, encoder: tuple[str, str] | None) -> None:
    files = classifier.files()
    card = ClassifierCard("champion-1", "head", encoder, "2026", "1", digests_of(files))
    keep_classifier(scenario.store, card, files)
    promote(scenario.store, card.model_version)


CHAMPIONS = {"vectors": (of_vectors, ("colour-means", "1")), "pixels": (of_pixels, None)}


@pytest.fixture(params=CHAMPIONS)
def champion(request: pytest.FixtureRequest, scenario: "Scenario", paint: Paint) -> Classifier:
    """In charge of a lake with a day of three images, which it has predicted."""
    for colour in ("red", "green", "blue"):
        scenario.land(f"anna/{colour}.png", paint(colour, kind="PNG"))
    scenario.run()
    make, encoder = CHAMPIONS[request.param]
    classifier = make()
    put_in_charge(scenario, classifier, encoder)
    scenario.predict()
    return classifier


def test_images_of_the_lake_are_predicted_as_their_run_predicted_them(
    champion: Classifier, scenario: "Scenario", held: "HeldService"
) -> None:
    rows = scenario.rows(scenario.predictions)
    body = {"image_ids": [row["image_id"] for row in rows]}
    results = httpx.post(f"{held.url}/v1/predict_batch", json=body, timeout=60).json()["results"]
    for row, each in zip(rows, results, strict=True):
        said = each["prediction"]
        assert (said["label"], said["model_version"], said["needs_review"]) == (
            row["label"],
            "champion-1",
            row["needs_review"],
        )
        assert said["confidence_ratio"] == pytest.approx(row["confidence_ratio"], abs=1e-5)


def test_a_picture_is_predicted_by_the_champion(
    champion: Classifier, scenario: "Scenario", held: "HeldService", paint: Paint
) -> None:
    picture = paint("blue", size=(90, 60))
    pixels = decode_within(picture, SILVER_MAX_SIDE_PX)
    seen = scenario.encoder.encode_images([pixels])[0] if isinstance(champion, LinearClassifier) else pixels
    (expected,) = champion.probabilities([seen])
    said = httpx.post(f"{held.url}/v1/predict", content=picture, headers={"Content-Type": "image/jpeg"}, timeout=60)
    found = {each["label"]: each["confidence_ratio"] for each in said.json()["top_labels"]}
    assert [found[label] for label in LABELS] == pytest.approx(list(expected), abs=1e-5)
