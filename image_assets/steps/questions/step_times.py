"""How long each step of a day took, by the times that its rows bear."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from image_assets.lake.parquet_tables import ParquetTables

_PAUSE_S: Final = 600
"""So long without a row ends a stretch of work: what came before was another run."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """The last stretch of work on a table.

    Attributes:
        table: its name.
        images: rows that were made in it.
        ended_at: when its last row was made.
        seconds: from its first row to its last: without the start of the run, and without waiting for it.
    """

    table: str
    images: int
    ended_at: datetime
    seconds: float


def step_times(tables: ParquetTables, day: date, names: Sequence[str]) -> list[StepTime]:
    """Of those of the tables that have rows of the day, in their order."""
    found = [_last_stretch(tables, day, name) for name in names]
    return [each for each in found if each]


def _last_stretch(tables: ParquetTables, day: date, name: str) -> StepTime | None:
    keys = tables.keys(name, day)
    if not keys or "processed_at" not in tables.file_schema(keys[0]):
        return None
    times = tables.scan_files(keys, ["processed_at"]).get_column("processed_at").sort()
    if times.is_empty():
        return None
    begins = (times.diff().dt.total_seconds() > _PAUSE_S).fill_null(value=True).cum_sum()
    last = times.filter(begins == begins[-1])
    return StepTime(name, last.len(), last[-1], (last[-1] - last[0]).total_seconds())
