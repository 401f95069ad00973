"""The steps of a day in order, as planning sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.models.encoder import EncoderDescription
from image_assets.steps.bronze import bronze_inputs, bronze_target
from image_assets.steps.captions import caption_target, tag_inputs
from image_assets.steps.duplicate_links import DuplicateParams
from image_assets.steps.duplicates import duplicate_inputs, duplicate_target
from image_assets.steps.embeddings import embedding_inputs, embedding_target
from image_assets.steps.enrichment import EnrichmentParams
from image_assets.steps.gold import GOLD_RECIPE, gold_inputs
from image_assets.steps.moderation import moderation_target
from image_assets.steps.plan import Stage
from image_assets.steps.predictions import PredictionParams, prediction_target
from image_assets.steps.silver import derivative_inputs, derivative_targets
from image_assets.steps.standing import Target
from image_assets.steps.stored_vectors import vector_inputs
from image_assets.steps.tags import tag_target
from image_assets.tables.enrichment import IMAGE_TAGS
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES


@dataclass(frozen=True, slots=True)
class DayParams:
    """Everything that decides what a day's tables should hold.

    Attributes:
        limits: of what is accepted.
        derivatives: how they are made.
        encoder: whose vectors are wanted.
        enrichment: what models are asked.
        duplicates: when two images are one.
        predictions: when a prediction needs a review.
        model_version: whose predictions are wanted; None while no model was chosen.
    """

    limits: InspectParams
    derivatives: DerivativeParams
    encoder: EncoderDescription
    enrichment: EnrichmentParams
    duplicates: DuplicateParams
    predictions: PredictionParams
    model_version: str | None


def daily_stages(params: DayParams) -> list[Stage]:
    """Every step that works image by image; what is made whole, and what a captioner or a reader adds, is left out."""
    embeddings = embedding_target(params.encoder)
    curated = partial(gold_inputs, encoder=params.encoder.name)
    return [
        Stage("bronze", [bronze_target(params.limits)], bronze_inputs),
        Stage(
            "derivatives",
            derivative_targets(params.derivatives),
            derivative_inputs,
            BRONZE_IMAGES.name,
            follows_recipes=False,
        ),
        Stage("embeddings", [embeddings], embedding_inputs, SILVER_IMAGES.name),
        *_from_vectors(params, embeddings),
        Stage("gold", [Target(GOLD_IMAGES, GOLD_RECIPE)], curated, embeddings.table.name),
    ]


def _from_vectors(params: DayParams, embeddings: Target) -> Iterator[Stage]:
    """Cheap steps that need no picture."""
    vectors, name = partial(vector_inputs, encoder=params.encoder.name), embeddings.table.name
    compared = partial(duplicate_inputs, encoder=params.encoder)
    yield Stage("duplicates", [duplicate_target(params.duplicates)], compared, name)
    yield Stage("tags", [tag_target(params.encoder, params.enrichment.vocabulary)], vectors, name)
    yield Stage("moderation", [moderation_target(params.encoder, params.enrichment.policies)], vectors, name)
    if not params.enrichment.has_captioner:
        yield Stage("captions", [caption_target(None)], tag_inputs, IMAGE_TAGS.name)
    if params.model_version:
        yield Stage("predictions", [prediction_target(params.model_version, params.predictions)], vectors, name)


def stage_tables(stages: Sequence[Stage]) -> list[str]:
    """Names of the tables that the stages make, in order."""
    return [target.table.name for stage in stages for target in stage.targets]
