"""Fine-tuning of a tiny MobileNetV2 with random weights, in the hub's format, on pictures drawn here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import MobileNetV2Config, MobileNetV2ForImageClassification
from transformers.models.mobilenet_v2.image_processing_pil_mobilenet_v2 import MobileNetV2ImageProcessorPil

from image_assets.errors import ModelError
from image_assets.models.classifiers.classifier import Examples, Reads, Trained
from image_assets.models.classifiers.classifier_files import load_classifier
from image_assets.models.classifiers.mobilenet import NETWORK_FILE
from image_assets.models.classifiers.mobilenet_trainer import MobileNetTrainer
from image_assets.models.classifiers.trainers import TrainerParams, make_trainer
from image_assets_tests.scenario import ColourMeans

LABELS = ("red", "blue")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint for 32 px and a thousand classes."""
    folder = tmp_path_factory.mktemp("mobilenet") / "tiny"
    torch.manual_seed(0)
    config = MobileNetV2Config(image_size=32, depth_multiplier=0.25, num_labels=1_000)
    MobileNetV2ForImageClassification(config).save_pretrained(folder)
    square = {"height": 32, "width": 32}
    MobileNetV2ImageProcessorPil(size={"shortest_edge": 36}, crop_size=square).save_pretrained(folder)
    return folder


def pictures(seed: int, count: int = 24) -> Examples:
    """Noisy pictures of several sizes, red and blue by turns."""
    source, targets = np.random.default_rng(seed), np.arange(count) % 2
    images = [source.integers(0, 90, (40 + number, 60, 3), dtype=np.uint8) for number in range(count)]
    for image, target in zip(images, targets, strict=True):
        image[..., 2 * target] += 160
    return Examples(images, targets)


@pytest.fixture(scope="module")
def trained(weights: Path) -> Trained:
    trainer = MobileNetTrainer(str(weights), epochs=1, batch_size=4, device="cpu")
    return trainer.train(LABELS, pictures(1), pictures(2, 8), lambda *_: None)


def test_an_epoch_gives_a_classifier_of_pixels(trained: Trained) -> None:
    rows = trained.classifier.probabilities(pictures(3, 6).inputs)
    assert (rows.shape, trained.classifier.reads) == ((6, 2), Reads.PIXELS)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-6)


def test_what_was_chosen_is_told(trained: Trained) -> None:
    assert trained.parameters["epochs"] == "1"
    assert {"temperature", "validation_loss", "revision"} <= trained.parameters.keys()


def test_files_make_the_same_classifier(trained: Trained) -> None:
    again = load_classifier(trained.classifier.files(), "cpu")
    inputs = pictures(3, 5).inputs
    np.testing.assert_allclose(again.probabilities(inputs), trained.classifier.probabilities(inputs), atol=1e-6)


def test_no_images_are_no_rows(trained: Trained) -> None:
    assert trained.classifier.probabilities([]).shape == (0, 2)


def test_a_torn_file_is_an_error_in_words(trained: Trained) -> None:
    files = dict(trained.classifier.files())
    files[NETWORK_FILE] = files[NETWORK_FILE][:1_000]
    with pytest.raises(ModelError, match="damaged"):
        load_classifier(files, "cpu")


def test_training_goes_on_from_the_given_weights_without_forgetting_order(weights: Path) -> None:
    trainer = MobileNetTrainer(str(weights), epochs=1, batch_size=8, device="cpu")
    first, second = (trainer.train(LABELS, pictures(1, 8), pictures(2, 4), lambda *_: None) for _ in range(2))
    assert first.classifier.files() == second.classifier.files()


def test_progress_counts_the_steps_of_all_epochs(weights: Path) -> None:
    told: list[tuple[int, int]] = []
    trainer = MobileNetTrainer(str(weights), epochs=2, batch_size=4, device="cpu")
    trainer.train(LABELS, pictures(1, 10), pictures(2, 4), lambda done, total: told.append((done, total)))
    assert told == [(step, 6) for step in range(1, 7)]


def test_weights_that_are_not_there_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    trainer = make_trainer(TrainerParams("mobilenet", str(tmp_path), 1, "cpu"), ColourMeans())
    with pytest.raises(ModelError, match=r"IMAGE_ASSETS_MOBILENET.*IMAGE_ASSETS_TRAINER=head"):
        trainer.train(LABELS, pictures(1, 4), pictures(2, 4), lambda *_: None)


def test_the_head_is_the_usual_trainer() -> None:
    assert make_trainer(TrainerParams(), ColourMeans()).name == "head"
