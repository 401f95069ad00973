"""Fine-tuning of tiny networks with random weights, in the hub's format, and of `builtin`, on pictures drawn here."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    EfficientNetConfig,
    EfficientNetForImageClassification,
    MobileNetV2Config,
    MobileNetV2ForImageClassification,
    PreTrainedModel,
    ResNetConfig,
    ResNetForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)
from transformers.image_processing_utils import BaseImageProcessor
from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil
from transformers.models.mobilenet_v2.image_processing_pil_mobilenet_v2 import MobileNetV2ImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from image_assets.errors import ModelError
from image_assets.models.classifiers.classifier import Examples, Reads, Trained
from image_assets.models.classifiers.classifier_files import load_classifier
from image_assets.models.classifiers.fine_tuned import FACTS_FILE, NETWORK_FILE
from image_assets.models.classifiers.fine_tuning import FineTuner, FineTuningParams
from image_assets.models.classifiers.head_trainer import HeadTrainer
from image_assets.models.classifiers.trainers import TrainerParams, make_trainer
from image_assets.models.encoders.encoder import Placement
from image_assets.models.encoders.lazy_encoder import open_encoder
from image_assets_tests.scenario import ColourMeans

LABELS = ("red", "blue")
SQUARE = {"height": 32, "width": 32}


def mobilenet() -> tuple[PreTrainedModel, BaseImageProcessor]:
    config = MobileNetV2Config(image_size=32, depth_multiplier=0.25, num_labels=1_000)
    rules = MobileNetV2ImageProcessorPil(size={"shortest_edge": 36}, crop_size=SQUARE)
    return MobileNetV2ForImageClassification(config), rules


def vit() -> tuple[PreTrainedModel, BaseImageProcessor]:
    layers = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 48}
    config = ViTConfig(image_size=32, patch_size=16, num_labels=1_000, **layers)
    return ViTForImageClassification(config), ViTImageProcessorPil(size=SQUARE)


def resnet() -> tuple[PreTrainedModel, BaseImageProcessor]:
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=1_000)
    return ResNetForImageClassification(config), ViTImageProcessorPil(size=SQUARE)


def efficientnet() -> tuple[PreTrainedModel, BaseImageProcessor]:
    config = EfficientNetConfig(image_size=32, width_coefficient=0.25, depth_coefficient=0.1, hidden_dim=320)
    return EfficientNetForImageClassification(config), EfficientNetImageProcessorPil(size=SQUARE)


def save(folder: Path, made: tuple[PreTrainedModel, BaseImageProcessor]) -> Path:
    for part in made:
        part.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint for 32 px and a thousand classes."""
    torch.manual_seed(0)
    return save(tmp_path_factory.mktemp("vit") / "tiny", vit())


def pictures(seed: int, count: int = 24) -> Examples:
    """Noisy pictures of several sizes, red and blue by turns."""
    source, targets = np.random.default_rng(seed), np.arange(count) % 2
    images = [source.integers(0, 90, (40 + number, 60, 3), dtype=np.uint8) for number in range(count)]
    for image, target in zip(images, targets, strict=True):
        image[..., 2 * target] += 160
    return Examples(images, targets)


def fine_tune(weights: object, learnt: Examples, held_out: Examples, **params: object) -> Trained:
    wanted = FineTuningParams(str(weights), epochs=1, batch_size=4, device="cpu")
    return FineTuner(replace(wanted, **params)).train(LABELS, learnt, held_out, lambda *_: None)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def trained(weights: Path) -> Trained:
    return fine_tune(weights, pictures(1), pictures(2, 8), new_layer_rate=0.01)


def test_an_epoch_gives_a_classifier_of_pixels(trained: Trained) -> None:
    rows = trained.classifier.probabilities(pictures(3, 6).inputs)
    assert (rows.shape, trained.classifier.reads) == ((6, 2), Reads.PIXELS)
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-6)


def test_colours_are_learnt(weights: Path) -> None:
    learnt = fine_tune(weights, pictures(1), pictures(2, 8), epochs=6, learning_rate=3e-3, new_layer_rate=3e-2)
    asked = pictures(3, 10)
    assert (learnt.classifier.probabilities(asked.inputs).argmax(axis=1) == asked.targets).all()


@pytest.mark.parametrize("make", [mobilenet, resnet, efficientnet])
def test_other_networks_of_the_hub_are_tuned_alike(make: "type[PreTrainedModel]", tmp_path: Path) -> None:
    torch.manual_seed(0)
    folder = save(tmp_path / "network", make())
    learnt = fine_tune(folder, pictures(1, 8), pictures(2, 4), new_layer_rate=0.01)
    again = load_classifier(learnt.classifier.files(), "cpu")
    inputs = pictures(3, 3).inputs
    np.testing.assert_allclose(again.probabilities(inputs), learnt.classifier.probabilities(inputs), atol=1e-6)


