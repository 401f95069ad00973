"""Zero-shot tags: which terms of a vocabulary a picture is nearest to, and how sure that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from image_assets.models.encoders.encoder import Embedding, Embeddings, EncoderDescription, ImageEncoder
from image_assets.models.zero_shot.vocabulary import Kind, Vocabulary


@dataclass(frozen=True, slots=True)
class Tag:
    """What a picture shows; confidence is 0..1, see `Tagger`."""

    name: str
    kind: str
    confidence: float


@dataclass(frozen=True, slots=True)
class _Question:
    """A kind whose terms the encoder knows.

    Attributes:
        kind: its name.
        tags: the possible answers.
        prototypes: a unit vector per answer, then the anchor's.
        scale: turns cosines into logits.
        threshold: least confidence of an answer.
    """

    kind: str
    tags: tuple[str, ...]
    prototypes: Embeddings
    scale: float
    threshold: float


class Tagger:
    """Asks of a picture's vector each kind of a vocabulary; the encoder works when the first answer is wanted.

    Confidence is a softmax over the kind's terms and its anchor, which stands for "none of them".
    """

    def __init__(self, encoder: ImageEncoder, vocabulary: Vocabulary) -> None:
        self._encoder = encoder
        self.vocabulary = vocabulary

    @property
    def encoder(self) -> EncoderDescription:
        """Whose vectors are asked."""
        return self._encoder.description

    @property
    def not_judged(self) -> list[str]:
        """The terms that the encoder has no words for, a line per kind; asks the encoder."""
        known = {question.kind: question.tags for question in self._questions}
        return [
            f"{kind.name}: {', '.join(missing)}" if kind.name in known else f"{kind.name}: all of {', '.join(missing)}"
            for kind in self.vocabulary.kinds
            if (missing := [term.tag for term in kind.terms if term.tag not in known.get(kind.name, ())])
        ]

    def tag(self, embeddings: Embeddings) -> list[list[Tag]]:
        """The tags of each picture, surest first."""
        found: list[list[Tag]] = [[] for _ in embeddings]
        for question in self._questions:
            for tags, confidences in zip(found, _answer(question, embeddings), strict=True):
                tags.extend(_sure(question, confidences))
        return [sorted(tags, key=lambda tag: -tag.confidence) for tags in found]

    @cached_property
    def _questions(self) -> list[_Question]:
        posed = [self._pose(kind) for kind in self.vocabulary.kinds]
        return [question for question in posed if question is not None]

    def _pose(self, kind: Kind) -> _Question | None:
        anchor = encode_prototype(self._encoder, _sentences(kind, kind.anchors))
        terms = {term.tag: encode_prototype(self._encoder, _sentences(kind, term.phrases)) for term in kind.terms}
        known = {tag: prototype for tag, prototype in terms.items() if prototype is not None}
        if anchor is None or not known:
            return None
        calibration = self.vocabulary.calibration(self.encoder.name, kind.name)
        scale = self._encoder.logit_scale / calibration.temperature
        prototypes = np.stack([*known.values(), anchor])
        return _Question(kind.name, tuple(known), prototypes, scale, calibration.threshold)


def encode_prototype(encoder: ImageEncoder, sentences: Iterable[str]) -> Embedding | None:
    """The unit vector in the middle of those sentences that the encoder knows; None when it knows none."""
    known = [sentence for sentence in sentences if encoder.knows(sentence)]
    if not known:
        return None
    middle = encoder.encode_texts(known).mean(axis=0)
    return np.asarray(middle / np.linalg.norm(middle), dtype=np.float32)


def _sentences(kind: Kind, phrases: Sequence[str]) -> list[str]:
    return [prompt.format(phrase) for prompt in kind.prompts for phrase in phrases]


def _answer(question: _Question, embeddings: Embeddings) -> npt.NDArray[np.float32]:
    """Confidences, pictures x tags; what is missing to 1 is the anchor's."""
    from scipy.special import softmax

    confidences = softmax(question.scale * embeddings @ question.prototypes.T, axis=1)
    return np.asarray(confidences[:, :-1], np.float32)


def _sure(question: _Question, confidences: npt.NDArray[np.float32]) -> list[Tag]:
    sure = np.flatnonzero(confidences >= question.threshold)
    return [Tag(question.tags[place], question.kind, float(confidences[place])) for place in sure]
