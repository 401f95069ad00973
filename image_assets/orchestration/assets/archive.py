"""The cold archive: originals of old days move to cheaper storage."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from image_assets.orchestration.daily import explained
from image_assets.orchestration.keys import Group
from image_assets.orchestration.lake_asset import lake_asset, lake_spec
from image_assets.orchestration.resources import LakeResource, Progress
from image_assets.steps.upkeep.access_tiers import archive_old
from image_assets.steps.upkeep.archive import ArchiveReport
from image_assets.tables.images import BRONZE_IMAGES

COLD_ARCHIVE = "cold_archive"


def archive_assets(owner: str, archive_after_days: int | None, tier: str | None = None) -> list[dg.AssetsDefinition]:
    """`cold_archive`, which is not there unless the settings say how old originals get."""
    return [_cold_archive(owner, archive_after_days, tier)] if archive_after_days else []


def _cold_archive(owner: str, archive_after_days: int, tier: str | None) -> dg.AssetsDefinition:
    where = f"in the access tier {tier}" if tier else "outside the lake, readable"
    said = f"Originals older than {archive_after_days} days, {where} under the same keys."
    spec = lake_spec(COLD_ARCHIVE, said, owner, group=Group.UPKEEP, deps=[BRONZE_IMAGES.name])

    @lake_asset(spec)
    def cold_archive(lake: LakeResource, progress: dg.ResourceParam[Progress]) -> Iterator[dg.MaterializeResult[Any]]:
        now, track = datetime.now(UTC), progress.track(COLD_ARCHIVE, "days")
        with explained():
            report = archive_old(lake.tables, tier, archive_after_days, now, track)
        yield dg.MaterializeResult(metadata=_described(report))

    return cold_archive


def _described(report: ArchiveReport) -> dict[str, Any]:
    return {
        "days": report.days,
        "originals": report.moved,
        "bytes": report.moved_bytes,
        "not_what_bronze_says": dg.MetadataValue.json(list(report.damaged)),
    }
