"""Every stage on vectors: the plan and the assets follow from this list."""

from image_assets.steps.enrichment.moderation import MODERATION
from image_assets.steps.enrichment.tags import TAGS

VECTOR_STAGES = (TAGS, MODERATION)