def test_what_was_chosen_is_told(trained: Trained) -> None:
    assert trained.parameters["epochs"] == "1"
    assert {"epoch", "temperature", "validation_loss", "revision"} <= trained.parameters.keys()


def test_files_make_the_same_classifier(trained: Trained) -> None:
    again = load_classifier(trained.classifier.files(), "cpu")
    inputs = pictures(3, 5).inputs
    np.testing.assert_allclose(again.probabilities(inputs), trained.classifier.probabilities(inputs), atol=1e-6)


def test_no_images_are_no_rows(trained: Trained) -> None:
    assert trained.classifier.probabilities([]).shape == (0, 2)


@pytest.mark.parametrize("name", [NETWORK_FILE, FACTS_FILE])
def test_a_torn_file_is_an_error_in_words(trained: Trained, name: str) -> None:
    files = dict(trained.classifier.files())
    files[name] = files[name][:1_000]
    with pytest.raises(ModelError, match="damaged"):
        load_classifier(files, "cpu")


def test_facts_of_another_network_are_an_error_in_words(trained: Trained) -> None:
    files = dict(trained.classifier.files())
    files[FACTS_FILE] = files[FACTS_FILE].replace(b'"model_type": "vit"', b'"model_type": "mars"')
    with pytest.raises(ModelError, match="damaged"):
        load_classifier(files, "cpu")


def test_the_same_training_gives_the_same_classifier(weights: Path) -> None:
    first, second = (fine_tune(weights, pictures(1, 8), pictures(2, 4)) for _ in range(2))
    assert first.classifier.files() == second.classifier.files()


def test_progress_counts_the_photos_that_are_read_and_the_steps_of_all_epochs(weights: Path) -> None:
    told: list[tuple[int, int]] = []
    trainer = FineTuner(FineTuningParams(str(weights), epochs=2, batch_size=4, device="cpu"))
    trainer.train(LABELS, pictures(1, 10), pictures(2, 4), lambda done, total: told.append((done, total)))
    assert told == [(step, 10) for step in range(1, 11)]


def test_photos_the_start_has_learned_from_do_not_choose(weights: Path) -> None:
    held_out = pictures(2, 8)
    wrong = replace(held_out, targets=1 - held_out.targets, is_unseen=np.zeros(8, np.bool_))
    both = Examples(
        [*held_out.inputs, *wrong.inputs],
        np.concatenate([held_out.targets, wrong.targets]),
        is_unseen=np.repeat([True, False], 8),
    )
    chosen = [fine_tune(weights, pictures(1), each, learning_rate=3e-3) for each in (held_out, both)]
    losses = [each.parameters["validation_loss"] for each in chosen]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_the_shipped_encoder_begins_as_the_best_head_on_its_vectors() -> None:
    learnt, held_out, asked = pictures(1, 12), pictures(2, 6), pictures(3, 6)
    encoder = open_encoder("builtin", None, Placement("cpu", "fp32"))

    def seen(part: Examples) -> Examples:
        return replace(part, inputs=list(encoder.encode_images(part.inputs)))

    head = HeadTrainer(encoder).train(LABELS, seen(learnt), seen(held_out), lambda *_: None).classifier
    tuned = fine_tune("builtin", learnt, held_out, learning_rate=0.0).classifier
    says = head.probabilities(seen(asked).inputs)
    np.testing.assert_allclose(tuned.probabilities(asked.inputs), says, atol=0.05)


def test_the_shipped_encoder_is_tuned_and_kept_as_plain_files() -> None:
    tuned = fine_tune("builtin", pictures(1, 12), pictures(2, 6), learning_rate=1e-3)
    again = load_classifier(tuned.classifier.files(), "cpu")
    asked = pictures(3, 6)
    rows = again.probabilities(asked.inputs)
    np.testing.assert_allclose(rows, tuned.classifier.probabilities(asked.inputs), atol=1e-6)
    assert (rows.argmax(axis=1) == asked.targets).all()


def test_weights_that_are_not_there_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    trainer = make_trainer(TrainerParams("fine-tune", str(tmp_path), 1, "cpu"), ColourMeans())
    with pytest.raises(ModelError, match=r"IMAGE_ASSETS_FINE_TUNE_FROM=builtin needs no download"):
        trainer.train(LABELS, pictures(1, 4), pictures(2, 4), lambda *_: None)


def test_weights_of_which_a_part_is_missing_are_an_error(tmp_path: Path) -> None:
    network, rules = vit()
    network.save_pretrained(tmp_path, state_dict={"classifier.bias": torch.zeros(1_000)})
    rules.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"lacks \d+ of its weights, such as vit\."):
        fine_tune(tmp_path, pictures(1, 4), pictures(2, 4))


def test_the_head_is_the_usual_trainer() -> None:
    assert make_trainer(TrainerParams(), ColourMeans()).name == "head"
