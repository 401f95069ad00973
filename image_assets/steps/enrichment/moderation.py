"""Moderation: the vectors of a day, held against policies."""

from collections.abc import Mapping
from datetime import date
from typing import Unpack

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import Embeddings, EncoderDescription
from image_assets.models.zero_shot.moderation import Judgement, Moderator, Policies
from image_assets.steps.enrichment.judging import VectorStage
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import Recipe
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.on_vectors import work_on_vectors
from image_assets.tables.enrichment import IMAGE_MODERATION

_CODE_VERSION = 1


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


def moderation_target(encoder: EncoderDescription, policies: Policies) -> Target:
    """What is wanted of the verdicts: the policies and the encoder decide."""
    recipe = {"code": _CODE_VERSION, "encoder": encoder.revision, "policies": policies.model_dump()}
    return Target(IMAGE_MODERATION, Recipe(recipe))


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
