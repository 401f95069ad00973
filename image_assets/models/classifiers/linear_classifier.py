"""One matrix from an embedding to labels: what a trained head is, and what zero-shot classification is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from image_assets.errors import ModelError
from image_assets.models.classifiers.classifier import ClassifierInput, Probabilities, Reads
from image_assets.models.encoders.encoder import ImageEncoder
from image_assets.models.zero_shot.prototypes import encode_labels, noun_of

WEIGHTS_FILE: Final = "weights.safetensors"
LABELS_FILE: Final = "labels.json"


@dataclass(frozen=True, slots=True, eq=False)
class LinearClassifier:
    """Softmax of a linear map.

    Attributes:
        labels: one per column of the weights.
        weights: float32, dimension of the embeddings x labels; divided by the temperature already.
        biases: float32, labels; likewise.
    """

    labels: tuple[str, ...]
    weights: npt.NDArray[np.float32]
    biases: npt.NDArray[np.float32]
    reads: ClassVar[Reads] = Reads.EMBEDDING

    def probabilities(self, inputs: Sequence[ClassifierInput]) -> Probabilities:
        """One row per embedding."""
        if not len(inputs):
            return np.zeros((0, len(self.labels)), np.float32)
        vectors = np.stack(inputs)
        if vectors.ndim != 2 or vectors.shape[1] != len(self.weights):
            raise ModelError(f"the classifier reads vectors of {len(self.weights)} numbers, not {vectors.shape[1:]}")
        from scipy.special import softmax

        return np.asarray(softmax(self.logits(vectors), axis=1), np.float32)

    def logits(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """What the softmax is taken of, images x labels."""
        return np.asarray(vectors @ self.weights + self.biases, np.float32)

    def cooled(self, temperature: float) -> Self:
        """The same with logits divided by a temperature."""
        return type(self)(self.labels, self.weights / np.float32(temperature), self.biases / np.float32(temperature))

    def files(self) -> Mapping[str, bytes]:
        """The matrix as safetensors, the labels as JSON."""
        arrays = {"weights": np.ascontiguousarray(self.weights), "biases": np.ascontiguousarray(self.biases)}
        return {LABELS_FILE: json.dumps(self.labels, ensure_ascii=False).encode(), WEIGHTS_FILE: save(arrays)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The inverse of `files`; `ModelError` when one is missing or damaged."""
        try:
            labels = tuple(json.loads(files[LABELS_FILE]))
            arrays = load(files[WEIGHTS_FILE])
            weights, biases = arrays["weights"], arrays["biases"]
        except (KeyError, ValueError, TypeError, SafetensorError) as problem:
            raise ModelError(f"files of a classifier are missing or damaged: {problem!r}") from problem
        if weights.ndim != 2 or weights.shape[1:] != biases.shape or biases.shape != (len(labels),):
            raise ModelError(f"{weights.shape} weights and {biases.shape} biases do not fit {len(labels)} labels")
        if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
            raise ModelError("the weights of a classifier are not all finite")
        return cls(labels, weights, biases)


def make_zero_shot(encoder: ImageEncoder, labels: Sequence[str]) -> LinearClassifier:
    """Each label's weights are the mean direction of sentences about it; the encoder's own scale calibrates.

    A label that the encoder has no words for gets the vector of its bare name, which means little: people will review.
    """
    prototypes = [
        encoder.encode_texts([noun_of(label)])[0] if known is None else known
        for label, known in zip(labels, encode_labels(encoder, labels), strict=True)
    ]
    weights = np.asarray(np.stack(prototypes).T * encoder.logit_scale, np.float32)
    return LinearClassifier(tuple(labels), weights, np.zeros(len(labels), np.float32))
