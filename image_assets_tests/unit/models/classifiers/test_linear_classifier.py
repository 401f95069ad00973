"""One matrix from embeddings to labels, and the files it is kept as."""

import json

import numpy as np
import pytest

from image_assets.errors import ModelError
from image_assets.models.classifiers.classifier_files import load_classifier, version_of_files
from image_assets.models.classifiers.linear_classifier import LABELS_FILE, WEIGHTS_FILE, LinearClassifier


@pytest.fixture
def classifier() -> LinearClassifier:
    """Of three numbers the first says cat and the second says dog."""
    weights = np.array([[2, 0], [0, 2], [0, 0]], np.float32)
    return LinearClassifier(("cat", "dog"), weights, np.array([0, 1], np.float32))


def test_probabilities_are_the_softmax_of_the_logits(classifier: LinearClassifier) -> None:
    (row,) = classifier.probabilities([np.array([1, 0, 5], np.float32)])
    np.testing.assert_allclose(row, [np.e / (1 + np.e), 1 / (1 + np.e)], rtol=1e-6)


def test_no_inputs_are_no_rows(classifier: LinearClassifier) -> None:
    assert classifier.probabilities([]).shape == (0, 2)


def test_large_logits_do_not_overflow(classifier: LinearClassifier) -> None:
    assert classifier.probabilities([np.array([1e4, 0, 0], np.float32)]).tolist() == [[1.0, 0.0]]


def test_vectors_of_another_encoder_are_refused_in_words(classifier: LinearClassifier) -> None:
    with pytest.raises(ModelError, match="vectors of 3 numbers"):
        classifier.probabilities([np.zeros(4, np.float32)])


def test_files_make_the_same_classifier(classifier: LinearClassifier) -> None:
    again = load_classifier(classifier.files())
    inputs = list(np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32))
    assert again.labels == classifier.labels
    np.testing.assert_array_equal(again.probabilities(inputs), classifier.probabilities(inputs))


@pytest.mark.parametrize("name", [WEIGHTS_FILE, LABELS_FILE])
def test_a_torn_file_is_an_error_in_words(classifier: LinearClassifier, name: str) -> None:
    files = {**classifier.files(), name: classifier.files()[name][:9]}
    with pytest.raises(ModelError, match="damaged"):
        load_classifier(files)


def test_a_missing_file_is_an_error_in_words(classifier: LinearClassifier) -> None:
    with pytest.raises(ModelError, match="missing"):
        load_classifier({WEIGHTS_FILE: classifier.files()[WEIGHTS_FILE]})


def test_labels_that_do_not_fit_the_weights_are_refused(classifier: LinearClassifier) -> None:
    files = {**classifier.files(), LABELS_FILE: json.dumps(["cat"]).encode()}
    with pytest.raises(ModelError, match="do not fit 1 labels"):
        load_classifier(files)


def test_weights_that_are_no_numbers_are_refused(classifier: LinearClassifier) -> None:
    broken = LinearClassifier(("cat", "dog"), classifier.weights * np.float32("nan"), classifier.biases)
    with pytest.raises(ModelError, match="not all finite"):
        load_classifier(broken.files())


def test_other_files_are_no_classifier() -> None:
    with pytest.raises(ModelError, match=r"model\.pkl"):
        load_classifier({"model.pkl": b""})


def test_a_version_is_named_after_the_content(classifier: LinearClassifier) -> None:
    files = classifier.files()
    assert version_of_files("head", files) == version_of_files("head", dict(reversed(files.items())))
    other = LinearClassifier(("cat", "dog"), classifier.weights + 1, classifier.biases)
    assert version_of_files("head", other.files()) != version_of_files("head", files)
