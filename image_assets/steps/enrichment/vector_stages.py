"""Every stage on vectors: the plan and the assets follow from this list."""

from image_assets.steps.enrichment.judging import VectorStage
from image_assets.steps.enrichment.moderation import MODERATION
from image_assets.steps.enrichment.params import EnrichmentParams
from image_assets.steps.enrichment.tags import TAGS

VECTOR_STAGES = (TAGS, MODERATION)


def vector_stages(params: EnrichmentParams) -> list[VectorStage]:
    """Those that are asked of vectors: not moderation, where a classifier looks at the pictures."""
    return [stage for stage in VECTOR_STAGES if stage is not MODERATION or not params.moderates_pictures]
