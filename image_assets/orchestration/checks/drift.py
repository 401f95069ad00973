"""Whether a day is like the days before it; these checks warn and stop nothing."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from typing import Protocol

import dagster as dg

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.assets.embeddings import IMAGE_EMBEDDINGS
from image_assets.orchestration.checks.daily_check import daily_check
from image_assets.steps.audits import Audit
from image_assets.steps.day_drift import (
    audit_classes,
    audit_duplicates,
    audit_numbers,
    audit_rejected_share,
    audit_vectors,
    audit_volume,
)
from image_assets.steps.drift import DriftParams
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES


class Comparison(Protocol):
    """Audits a day against the days before it."""

    def __call__(self, tables: ParquetTables, *, day: date, params: DriftParams) -> Audit:
        """See `steps.day_drift`."""
        ...


def drift_checks(encoder: str, params: DriftParams) -> Iterator[dg.AssetChecksDefinition]:
    """One check per measure; what it says ends with what to do."""
    for asset, name, description, comparison in _comparisons(encoder, params):
        yield daily_check(asset, name, description, partial(_compare, comparison, params), is_blocking=False)


def _comparisons(encoder: str, params: DriftParams) -> Iterator[tuple[str, str, str, Comparison]]:
    before = f"as over the {params.window_days} days before, up to a stability index of {params.max_stability_index}"
    weekday = f"{params.min_volume_ratio} to {params.max_volume_ratio} times the usual number of this weekday"
    share = f"At most {params.max_reject_ratio:.0%} of the files are rejected"
    vectors = f"The mean vector is at most {params.max_embedding_ratio} times as far off as those of the days before"
    yield BRONZE_IMAGES.name, "volume", f"Uploads are {weekday}; ask who uploads.", audit_volume
    yield REJECTED_IMAGES.name, "rejected_share", f"{share}; see image-assets status.", audit_rejected_share
    share = f"At most {params.max_duplicate_ratio:.0%} of the images are duplicates"
    yield GOLD_IMAGES.name, "duplicate_share", f"{share}; see duplicate_images.", audit_duplicates
    for column in ("blur", "brightness_ratio"):
        audit: Comparison = partial(audit_numbers, table=SILVER_IMAGES.name, column=column)
        yield SILVER_IMAGES.name, f"{column}_drift", f"{column} is {before}; look at the day's pictures.", audit
    for column, by in (
        ("label", audit_classes),
        ("predicted_label", audit_classes),
        ("confidence_ratio", audit_numbers),
    ):
        audit = partial(by, table=GOLD_IMAGES.name, column=column)
        yield GOLD_IMAGES.name, f"{column}_drift", f"{column} is {before}; see the report of the day.", audit
    audit = partial(audit_vectors, table=embeddings_name(encoder))
    yield IMAGE_EMBEDDINGS, "embedding_drift", f"{vectors}; look at the day's pictures.", audit


def _compare(comparison: Comparison, params: DriftParams, tables: ParquetTables, day: date, _: datetime) -> Audit:
    return comparison(tables, day=day, params=params)
