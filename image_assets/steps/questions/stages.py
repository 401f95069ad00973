"""The steps of a day in order, as planning sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.models.captioner import CaptionerDescription
from image_assets.models.encoder import EncoderDescription
from image_assets.steps.classification.predictions import PredictionParams, prediction_target
from image_assets.steps.duplicates.duplicates import duplicate_inputs, duplicate_target
from image_assets.steps.duplicates.links import DuplicateParams
from image_assets.steps.enrichment.captions import caption_target, tag_inputs
from image_assets.steps.enrichment.image_text import text_target
from image_assets.steps.enrichment.moderation import moderation_target
from image_assets.steps.enrichment.params import EnrichmentParams
from image_assets.steps.enrichment.tags import tag_target
from image_assets.steps.gold.gold import GOLD_RECIPE, gold_inputs
from image_assets.steps.images.bronze import bronze_inputs, bronze_target
from image_assets.steps.images.silver import derivative_inputs, derivative_targets
from image_assets.steps.increment.stock import Target
from image_assets.steps.questions.plan import Stage
from image_assets.steps.vectors.embeddings import embedding_inputs, embedding_target
from image_assets.steps.vectors.on_vectors import vector_inputs
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
        captioner: whose sentences are wanted; None while captions are put together from the tags.
        duplicates: when two images are one.
        predictions: when a prediction needs a review.
        model_version: whose predictions are wanted; None while no model was chosen.
    """

    limits: InspectParams
    derivatives: DerivativeParams
    encoder: EncoderDescription
    enrichment: EnrichmentParams
    captioner: CaptionerDescription | None
    duplicates: DuplicateParams
    predictions: PredictionParams
    model_version: str | None


def daily_stages(params: DayParams) -> list[Stage]:
    """Every step that works image by image; what is made whole from other tables is left out.

    Raises:
        ConfigurationError: text is to be read and the extra is not installed.
    """
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
        *_text(params.enrichment),
        Stage("embeddings", [embeddings], embedding_inputs, SILVER_IMAGES.name),
        *_from_vectors(params, embeddings),
        Stage("gold", [Target(GOLD_IMAGES, GOLD_RECIPE)], curated, embeddings.table.name),
    ]


def _text(params: EnrichmentParams) -> Iterator[Stage]:
    if params.reads_text:
        target = text_target(params.text)
        yield Stage("text", [target], derivative_inputs, BRONZE_IMAGES.name, follows_recipes=False)


def _from_vectors(params: DayParams, embeddings: Target) -> Iterator[Stage]:
    """What follows the vectors: cheap steps that need no picture, but for a captioner."""
    vectors, name = partial(vector_inputs, encoder=params.encoder), embeddings.table.name
    compared = partial(duplicate_inputs, encoder=params.encoder)
    yield Stage("duplicates", [duplicate_target(params.duplicates)], compared, name)
    yield Stage("tags", [tag_target(params.encoder, params.enrichment.vocabulary)], vectors, name)
    yield Stage("moderation", [moderation_target(params.encoder, params.enrichment.policies)], vectors, name)
    captions = caption_target(params.captioner)
    if params.captioner:
        yield Stage("captions", [captions], embedding_inputs, SILVER_IMAGES.name)
    else:
        yield Stage("captions", [captions], tag_inputs, IMAGE_TAGS.name)
    if params.model_version:
        yield Stage("predictions", [prediction_target(params.model_version, params.predictions)], vectors, name)


def stage_targets(stages: Sequence[Stage]) -> list[Target]:
    """The tables that the stages make, in order."""
    return [target for stage in stages for target in stage.targets]
