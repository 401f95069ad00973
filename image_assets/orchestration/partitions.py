"""Days: the one unit of partitioning, in UTC, and how many of them one run takes."""

from collections.abc import Sequence
from datetime import date

import dagster as dg

# One policy for all daily assets keeps a day's whole chain in one run, where checks can gate what follows.
BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=7)


def daily_partitions(start: date) -> dg.DailyPartitionsDefinition:
    """From the start day to today inclusive, so that today's uploads need not wait for midnight."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=1)


def days_of(keys: Sequence[str]) -> list[date]:
    """Partition keys as dates."""
    return [date.fromisoformat(key) for key in keys]
