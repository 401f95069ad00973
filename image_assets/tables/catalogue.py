"""Every table whose schema is known in advance, in the order in which images pass through them."""

from image_assets.tables.chain import CHAIN
from image_assets.tables.migration import PROCESSING_LOG, SOURCE_ENTRIES
from image_assets.tables.training import CLASSIFIER_EVALUATIONS, LABEL_ISSUES, TRAINING_SET
from image_assets.tables.upkeep import (
    ARCHIVED_ORIGINALS,
    DAMAGED_ORIGINALS,
    ERASED_COPIES,
    ERASURES,
    TIERED_ORIGINALS,
)

TABLES = tuple(table for stage in CHAIN if not stage.has_versions for table in stage.makes)

WHOLE_TABLES = (TRAINING_SET, LABEL_ISSUES, CLASSIFIER_EVALUATIONS)
"""Kept in one file for all days."""

UPKEEP_TABLES = (ARCHIVED_ORIGINALS, TIERED_ORIGINALS, DAMAGED_ORIGINALS, ERASURES, ERASED_COPIES)
"""Only of days on which something was archived, damaged or erased; no asset makes them."""

SCAN_TABLES = (SOURCE_ENTRIES,)
"""A few files for each scan of a source; no asset makes them."""

VIEWS = (PROCESSING_LOG,)
"""Put together of other tables for each query."""
