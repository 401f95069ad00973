"""An image is of one day: its id follows from where it landed, so that no two days can have it."""

from collections.abc import Iterator

import dagster as dg

from image_assets.errors import ImageAssetsError
from image_assets.orchestration.checks.by_day import DayCheck
from image_assets.orchestration.checks.daily_check import examined_days
from image_assets.orchestration.resources import LakeResource
from image_assets.steps.audits.day_audits import Audit, audit_identity
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.table import Table

_REMEDY = "a file was restored under another day's name: delete the one that is of another day and run its day again"


def identity_checks(partitions: dg.DailyPartitionsDefinition) -> Iterator[dg.AssetChecksDefinition]:
    """At the door it stops what follows; in gold it says so, and no other day's damage stops a good day."""
    yield _identity_check(partitions, BRONZE_IMAGES, is_blocking=True)
    yield _identity_check(partitions, GOLD_IMAGES, is_blocking=False)


def _identity_check(
    partitions: dg.DailyPartitionsDefinition, table: Table, *, is_blocking: bool
) -> dg.AssetChecksDefinition:
    description = f"No image is in {table.name} on two days; if one is, {_REMEDY}."
    declared = DayCheck(partitions, table.name, "one_day_only", description, is_blocking)

    def check(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> Iterator[object]:
        days = examined_days(context, lake.tables, table.name)
        try:
            found = audit_identity(lake.tables, table, days)
        except ImageAssetsError as error:
            # It may concern any of them: a failed run tries each alone.
            found = dict.fromkeys(days, Audit(0, (str(error),)))
        yield from declared.results(context, found)

    return declared.define(check)
