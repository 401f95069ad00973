"""Days at a glance: what the summaries say of them, and how bright, sharp and sure their images are.

Summaries are small files; of gold three columns are read once for each version of a day, and a few numbers kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from image_assets.errors import ObjectNotFoundError
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.questions.waiting import LONGEST_WAIT
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES

MEASURES: Final = ("brightness_ratio", "blur", "confidence_ratio")
"""Columns of gold that a day is measured by."""
_QUARTILES: Final = (0.25, 0.5, 0.75)
_REMEMBERED: Final = 4_000


@dataclass(frozen=True, slots=True)
class DayOverview:
    """A day.

    Attributes:
        day: the partition.
        counts: images by kind and name, as in `daily_summary`; empty while there is no summary.
        measures: lower quartile, median and upper quartile of each of `MEASURES` that any image has.
        wait_s: median from the upload to the row of gold, of images that were taken in as they came.
    """

    day: date
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    measures: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    wait_s: float | None = None

    @property
    def has_run(self) -> bool:
        """Whether there is a summary."""
        return bool(self.counts)

    def outcome(self, name: str) -> int:
        """How many files ended so; see `daily_summary`."""
        return self.counts.get("outcome", {}).get(name, 0)

    def share(self, name: str) -> float | None:
        """The same of all that came; None when nothing came."""
        seen = self.outcome("seen")
        return self.outcome(name) / seen if seen else None


class DayOverviews:
    """The days of a lake; may be shared by threads."""

    def __init__(self, tables: ParquetTables) -> None:
        self._tables = tables
        self._measured: OrderedDict[tuple[date, str], Mapping[str, Any]] = OrderedDict()
        self._measuring = threading.Lock()

    def known(self, recent: Collection[date]) -> list[date]:
        """Every day that a run has begun, and those of some recent ones that have uploads; the latest first."""
        begun = {*self._tables.days(BRONZE_IMAGES.name), *self._tables.days(DAILY_SUMMARY.name)}
        return sorted(begun | {day for day in {*recent} - begun if self._has_uploads(day)}, reverse=True)

    def of(self, days: Sequence[date]) -> list[DayOverview]:
        """What is known of some days, in their order."""
        counts, measured = self._counts(days), self._measures(days)
        return [_overview(day, counts.get(day, {}), measured.get(day, {})) for day in days]

    def _has_uploads(self, day: date) -> bool:
        return next(iter(self._tables.store.list(object_keys.landing_prefix(day))), None) is not None

    def _counts(self, days: Sequence[date]) -> dict[date, dict[str, dict[str, int]]]:
        found: dict[date, dict[str, dict[str, int]]] = {}
        keys = [key for day in days for key in self._tables.keys(DAILY_SUMMARY.name, day)]
        rows = self._tables.scan_files(keys, ["day", "kind", "name", "images"]) if keys else pl.DataFrame()
        for day, kind, name, images in rows.iter_rows():
            found.setdefault(day, {}).setdefault(kind, {})[name] = images
        return found

    def _measures(self, days: Sequence[date]) -> dict[date, Mapping[str, Any]]:
        versions = {day: version for day in days if (version := self._tables.version(GOLD_IMAGES.name, day))}
        with self._measuring:
            missing = [day for day, version in versions.items() if (day, version) not in self._measured]
            for day, row in self._measure(missing):
                self._measured[day, versions[day]] = row
            found = {
                day: self._measured[known]
                for day, version in versions.items()
                if (known := (day, version)) in self._measured
            }
            while len(self._measured) > _REMEMBERED:
                self._measured.popitem(last=False)
        return found

    def _measure(self, days: Sequence[date]) -> Iterator[tuple[date, Mapping[str, Any]]]:
        """Days of an older release may lack a column: each is read for itself."""
        for day in days:
            try:
                columns = [name for name in MEASURES if name in self._tables.schema_of(GOLD_IMAGES.name, day)]
                rows = self._tables.scan(GOLD_IMAGES, [*columns, "uploaded_at", "processed_at"], [day])
            except ObjectNotFoundError:
                continue
            numbers = {name: rows.get_column(name).cast(pl.Float64) for name in columns}
            quartiles = {
                name: [each.quantile(share, "linear") for share in _QUARTILES] for name, each in numbers.items()
            }
            yield day, {**quartiles, "wait_s": _wait_s(rows)}


def _overview(day: date, counts: Mapping[str, Mapping[str, int]], measured: Mapping[str, Any]) -> DayOverview:
    measures = {name: tuple(measured[name]) for name in MEASURES if None not in measured.get(name, [None])}
    return DayOverview(day, counts, measures, measured.get("wait_s"))


def _quartiles(numbers: pl.Series) -> list[float | None]:
    return [numbers.quantile(share, "linear") for share in _QUARTILES]


def _wait_s(rows: pl.DataFrame) -> float | None:
    waits = rows.select(wait=pl.col("processed_at") - pl.col("uploaded_at"))
    waits = waits.filter(pl.col("wait").is_between(timedelta(0), LONGEST_WAIT))
    median: float | None = waits.select(pl.col("wait").dt.total_milliseconds().median() / 1_000).item()
    return median
