"""What may not be shown: policies read from a file, and a verdict on each picture from its vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from image_assets.errors import ConfigurationError
from image_assets.models.encoders.encoder import Embeddings, EncoderDescription, ImageEncoder
from image_assets.models.zero_shot.word_list import Entry, read_word_list

SHIPPED_POLICIES: Final = Path(__file__).with_name("policies.yaml")
_SETTING: Final = "IMAGE_ASSETS_POLICIES"


class Verdict(StrEnum):
    """What a policy says of a picture, the mildest first; the verdict on a picture is its worst."""

    ALLOWED = "allowed"
    UNJUDGED = "unjudged"
    REVIEW = "review"
    BLOCKED = "blocked"


class Thresholds(Entry):
    """When a picture is held.

    Attributes:
        review: confidence from which on a person should look, 0..1.
        blocked: confidence from which on nobody else may look, not below `review`.
    """

    review: float = Field(ge=0, le=1)
    blocked: float = Field(ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.blocked < self.review:
            raise ValueError(f"{self._called}: blocked is {self.blocked}, below review, which is {self.review}")
        return self

    @property
    def _called(self) -> str:
        return "open_nsfw"

    def verdict(self, confidence: float) -> Verdict:
        """What follows from a confidence."""
        if confidence >= self.blocked:
            return Verdict.BLOCKED
        return Verdict.REVIEW if confidence >= self.review else Verdict.ALLOWED


class Policy(Thresholds):
    """What is not wanted; its own thresholds are for its prompts.

    Attributes:
        policy: its name.
        prompts: sentences that describe it.
        open_nsfw: thresholds for a classifier that looks at the picture; None where that one does not judge.
    """

    policy: str = Field(pattern=r"\S")
    prompts: tuple[str, ...] = Field(min_length=1)
    open_nsfw: Thresholds | None = None

    @property
    def _called(self) -> str:
        return self.policy


class Policies(Entry):
    """A file of policies.

    Attributes:
        neutral: sentences that describe what is wanted.
        policies: at least one, with distinct names.
    """

    neutral: tuple[str, ...] = Field(min_length=1)
    policies: tuple[Policy, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one policy says of a picture; no confidence where the encoder has no words for it."""

    policy: str
    verdict: Verdict
    confidence: float | None

    @property
    def is_held(self) -> bool:
        """Whether the policy wants the picture looked at."""
        return self.verdict in {Verdict.REVIEW, Verdict.BLOCKED}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A finding per policy, in their order."""

    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Finding:
        """The finding that decides; among equals the surest."""
        order = list(Verdict)
        return max(self.findings, key=lambda finding: (order.index(finding.verdict), finding.confidence or 0.0))


def read_policies(path: Path) -> Policies:
    """A file of policies; the shipped one explains the format.

    Raises:
        ConfigurationError: unreadable, of another shape, empty, or a policy is there twice.
    """
    policies = read_word_list(path, Policies, _SETTING)
    names = [policy.policy for policy in policies.policies]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"{_SETTING}: {path} has a policy twice among {', '.join(names)}")
    return policies


class Moderator:
    """Compares a picture's vector with the nearest prompt of each policy and with the nearest neutral one.

    The encoder works when the first judgement is wanted.
    """

    def __init__(self, encoder: ImageEncoder, policies: Policies) -> None:
        self._encoder = encoder
        self.policies = policies

    @property
    def encoder(self) -> EncoderDescription:
        """Whose vectors are judged."""
        return self._encoder.description

    def judge(self, embeddings: Embeddings) -> list[Judgement]:
        """One judgement per picture."""
        findings = [self._findings(policy, prompts, embeddings) for policy, prompts in self._prompts]
        return [Judgement(each) for each in zip(*findings, strict=True)]

    @cached_property
    def _neutral(self) -> Embeddings:
        return _encode_known(self._encoder, self.policies.neutral)

    @cached_property
    def _prompts(self) -> list[tuple[Policy, Embeddings]]:
        return [(policy, _encode_known(self._encoder, policy.prompts)) for policy in self.policies.policies]

    def _findings(self, policy: Policy, prompts: Embeddings, embeddings: Embeddings) -> list[Finding]:
        if not len(prompts) or not len(self._neutral):
            return [Finding(policy.policy, Verdict.UNJUDGED, None)] * len(embeddings)
        margins = _nearest(embeddings, prompts) - _nearest(embeddings, self._neutral)
        # In double precision, where the power of a sharp encoder's logit does not overflow.
        confidences = 1 / (1 + np.exp(-self._encoder.logit_scale * margins.astype(np.float64)))
        return [Finding(policy.policy, policy.verdict(each), float(each)) for each in confidences]


def _encode_known(encoder: ImageEncoder, sentences: Sequence[str]) -> Embeddings:
    """A row for each sentence that the encoder has words for."""
    return encoder.encode_texts([sentence for sentence in sentences if encoder.knows(sentence)])


def _nearest(embeddings: Embeddings, prompts: Embeddings) -> npt.NDArray[np.float32]:
    """Cosine of each picture with the prompt that it is nearest to."""
    return np.asarray((embeddings @ prompts.T).max(axis=1))
