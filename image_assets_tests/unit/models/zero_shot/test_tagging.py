"""Tags and verdicts over a space of four directions, where every answer is known."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from image_assets.models.encoders.encoder import Embeddings, EncoderDescription
from image_assets.models.zero_shot.moderation import Judgement, Moderator, Policies, Policy, Verdict
from image_assets.models.zero_shot.tagging import Tag, Tagger
from image_assets.models.zero_shot.vocabulary import Calibration, Kind, Term, Vocabulary

DIRECTIONS = {"dress": 0, "gown": 0, "hat": 1, "knife": 2, "anything": 3}


class Directions:
    """Knows five words, each of which is a direction; pictures are given as vectors."""

    description = EncoderDescription("directions", "1", 4, 1, "none", "made in code")
    logit_scale = 10.0

    def knows(self, text: str) -> bool:
        return text in DIRECTIONS

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return np.eye(4, dtype=np.float32)[[DIRECTIONS[text] for text in texts]].reshape(-1, 4)


def picture(**parts: float) -> Embeddings:
    vector = np.zeros(4, np.float32)
    for word, share in parts.items():
        vector[DIRECTIONS[word]] = share
    return np.asarray(vector[None] / np.linalg.norm(vector), dtype=np.float32)


def tagger(*terms: Term, temperature: float = 1.0, threshold: float = 0.6, anchor: str = "anything") -> Tagger:
    kind = Kind("product", ("{}", "a photo of {}"), (anchor,), terms)
    calibration = Calibration(temperature=temperature, threshold=threshold)
    return Tagger(Directions(), Vocabulary((kind,), calibration, {}, ()))


DRESS, HAT, SWORD = Term("dress", ("dress", "gown")), Term("hat", ("hat",)), Term("sword", ("sword",))


def names(tags: list[Tag]) -> list[str]:
    return [tag.name for tag in tags]


def test_a_picture_is_tagged_with_the_term_that_it_is_nearest_to() -> None:
    (tags,) = tagger(DRESS, HAT).tag(picture(dress=1.0))
    assert names(tags) == ["dress"]
    assert (tags[0].kind, tags[0].confidence > 0.9) == ("product", True)


def test_a_picture_that_is_nearer_to_the_anchor_has_no_tag() -> None:
    assert tagger(DRESS, HAT).tag(picture(anything=1.0, dress=0.9)) == [[]]


def test_confidence_is_a_softmax_over_terms_and_anchor() -> None:
    (tags,) = tagger(HAT, threshold=0.0).tag(picture(hat=1.0))
    assert tags[0].confidence == pytest.approx(math.exp(10) / (math.exp(10) + 1), abs=1e-6)


def test_a_higher_temperature_makes_it_less_sure() -> None:
    vector = picture(hat=1.0, dress=0.5)
    sure, unsure = (tagger(DRESS, HAT, temperature=each, threshold=0.0).tag(vector)[0][0] for each in (1.0, 5.0))
    assert unsure.confidence < sure.confidence


def test_what_is_below_the_threshold_is_not_said() -> None:
    vector = picture(hat=1.0, dress=1.0)
    assert names(tagger(DRESS, HAT, threshold=0.4).tag(vector)[0]) == ["dress", "hat"]
    assert tagger(DRESS, HAT, threshold=0.6).tag(vector) == [[]]


def test_the_surest_tag_comes_first() -> None:
    (tags,) = tagger(DRESS, HAT, threshold=0.0).tag(picture(dress=0.5, hat=1.0))
    assert names(tags) == ["hat", "dress"]


def test_terms_without_a_known_phrase_are_listed_and_never_given() -> None:
    asked = tagger(DRESS, SWORD, threshold=0.0)
    assert asked.not_judged == ["product: sword"]
    assert "sword" not in names(asked.tag(picture(dress=1.0))[0])


def test_a_phrase_that_is_not_known_does_not_move_the_others() -> None:
    with_unknown = Term("hat", ("hat", "sombrero"))
    first, second = (tagger(each, threshold=0.0).tag(picture(hat=1.0, dress=0.3)) for each in (HAT, with_unknown))
    assert first == second


def test_a_kind_whose_anchor_is_not_known_is_not_judged_at_all() -> None:
    asked = tagger(DRESS, HAT, anchor="whatsoever")
    assert asked.not_judged == ["product: all of dress, hat"]
    assert asked.tag(picture(dress=1.0)) == [[]]


def test_no_pictures_have_no_tags() -> None:
    assert tagger(DRESS).tag(np.zeros((0, 4), np.float32)) == []


class SharpDirections(Directions):
    """As sure of everything as the surest public encoders."""

    logit_scale = 120.0


def judge(
    vector: Embeddings, *prompts: str, neutral: str = "anything", encoder: type[Directions] = Directions
) -> Judgement:
    policy = Policy(policy="weapons", prompts=list(prompts), review=0.6, blocked=0.95)
    other = Policy(policy="hats", prompts=["hat"], review=0.6, blocked=0.95)
    (judgement,) = Moderator(encoder(), Policies(neutral=[neutral], policies=[policy, other])).judge(vector)
    return judgement


def test_a_picture_near_a_policy_is_blocked() -> None:
    worst = judge(picture(knife=1.0), "knife").worst
    assert (worst.policy, worst.verdict) == ("weapons", Verdict.BLOCKED)
    assert worst.confidence == pytest.approx(1 / (1 + math.exp(-10)), abs=1e-6)


def test_a_picture_a_little_nearer_to_a_policy_is_for_review() -> None:
    assert judge(picture(knife=1.0, anything=0.8), "knife").worst.verdict == Verdict.REVIEW


def test_a_picture_as_near_to_what_is_neutral_is_allowed() -> None:
    worst = judge(picture(knife=1.0, anything=1.0), "knife").worst
    assert (worst.verdict, worst.confidence) == (Verdict.ALLOWED, pytest.approx(0.5, abs=1e-6))


def test_the_nearest_prompt_of_a_policy_counts() -> None:
    alone, together = judge(picture(knife=1.0), "knife"), judge(picture(knife=1.0), "dress", "knife", "sword")
    assert alone.worst == together.worst


def test_a_policy_without_a_known_prompt_is_unjudged_and_so_is_the_picture() -> None:
    judgement = judge(picture(anything=1.0), "sword")
    assert judgement.findings[0].confidence is None
    assert judgement.worst.verdict == Verdict.UNJUDGED


def test_what_another_policy_blocks_is_blocked_though_one_cannot_be_judged() -> None:
    worst = judge(picture(hat=1.0), "sword").worst
    assert (worst.policy, worst.verdict) == ("hats", Verdict.BLOCKED)


def test_without_a_known_neutral_prompt_nothing_is_judged() -> None:
    judgement = judge(picture(knife=1.0), "knife", neutral="whatsoever")
    assert {finding.verdict for finding in judgement.findings} == {Verdict.UNJUDGED}


def test_a_sharp_encoder_is_sure_without_an_overflow() -> None:
    assert judge(picture(anything=1.0), "knife", encoder=SharpDirections).worst.confidence == pytest.approx(0.0)
