"""The cold archive: originals of old days move to cheaper storage."""

from datetime import UTC, datetime

import dagster as dg

from image_assets.orchestration.daily import explained
from image_assets.orchestration.resources import LakeResource, Progress
from image_assets.steps.upkeep.archive import archive_days, old_days
from image_assets.tables.images import BRONZE_IMAGES

COLD_ARCHIVE = "cold_archive"


def archive_assets(owner: str, archive_after_days: int | None) -> list[dg.AssetsDefinition]:
    """`cold_archive`, which is not there unless the settings say how old originals get."""
    return [_cold_archive(owner, archive_after_days)] if archive_after_days else []


def _cold_archive(owner: str, archive_after_days: int) -> dg.AssetsDefinition:
    @dg.asset(
        name=COLD_ARCHIVE,
        description=f"Originals older than {archive_after_days} days, outside the lake, readable under the same keys.",
        deps=[BRONZE_IMAGES.name],
        group_name="upkeep",
        owners=[owner],
    )
    def cold_archive(lake: LakeResource, progress: dg.ResourceParam[Progress]) -> dg.MaterializeResult[None]:
        now = datetime.now(UTC)
        with explained():
            days = old_days(lake.tables, archive_after_days, now.date())
            report = archive_days(lake.tables, days, archive_after_days, now, progress.track(COLD_ARCHIVE, "days"))
        return dg.MaterializeResult(
            metadata={
                "days": report.days,
                "originals": report.moved,
                "bytes": report.moved_bytes,
                "not_what_bronze_says": dg.MetadataValue.json(list(report.damaged)),
            }
        )

    return cold_archive
