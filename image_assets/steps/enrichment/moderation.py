"""Moderation: the vectors of a day, or its cleansed images, held against policies."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final, Unpack

from image_assets.imaging.pixels import RgbImage
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import Embeddings, EncoderDescription
from image_assets.models.moderation.picture_moderator import PictureModerator
from image_assets.models.zero_shot.moderation import Judgement, Moderator, Policies
from image_assets.steps.enrichment.judging import VectorStage
from image_assets.steps.images.on_pictures import work_on_pictures
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import Recipe
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.embeddings import embedding_inputs
from image_assets.steps.vectors.on_vectors import work_on_vectors
from image_assets.tables.enrichment import IMAGE_MODERATION

_CODE_VERSION = 1
_OF_PICTURES: Final = {"policies": {"__all__": {"open_nsfw"}}}
"""The part of policies that only pictures are held against."""


def moderate_day(
    tables: ParquetTables,
    day: date,
    moderator: Moderator,
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring `image_moderation` of a day in line with its vectors; the moderator computes only if a row is missing."""

    def judge(embeddings: Embeddings) -> list[Mapping[str, object]]:
        return [_columns(judgement) for judgement in moderator.judge(embeddings)]

    target, encoder = moderation_target(moderator.encoder, moderator.policies), moderator.encoder
    return work_on_vectors(tables, day, encoder, target, judge, **pace)


def moderate_pictures(
    tables: ParquetTables,
    day: date,
    moderator: PictureModerator,
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring `image_moderation` of a day in line with its cleansed images; a picture is looked at once."""

    def judge(images: Sequence[RgbImage]) -> list[Mapping[str, object]]:
        return [{**_columns(judgement), "encoder": moderator.scorer} for judgement in moderator.judge(images)]

    target = picture_moderation_target(moderator.scorer, moderator.policies)
    return work_on_pictures(tables, day, partial(embedding_inputs, tables, day), target, judge, **pace)


def moderation_target(encoder: EncoderDescription, policies: Policies) -> Target:
    """What is wanted of the verdicts: the policies and the encoder decide."""
    asked = policies.model_dump(exclude=_OF_PICTURES)
    return Target(IMAGE_MODERATION, Recipe({"code": _CODE_VERSION, "encoder": encoder.revision, "policies": asked}))


def picture_moderation_target(scorer: str, policies: Policies) -> Target:
    """What is wanted of the verdicts: the classifier and its thresholds decide."""
    asked = policies.model_dump(include={"policies": {"__all__": {"policy", "open_nsfw"}}})
    return Target(IMAGE_MODERATION, Recipe({"code": _CODE_VERSION, "scorer": scorer, **asked}))


def _columns(judgement: Judgement) -> dict[str, object]:
    worst = judgement.worst
    return {
        "verdict": worst.verdict,
        "policy": worst.policy if worst.is_held else None,
        "confidence_ratio": worst.confidence if worst.is_held else None,
        "scores": [
            {"policy": each.policy, "verdict": each.verdict, "confidence_ratio": each.confidence}
            for each in judgement.findings
        ],
    }


MODERATION = VectorStage(
    IMAGE_MODERATION,
    target=lambda encoder, params: moderation_target(encoder, params.policies),
    judge=lambda encoder, params: Moderator(encoder, params.policies),
    work=moderate_day,
    asked=lambda params: repr(params.policies),
)
