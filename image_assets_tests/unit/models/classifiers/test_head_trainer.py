"""Training on embeddings: two or more clouds of points with known answers."""

import numpy as np
import pytest

from image_assets.models.classifiers.calibration import fit_temperature
from image_assets.models.classifiers.classifier import Examples, LabelNumbers, Probabilities, Trained
from image_assets.models.classifiers.head_trainer import HeadTrainer, predict_out_of_fold
from image_assets.models.classifiers.label_noise import find_doubtful_labels
from image_assets_tests.scenario import ColourMeans

LABELS = ("cat", "dog", "eel")
KNOWN = ("red", "green", "blue")
"""What the encoder calls the axes."""

TRAINER = HeadTrainer(ColourMeans())


def clouds(seed: int, each: int = 40, labels: int = 3) -> Examples:
    """A cloud of unit vectors around each axis."""
    source = np.random.default_rng(seed)
    targets = np.repeat(np.arange(labels), each)
    vectors = np.eye(4)[targets] + source.normal(scale=0.2, size=(len(targets), 4))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return Examples(list(unit.astype(np.float32)), targets)


def accuracy(guesses: Probabilities, targets: LabelNumbers) -> float:
    return float((guesses.argmax(axis=1) == targets).mean())


def train(labels: tuple[str, ...], examples: Examples, validation: Examples | None = None) -> Trained:
    return TRAINER.train(labels, examples, validation or clouds(2, labels=len(labels)), lambda *_: None)


@pytest.mark.parametrize("labels", [1, 2, 3])
def test_clouds_are_told_apart(labels: int) -> None:
    test = clouds(3, labels=labels)
    trained = train(LABELS[:labels], clouds(1, labels=labels))
    assert accuracy(trained.classifier.probabilities(test.inputs), test.targets) > 0.95


def test_where_examples_show_nothing_the_labels_words_say_it() -> None:
    alike, test = Examples([np.eye(4, dtype=np.float32)[3]] * 3, np.arange(3)), clouds(3)
    heads = (train(labels, alike).classifier for labels in (KNOWN, LABELS))
    known, unknown = (accuracy(head.probabilities(test.inputs), test.targets) for head in heads)
    assert known > 0.95
    assert unknown < 0.5


def test_words_that_mislead_do_no_harm() -> None:
    test = clouds(3)
    trained = train(("blue", "red", "green"), clouds(1))
    assert accuracy(trained.classifier.probabilities(test.inputs), test.targets) > 0.95


def test_a_label_without_words_is_learnt_beside_those_with_words() -> None:
    test = clouds(3)
    trained = train(("red", "green", "eel"), clouds(1))
    assert accuracy(trained.classifier.probabilities(test.inputs), test.targets) > 0.95


def test_the_same_examples_give_the_same_weights() -> None:
    first, second = (train(KNOWN, clouds(1)) for _ in range(2))
    assert first.classifier.files() == second.classifier.files()


def test_what_was_chosen_is_told() -> None:
    trainer = HeadTrainer(ColourMeans(), strengths=(0.01, 10.0))
    trained = trainer.train(LABELS, clouds(1), clouds(2), lambda *_: None)
    assert trained.parameters["strength"] == 10.0
    assert {"temperature", "validation_loss"} <= trained.parameters.keys()


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    TRAINER.train(KNOWN, clouds(1), clouds(2), lambda done, total: told.append((done, total)))
    assert told == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_a_label_without_an_example_gets_no_probability() -> None:
    trained = train(LABELS, clouds(1, labels=2), clouds(2, labels=2))
    assert trained.classifier.probabilities(clouds(3).inputs)[:, 2].max() == 0


def test_overconfident_logits_are_cooled() -> None:
    source = np.random.default_rng(0)
    targets = source.integers(0, 2, 2_000)
    logits = np.where(source.random((2_000, 1)) < 0.8, 1, -1) * np.eye(2)[targets] * 20
    temperature, _ = fit_temperature(logits.astype(np.float32), targets)
    assert temperature > 5


def test_a_wrong_label_is_found_and_the_right_one_suggested() -> None:
    examples = clouds(1)
    typical = np.eye(4, dtype=np.float32)[0]
    inputs = [*examples.inputs[:7], typical, *examples.inputs[8:]]
    wrong = np.where(np.arange(len(examples.targets)) == 7, 2, examples.targets)
    groups = np.arange(len(wrong)) // 4
    probabilities = predict_out_of_fold(LABELS, Examples(inputs, wrong), groups)
    doubt = find_doubtful_labels(probabilities, wrong)[0]
    assert (doubt.index, LABELS[doubt.suggested]) == (7, "cat")
    assert doubt.confidence > 0.5


def test_good_labels_are_not_doubted() -> None:
    certain = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    assert find_doubtful_labels(certain, np.array([0, 1, 2, 0])) == []


def test_a_label_that_is_often_unsure_needs_less_confidence_to_be_suggested() -> None:
    sure, unsure = [0.9, 0.1], [0.45, 0.55]
    probabilities = np.array([sure, sure, unsure, [0.44, 0.56]], np.float32)
    (doubt,) = find_doubtful_labels(probabilities, np.array([0, 0, 1, 0]))
    assert doubt.index == 3
