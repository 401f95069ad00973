"""The row-level increment: compute the rows that are missing or out of date, and nothing else.

A row is *current* while its input (`input_version`) and its recipe (`recipe_version`) are the wanted ones
and the file that it names, if it names one, is there with its size. Rows of the day's table, rows of chunks
that an interrupted run left behind and remembered rejections all count. What is not current is computed, input by
input (`stream`) or as one frame (`frame`); the commit then replaces the day's rejections and rows. Nothing is written
for a day that is current.

Killed anywhere, run again: the same tables. Two runs of a day at once: each commits over what it has seen or looks
again, so that the older look never wins; see `commit`.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias

import polars as pl

from image_assets.errors import ObjectChangedError, ObjectNotFoundError, StoreUnavailableError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.basis import Basis, note_basis
from image_assets.steps.increment.checkpoints import sound_checkpoints
from image_assets.steps.increment.stock import IDENTITY, Stock, Target, take_stock

_ATTEMPTS = 20
_log = logging.getLogger(__name__)

Work: TypeAlias = Callable[[Sequence[Stock], pl.DataFrame, Sequence[Basis]], Sequence[Stock]]
"""Computes what the stocks lack of the inputs and commits it over the bases; returns the stocks that were committed."""


@dataclass(frozen=True, slots=True)
class IncrementReport:
    """What one increment did to one table of one day; `seen` = accepted + rejected."""

    table: str
    day: date
    seen: int
    accepted: int
    rejected: int
    computed: int
    newly_rejected: int
    reused: int
    removed: int
    is_unchanged: bool
    seconds: float


def settle(
    tables: ParquetTables, targets: Sequence[Target], day: date, inputs: Callable[[], pl.DataFrame], work: Work
) -> list[IncrementReport]:
    """Have what is missing of a day made and committed, and look again whenever another run of the day was first.

    Raises:
        StoreUnavailableError: other runs of the day committed first, however often it was tried.
    """
    started = time.monotonic()
    before: Sequence[Stock] = []
    for _ in range(_ATTEMPTS):
        try:
            bases = [note_basis(tables, target.table, day, sound_checkpoints) for target in targets]
            wanted = inputs()
            now: Sequence[Stock] = [
                take_stock(tables, target, day, wanted, basis) for target, basis in zip(targets, bases, strict=True)
            ]
            before = before or now
            if not all(stock.is_up_to_date for stock in now):
                now = work(now, wanted, bases)
            seconds = time.monotonic() - started
            return [_report(was, stock, day, seconds) for was, stock in zip(before, now, strict=True)]
        except (ObjectNotFoundError, ObjectChangedError) as error:
            # Another run of this day committed, and deleted its chunks, in between: look again.
            _log.info("%s: %s", day, error)
            last = error
    raise StoreUnavailableError(f"{targets[0].table.name} for {day} did not settle: {last}; run it alone") from last


def of_all_lots(reports: Sequence[IncrementReport]) -> IncrementReport:
    """What was done to a day, lot by lot."""
    first = reports[0]
    counts = ("seen", "accepted", "rejected", "computed", "newly_rejected", "reused", "removed", "seconds")
    sums: dict[str, Any] = {name: sum(getattr(each, name) for each in reports) for name in counts}
    return replace(first, **sums, is_unchanged=all(each.is_unchanged for each in reports))


def _report(before: Stock, after: Stock, day: date, seconds: float) -> IncrementReport:
    computed = after.rows.current.join(before.rows.current, on=IDENTITY, how="anti").height
    rejected = after.rejections.current.join(before.rejections.current, on=IDENTITY, how="anti").height
    removed = before.rows.stored.join(after.rows.current, on="item", how="anti").get_column("item").n_unique()
    return IncrementReport(
        table=after.target.table.name,
        day=day,
        seen=after.rows.current.height + after.rejections.current.height,
        accepted=after.rows.current.height,
        rejected=after.rejections.current.height,
        computed=computed,
        newly_rejected=rejected,
        reused=after.rows.current.height - computed,
        removed=removed,
        is_unchanged=before.is_up_to_date,
        seconds=seconds,
    )
