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
    assert {"start", "temperature", "held_out_loss"} <= trained.parameters.keys()


def mistaken(seed: int, each: int) -> Examples:
    """Two clouds, of whose images three in ten are called by the other's label."""
    source = np.random.default_rng(seed)
    targets = np.tile(np.arange(2), each)
    shown = np.where(source.random(len(targets)) < 0.3, 1 - targets, targets)
    vectors = np.eye(4)[shown] + source.normal(scale=0.3, size=(len(targets), 4))
    return Examples(list((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)), targets)


@pytest.mark.parametrize("seed", [1, 4])
def test_what_is_better_by_chance_goes_no_further_from_the_start(seed: int) -> None:
    trained = train(("red", "green"), mistaken(seed, each=10), mistaken(seed + 100, each=2))
    assert (trained.parameters["start"], trained.parameters["strength"]) == ("nothing", 0.1)


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    TRAINER.train(KNOWN, clouds(1), clouds(2), lambda done, total: told.append((done, total)))
    assert told == [(done, 7) for done in range(1, 8)]


def test_a_label_without_an_example_gets_no_probability() -> None:
    trained = train(LABELS, clouds(1, labels=2), clouds(2, labels=2))
    assert trained.classifier.probabilities(clouds(3).inputs)[:, 2].max() == 0


def test_overconfident_logits_are_cooled() -> None:
    source = np.random.default_rng(0)
    targets = source.integers(0, 2, 2_000)
    logits = np.where(source.random((2_000, 1)) < 0.8, 1, -1) * np.eye(2)[targets] * 20
    temperature = fit_temperature(logits.astype(np.float32), targets)
    assert temperature > 5


def learned_by_heart(seed: int, each: int = 60) -> Examples:
    """Groups of two: of the first the encoder has learned the answer, of the second it has not, and half are wrong."""
    source = np.random.default_rng(seed)
    targets = np.tile(np.arange(2), each)
    is_unseen = np.arange(len(targets)) % 4 >= 2
    is_mistaken = is_unseen & (source.random(len(targets)) < 0.4)
    vectors = np.eye(4, dtype=np.float32)[np.where(is_mistaken, 1 - targets, targets)]
    return Examples(list(vectors), targets, np.arange(len(targets)) // 2, is_unseen)


def test_confidence_is_that_of_images_that_the_encoder_has_not_learned_from() -> None:
    trained = train(("red", "green"), learned_by_heart(1), learned_by_heart(2, each=4))
    confidence = trained.classifier.probabilities([np.eye(4, dtype=np.float32)[0]]).max()
    assert confidence == pytest.approx(0.6, abs=0.1)


def test_out_of_fold_answers_are_told_for_each_example_by_heads_that_saw_none_of_its_group() -> None:
    source = np.random.default_rng(0)
    vectors = np.eye(4, dtype=np.float32)[source.integers(0, 4, 20)]
    groups = np.repeat(np.arange(10), 2)
    examples = Examples(list(np.repeat(vectors[::2], 2, axis=0)), np.repeat(source.integers(0, 2, 10), 2), groups)
    told = train(("cat", "dog"), examples, clouds(2, labels=2)).out_of_fold
    assert told is not None
    assert told.shape == (20, 2)
    np.testing.assert_allclose(told.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(told[::2], told[1::2])


def test_of_a_single_group_nothing_is_told_out_of_fold() -> None:
    examples = clouds(1)
    alike = Examples(examples.inputs, examples.targets, np.zeros(len(examples.targets), np.intp))
    assert train(KNOWN, alike).out_of_fold is None


def test_a_label_of_a_single_group_does_not_make_learning_look_useless() -> None:
    examples, test = clouds(1, each=6), clouds(3)
    groups = np.where(examples.targets == 2, 99, np.arange(len(examples.targets)))
    grouped = Examples(examples.inputs, examples.targets, groups)
    trained = TRAINER.train(LABELS, grouped, clouds(2, each=1), lambda *_: None)
    assert accuracy(trained.classifier.probabilities(test.inputs), test.targets) > 0.9


def test_a_handful_of_images_moves_no_temperature_far() -> None:
    logits = np.eye(2, dtype=np.float32)[[0, 1, 0]] * 4
    temperature = fit_temperature(logits, np.array([0, 1, 0]))
    assert 0.5 < temperature <= 1


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
