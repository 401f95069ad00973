"""How a day differs from the days before it, all measures together, each in words."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.audits.day_drift import (
    audit_classes,
    audit_duplicates,
    audit_numbers,
    audit_rejected_share,
    audit_volume,
)
from image_assets.steps.audits.drift import DriftParams
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_of

_GOLD: Final = GOLD_IMAGES.name
_READ: Final = (BRONZE_IMAGES.name, rejections_of(BRONZE_IMAGES).name, REJECTED_IMAGES.name, _GOLD)
_REMEMBERED: Final = 256


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure of a day: its name in words, what was found, and from where on that is worth a look."""

    name: str
    audit: Audit
    usual: str


class DayComparisons:
    """Comparisons of a lake, remembered while no file that they were made of has changed; may be shared by threads."""

    def __init__(self, tables: ParquetTables) -> None:
        self._tables = tables
        self._remembered: OrderedDict[tuple[object, ...], list[Compared]] = OrderedDict()
        self._remembering = threading.Lock()

    def of(self, day: date, params: DriftParams) -> list[Compared]:
        """See `compare_day`."""
        key = (day, params, *self._versions(day, params))
        with self._remembering:
            if key in self._remembered:
                self._remembered.move_to_end(key)
                return self._remembered[key]
        found = compare_day(self._tables, day, params)
        with self._remembering:
            self._remembered[key] = found
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    def _versions(self, day: date, params: DriftParams) -> Iterator[str | None]:
        days = {day - timedelta(days=back) for back in range(params.window_days + 1)}
        days |= {day - timedelta(weeks=back) for back in range(1, params.weeks + 1)}
        for each in sorted(days):
            for table in _READ:
                yield self._tables.version(table, each)


def compare_day(tables: ParquetTables, day: date, params: DriftParams) -> list[Compared]:
    """What a person would look at first; vectors are left to the check of their asset, which reads far more."""
    return [Compared(name, audit(tables, day=day, params=params), usual) for name, usual, audit in _measures(params)]


def _measures(params: DriftParams) -> Iterator[tuple[str, str, Callable[..., Audit]]]:
    times = f"{params.min_volume_ratio:g} to {params.max_volume_ratio:g} times the usual number"
    yield "Uploads", times, audit_volume
    yield "Rejected", f"at most {params.max_reject_ratio:.0%}", audit_rejected_share
    yield "Duplicates", f"at most {params.max_duplicate_ratio:.0%}", audit_duplicates
    index = f"stability index at most {params.max_stability_index:g}"
    for name, column in (("Brightness", "brightness_ratio"), ("Sharpness", "blur"), ("Confidence", "confidence_ratio")):
        yield name, index, partial(audit_numbers, table=_GOLD, column=column)
    for name, column in (("Labels", "label"), ("Predicted labels", "predicted_label")):
        yield name, index, partial(audit_classes, table=_GOLD, column=column)
