"""The steps of a day in order, as planning sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.lots import WHOLE
from image_assets.models.captioning.captioner import CaptionerDescription
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.models.moderation.open_nsfw import open_nsfw_name
from image_assets.steps.classification.predictions import PredictionParams, prediction_target
from image_assets.steps.duplicates.duplicates import duplicate_inputs, duplicate_target, duplicate_version
from image_assets.steps.duplicates.links import DuplicateParams
from image_assets.steps.enrichment.captions import caption_target, tag_inputs
from image_assets.steps.enrichment.image_text import text_target
from image_assets.steps.enrichment.moderation import picture_moderation_target
from image_assets.steps.enrichment.params import EnrichmentParams
from image_assets.steps.enrichment.vector_stages import vector_stages
from image_assets.steps.gold.gold import GOLD_RECIPE, gold_inputs
from image_assets.steps.images.bronze import bronze_inputs, bronze_target
from image_assets.steps.images.silver import derivative_inputs, derivative_targets
from image_assets.steps.increment.stock import Target
from image_assets.steps.questions.plan import Inputs, PlannedStage
from image_assets.steps.vectors.embeddings import embedding_inputs, embedding_target
from image_assets.steps.vectors.on_vectors import vector_inputs
from image_assets.tables.chain import chain_with
from image_assets.tables.enrichment import IMAGE_MODERATION
from image_assets.tables.gold import GOLD_IMAGES


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


def daily_stages(params: DayParams) -> list[PlannedStage]:
    """Every stage that works image by image, upstream first; what is made whole from other tables is left out.

    Raises:
        ConfigurationError: text is to be read or pictures are to be moderated, and the extra is not installed.
    """
    chain = chain_with(
        captioner=params.captioner is not None,
        text=params.enrichment.reads_text,
        moderates_pictures=params.enrichment.moderates_pictures,
    )
    wanted = {chain.stage(name): (targets, inputs) for name, targets, inputs in _wanted(params)}
    tables = {target.table.asset: target.table.name for targets, _ in wanted.values() for target in targets}
    return [
        PlannedStage(stage, *wanted[stage], upstream=tables.get(stage.upstream or ""))
        for stage in chain
        if stage in wanted
    ]


def _wanted(params: DayParams) -> Iterator[tuple[str, list[Target], Inputs]]:
    """By stage or table: what is wanted, and of which images."""
    vectors = partial(vector_inputs, encoder=params.encoder)
    yield "bronze", [bronze_target(params.limits)], bronze_inputs
    yield "derivatives", derivative_targets(params.derivatives), derivative_inputs
    if params.enrichment.reads_text:
        yield "text", [text_target(params.enrichment.text)], derivative_inputs
    yield "embeddings", [embedding_target(params.encoder)], embedding_inputs
    yield "duplicates", [duplicate_target(params.duplicates)], _duplicate_inputs(params.encoder)
    for each in vector_stages(params.enrichment):
        yield each.table.name, [each.target(params.encoder, params.enrichment)], vectors
    if params.enrichment.moderates_pictures:
        moderated = picture_moderation_target(open_nsfw_name(), params.enrichment.policies)
        yield IMAGE_MODERATION.name, [moderated], embedding_inputs
    yield "captions", [caption_target(params.captioner)], embedding_inputs if params.captioner else tag_inputs
    if params.model_version:
        yield "predictions", [prediction_target(params.model_version, params.predictions)], vectors
    yield "gold", [Target(GOLD_IMAGES, GOLD_RECIPE)], partial(gold_inputs, encoder=params.encoder.name)


def _duplicate_inputs(encoder: EncoderDescription) -> Inputs:
    """All lots of a day share a version, which is looked up once for all of them."""
    version = lru_cache(maxsize=1)(partial(duplicate_version, encoder=encoder))
    return lambda tables, day: duplicate_inputs(tables, day, version(tables.at(WHOLE), day))


def stage_targets(stages: Sequence[PlannedStage]) -> list[Target]:
    """The tables that the stages make, in order."""
    return [target for stage in stages for target in stage.targets]
