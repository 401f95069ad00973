"""Housekeeping: what is looked at and tidied once a week, whatever the days."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from image_assets.orchestration.at_work import end_abandoned_runs
from image_assets.orchestration.daily import explained
from image_assets.orchestration.history import forget_old_runs
from image_assets.orchestration.resources import LakeResource
from image_assets.shown_text import markdown
from image_assets.steps.reconciliation import Disagreement, reconcile, sweep_staging

RECONCILIATION, RUN_HISTORY = "reconciliation", "run_history"
_GROUP = "upkeep"
_IN_USE_FOR = timedelta(days=1)
_LISTED = 50


def housekeeping_assets(owner: str, keep_runs_days: int) -> list[dg.AssetsDefinition]:
    """`reconciliation` and `run_history`."""
    return [_reconciliation(owner), _run_history(owner, keep_runs_days)]


def _reconciliation(owner: str) -> dg.AssetsDefinition:
    description = "Whether files and rows of the whole lake agree; leftovers of killed runs are removed on the way."
    unlisted = dg.AssetCheckSpec(
        "no_ghosts", asset=RECONCILIATION, description="Every row's file is there; run the listed days again if not."
    )

    @dg.asset(
        name=RECONCILIATION,
        description=description,
        group_name=_GROUP,
        kinds={"polars"},
        owners=[owner],
        check_specs=[unlisted],
    )
    def reconciliation(lake: LakeResource):  # type: ignore[no-untyped-def]
        before = datetime.now(UTC) - _IN_USE_FOR
        with explained():
            swept, found = sweep_staging(lake.tables, before), reconcile(lake.tables, before)
        ghosts = sum(len(each.ghosts) for each in found)
        counts = {f"{each.folder}_objects": each.objects for each in found}
        check = dg.AssetCheckResult(passed=not ghosts, check_name="no_ghosts", metadata={"ghosts": ghosts})
        orphans = sum(len(each.orphans) for each in found)
        listed = dg.MetadataValue.md(_listed(found))
        return dg.MaterializeResult(
            metadata={**counts, "orphans": orphans, "ghosts": ghosts, "swept": swept, "listed": listed},
            check_results=[check],
        )

    return reconciliation


def _listed(found: list[Disagreement]) -> str:
    rows = [(each.folder, what, key) for each in found for what in ("orphans", "ghosts") for key in getattr(each, what)]
    lines = [f"| {folder} | {what.rstrip('s')} | {markdown(key)} |" for folder, what, key in rows[:_LISTED]]
    more = [f"| … | {len(rows) - _LISTED} more | |"] if len(rows) > _LISTED else []
    return "\n".join(["| folder | what | key |", "|---|---|---|", *lines, *more]) if rows else "none"


def _run_history(owner: str, keep_days: int) -> dg.AssetsDefinition:
    @dg.asset(
        name=RUN_HISTORY,
        description=f"Dagster's memory, without runs older than {keep_days} days that later runs have replaced.",
        group_name=_GROUP,
        kinds={"dagster"},
        owners=[owner],
    )
    def run_history(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        before = datetime.now(UTC) - timedelta(days=keep_days)
        abandoned = end_abandoned_runs(context.instance)
        forgotten, kept = forget_old_runs(context.instance, before)
        counts = {"abandoned": abandoned, "forgotten": forgotten, "kept_as_the_last_of_their_days": kept}
        return dg.MaterializeResult(metadata=counts)

    return run_history
