"""Upkeep: what is looked at and tidied once a week, whatever the days."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from image_assets.orchestration.daily import explained
from image_assets.orchestration.keys import Group
from image_assets.orchestration.lake_asset import lake_asset, lake_spec
from image_assets.orchestration.metadata.counts import Metadata, describe_problems
from image_assets.orchestration.resources import LakeResource, Progress
from image_assets.orchestration.runs.at_work import end_abandoned_runs
from image_assets.orchestration.runs.history import forget_old_runs
from image_assets.shown_text import markdown
from image_assets.steps.upkeep.reconciliation import Disagreement, reconcile, sweep_staging
from image_assets.steps.upkeep.scrub import Examination, scrub, share_of_week
from image_assets.tables.images import BRONZE_IMAGES

RECONCILIATION, SCRUB, RUN_HISTORY = "reconciliation", "scrub", "run_history"
_IN_USE_FOR = timedelta(days=1)
_LISTED = 50


def upkeep_assets(owner: str, keep_runs_days: int, scrub_weeks: int) -> list[dg.AssetsDefinition]:
    """`reconciliation`, `scrub` and `run_history`."""
    return [_reconciliation(owner), _scrub(owner, scrub_weeks), _run_history(owner, keep_runs_days)]


def _reconciliation(owner: str) -> dg.AssetsDefinition:
    said = "Whether files and rows of the whole lake agree; leftovers of killed runs are removed on the way."
    spec = lake_spec(RECONCILIATION, said, owner, group=Group.UPKEEP, kinds={"polars"})
    unlisted = dg.AssetCheckSpec(
        "no_ghosts", asset=RECONCILIATION, description="Every row's file is there; image-assets repair if not."
    )

    @lake_asset(spec, checks=[unlisted])
    def reconciliation(lake: LakeResource) -> Iterator[dg.MaterializeResult[Any]]:
        before = datetime.now(UTC) - _IN_USE_FOR
        with explained():
            swept, found = sweep_staging(lake.tables, before), reconcile(lake.tables, before)
        ghosts = sum(len(each.ghosts) for each in found)
        check = dg.AssetCheckResult(passed=not ghosts, check_name="no_ghosts", metadata={"ghosts": ghosts})
        yield dg.MaterializeResult(metadata={**_describe_disagreement(found), "swept": swept}, check_results=[check])

    return reconciliation


def _describe_disagreement(found: list[Disagreement]) -> dict[str, Any]:
    return {
        **{f"{each.folder}_objects": each.objects for each in found},
        "orphans": sum(len(each.orphans) for each in found),
        "ghosts": sum(len(each.ghosts) for each in found),
        "listed": dg.MetadataValue.md(_listed(found)),
    }


def _listed(found: list[Disagreement]) -> str:
    rows = [(each.folder, what, key) for each in found for what in ("orphans", "ghosts") for key in getattr(each, what)]
    lines = [f"| {folder} | {what.rstrip('s')} | {markdown(key)} |" for folder, what, key in rows[:_LISTED]]
    more = [f"| … | {len(rows) - _LISTED} more | |"] if len(rows) > _LISTED else []
    return "\n".join(["| folder | what | key |", "|---|---|---|", *lines, *more]) if rows else "none"


def _scrub(owner: str, weeks: int) -> dg.AssetsDefinition:
    said = f"A share of all images whose files are read whole: in {weeks} weeks it was every image's turn."
    spec = lake_spec(SCRUB, said, owner, group=Group.UPKEEP, kinds={"python"})
    whole = dg.AssetCheckSpec(
        "objects_whole", asset=SCRUB, description="Every file is what its row says; image-assets repair if not."
    )

    @lake_asset(spec, checks=[whole])
    def scrubbed(lake: LakeResource, progress: dg.ResourceParam[Progress]) -> Iterator[dg.MaterializeResult[Any]]:
        started, share = time.monotonic(), share_of_week(datetime.now(UTC).date(), weeks)
        with explained():
            found = scrub(lake.tables, lake.tables.days(BRONZE_IMAGES.name), share, progress.track(SCRUB, "days"))
        told = _describe_scrub(found, time.monotonic() - started)
        is_whole = not found.damages and not found.unreadable
        check = dg.AssetCheckResult(passed=is_whole, check_name="objects_whole", metadata=told)
        yield dg.MaterializeResult(metadata=told, check_results=[check])

    return scrubbed


def _describe_scrub(found: Examination, seconds: float) -> Metadata:
    originals = sum(each.is_original for each in found.damages)
    problems = [f"{each.day}: {each.key} is {each.problem}" for each in found.damages]
    return {
        "files": dg.MetadataValue.int(found.objects),
        "total_size_bytes": dg.MetadataValue.int(found.size_bytes),
        "files_per_second": dg.MetadataValue.float(round(found.objects / max(seconds, 1e-6), 1)),
        "damaged_originals": dg.MetadataValue.int(originals),
        "damaged_derivatives": dg.MetadataValue.int(len(found.damages) - originals),
        "unreadable_tables": dg.MetadataValue.int(len(found.unreadable)),
        "what": describe_problems([*problems, *found.unreadable]),
    }


def _run_history(owner: str, keep_days: int) -> dg.AssetsDefinition:
    said = f"Dagster's memory, without runs older than {keep_days} days that later runs have replaced."
    spec = lake_spec(RUN_HISTORY, said, owner, group=Group.UPKEEP, kinds={"dagster"})

    @lake_asset(spec)
    def run_history(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        before = datetime.now(UTC) - timedelta(days=keep_days)
        abandoned = end_abandoned_runs(context.instance)
        forgotten, kept = forget_old_runs(context.instance, before)
        counts = {"abandoned": abandoned, "forgotten": forgotten, "kept_as_the_last_of_their_days": kept}
        yield dg.MaterializeResult(metadata=counts)

    return run_history
