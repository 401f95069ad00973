"""Whether a day is like the days before it; these checks warn and stop nothing."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from typing import Protocol

import dagster as dg

from image_assets.configuration import configured
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.settings import Settings
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.audits.day_drift import (
    audit_classes,
    audit_duplicates,
    audit_numbers,
    audit_rejected_share,
    audit_vectors,
    audit_volume,
)
from image_assets.steps.audits.drift import DriftParams
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES


class Comparison(Protocol):
    """Audits a day against the days before it."""

    def __call__(self, tables: ParquetTables, *, day: date, params: DriftParams) -> Audit:
        """See `steps.day_drift`."""
        ...


def drift_checks(
    partitions: dg.DailyPartitionsDefinition, encoder: str, settings: Settings
) -> Iterator[dg.AssetChecksDefinition]:
    """One check per measure; what it says ends with what to do."""
    for asset, name, measure, description, comparison in _comparisons(encoder, settings.drift_params):
        audit = partial(_compare, comparison, settings)
        yield daily_check(partitions, asset, name, description, audit, is_blocking=False, measure=measure)


def _comparisons(encoder: str, params: DriftParams) -> Iterator[tuple[str, str, str, str, Comparison]]:
    """Asset, name, name of what is measured, description, audit."""
    weekday = f"{params.min_volume_ratio:g} to {params.max_volume_ratio:g} times the usual number of this weekday"
    uploads = f"Uploads are {weekday}; if not, ask who uploads."
    yield BRONZE_IMAGES.name, "volume", "ratio_to_usual", uploads, audit_volume
    share = f"At most {params.max_reject_ratio:.0%} of the files are rejected; if more, the table of rejects says why."
    yield REJECTED_IMAGES.name, "rejected_share", "rejected_ratio", share, audit_rejected_share
    share = f"At most {params.max_duplicate_ratio:.0%} of the images are duplicates; if more, see duplicate_images."
    yield GOLD_IMAGES.name, "duplicate_share", "duplicate_ratio", share, audit_duplicates
    for table, column, by in _COLUMNS:
        audit: Comparison = partial(by, table=table, column=column)
        described = _distributed(column, params, _LOOK_AT[table])
        yield table, f"{column}_drift", "stability_index", described, audit
    audit = partial(audit_vectors, encoder=encoder)
    vectors = f"The mean vector is at most {params.max_embedding_ratio:g} times as far off as those of the days before"
    described = f"{vectors}; if farther, look at the pictures of silver_images."
    yield IMAGE_EMBEDDINGS, "embedding_drift", "distance_ratio", described, audit


def _distributed(column: str, params: DriftParams, remedy: str) -> str:
    before = f"the {params.window_days} days before (stability index at most {params.max_stability_index:g})"
    return f"{column} is distributed as over {before}; if not, {remedy}."


_COLUMNS = (
    (SILVER_IMAGES.name, "blur", audit_numbers),
    (SILVER_IMAGES.name, "brightness_ratio", audit_numbers),
    (GOLD_IMAGES.name, "label", audit_classes),
    (GOLD_IMAGES.name, "predicted_label", audit_classes),
    (GOLD_IMAGES.name, "confidence_ratio", audit_numbers),
)
_LOOK_AT = {
    SILVER_IMAGES.name: "look at distributions and pictures of the materialization",
    GOLD_IMAGES.name: "compare the day's report with that of the day before",
}


def _compare(comparison: Comparison, settings: Settings, tables: ParquetTables, day: date, _: datetime) -> Audit:
    return comparison(tables, day=day, params=configured(settings, tables.store).drift_params)
