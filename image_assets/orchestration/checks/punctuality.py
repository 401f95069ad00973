"""What should be true every morning, whichever runs there were: yesterday is there and no day was left failed."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg

from image_assets.orchestration.partitions import days_of
from image_assets.orchestration.resources import LakeResource
from image_assets.orchestration.runs.history import failed_days
from image_assets.tables.chain import LANDING
from image_assets.tables.gold import DAILY_SUMMARY

# On the landing zone, which no run makes: a backfill of old days has nothing to do with them.
_FAILED = "No day's last run failed; repair what its error says and run the day again: image-assets plan --only failed."


def punctuality_checks(partitions: dg.DailyPartitionsDefinition, lookback_days: int) -> list[dg.AssetChecksDefinition]:
    """Both fail the run that asks, so that somebody hears of it."""
    return [_yesterday_check(partitions), _failed_days_check(partitions, lookback_days)]


def _yesterday_check(partitions: dg.DailyPartitionsDefinition) -> dg.AssetChecksDefinition:
    description = "Yesterday is complete, down to its summary; if not, look for its run and start the nightly schedule."

    @dg.asset_check(asset=LANDING, name="yesterday_is_there", description=description, blocking=True)
    def yesterday_is_there(lake: LakeResource) -> dg.AssetCheckResult:
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        is_due = yesterday >= partitions.start.date()
        is_there = lake.tables.exists(DAILY_SUMMARY, yesterday)
        return dg.AssetCheckResult(passed=is_there or not is_due, metadata={"day": yesterday.isoformat()})

    return yesterday_is_there


def _failed_days_check(partitions: dg.DailyPartitionsDefinition, lookback_days: int) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=LANDING, name="no_failed_days", description=_FAILED, blocking=True)
    def no_failed_days(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        days = days_of(partitions.get_partition_keys())[-lookback_days:]
        failed: list[date] = sorted(failed_days(context.instance, days))
        listed = ", ".join(day.isoformat() for day in failed) or "none"
        return dg.AssetCheckResult(
            passed=not failed, metadata={"days": len(days), "problems": len(failed), "what": listed}
        )

    return no_failed_days
