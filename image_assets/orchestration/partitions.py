"""Days: the one unit of partitioning, in UTC, and how many of them one run takes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

import dagster as dg

DAYS_PER_RUN = 28
"""Four weeks: what a run costs besides its days is shared by many, and a run that is killed repeats few."""

# One policy for all daily assets keeps a day's whole chain in one run, where checks can gate what follows.
BACKFILL_POLICY = dg.BackfillPolicy.multi_run(max_partitions_per_run=DAYS_PER_RUN)


def daily_partitions(start: date) -> dg.DailyPartitionsDefinition:
    """From the start day to today inclusive, so that today's uploads need not wait for midnight."""
    return dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=1)


def days_of(keys: Sequence[str]) -> list[date]:
    """Partition keys as dates."""
    return [date.fromisoformat(key) for key in keys]


def days_by_run(days: Iterable[date]) -> Iterator[list[date]]:
    """Days in order as one run takes them: those that follow each other, and no more than `DAYS_PER_RUN`."""
    chunk: list[date] = []
    for day in days:
        if chunk and (day - chunk[-1] != timedelta(days=1) or len(chunk) == DAYS_PER_RUN):
            yield chunk
            chunk = []
        chunk.append(day)
    if chunk:
        yield chunk


def day_tags(days: Sequence[date]) -> Mapping[str, str]:
    """What makes a run one of these days, which follow each other."""
    if len(days) == 1:
        return {"dagster/partition": days[0].isoformat()}
    return {
        "dagster/asset_partition_range_start": days[0].isoformat(),
        "dagster/asset_partition_range_end": days[-1].isoformat(),
    }
