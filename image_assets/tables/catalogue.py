"""Every table whose schema is known in advance, in the order in which images pass through them."""

from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.enrichment import ENRICHMENT
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.rejections import REJECTED_IMAGES
from image_assets.tables.training import CLASSIFIER_EVALUATIONS, LABEL_ISSUES, TRAINING_SET
from image_assets.tables.upkeep import ARCHIVED_ORIGINALS, DAMAGED_ORIGINALS, ERASURES

TABLES = (
    BRONZE_IMAGES,
    SILVER_IMAGES,
    THUMBNAILS,
    WATERMARKED_PREVIEWS,
    DUPLICATE_IMAGES,
    *ENRICHMENT,
    REJECTED_IMAGES,
    GOLD_IMAGES,
    DAILY_SUMMARY,
)

WHOLE_TABLES = (TRAINING_SET, LABEL_ISSUES, CLASSIFIER_EVALUATIONS)
"""Kept in one file for all days."""

UPKEEP_TABLES = (ARCHIVED_ORIGINALS, DAMAGED_ORIGINALS, ERASURES)
"""Only of days on which something was archived, damaged or erased; no asset makes them."""
