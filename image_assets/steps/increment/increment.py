"""The row-level increment: compute the rows that are missing or out of date, and nothing else.

A row is *current* while its input (`input_version`) and its recipe (`recipe_version`) are the wanted ones
and the file that it names, if it names one, is there with its size. Rows of the day's table, rows of chunks
that an interrupted run left behind and remembered rejections all count. What is not current is computed in
bounded chunks, each checkpointed atomically; the commit then replaces the day's rejections and rows. Nothing
is written for a day that is current.

Killed anywhere, run again: the same tables. Two runs of a day at once: each commits over what it has seen or looks
again, so that the older look never wins; see `standing`.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from uuid import uuid4

import numpy as np
import polars as pl

from image_assets.errors import (
    ObjectChangedError,
    ObjectNotFoundError,
    RejectionReason,
    StoreUnavailableError,
    TableError,
)
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.checkpoints import drop_damaged_checkpoints
from image_assets.steps.increment.stock import IDENTITY, Standing, Target, commit, note_basis, take_stock
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

_ATTEMPTS = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """One input to work on: its row of the inputs and the names of the tables that want it."""

    row: Mapping[str, object]
    wanted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Computed:
    """Values for each wanted table, without day, versions and time."""

    item: Item
    values: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why no wanted table gets a row; `facts` are columns of a rejection learnt on the way."""

    item: Item
    reason: RejectionReason
    detail: str
    facts: Mapping[str, object]


Outcome = Computed | Rejected
Process = Callable[[Iterator[Item]], Generator[Outcome]]
Progress = Callable[[int, int], None]


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


def run_increment(
    tables: ParquetTables,
    targets: Sequence[Target],
    day: date,
    inputs: Callable[[], pl.DataFrame],
    process: Process,
    *,
    chunk_size: int,
    on_progress: Progress = lambda _done, _total: None,
) -> list[IncrementReport]:
    """Bring the day's rows of all targets in line with the inputs.

    Args:
        tables: the lake's tables.
        targets: tables that share the inputs and one pass over them.
        day: the partition.
        inputs: reads one row per input: the targets' key, `input_version`, `source_uri`, and what `process` needs;
            asked again when another run of the day has committed meanwhile.
        process: turns items into exactly one outcome each, in any order; closed early when the run stops.
        chunk_size: outcomes per checkpoint; bounds memory and the work that a kill can cost.
        on_progress: told the items finished and the items to do.

    Raises:
        TableError: rows break their schema, or an item got no outcome or two; nothing is committed.
        StoreUnavailableError: other runs of the day committed first, however often it was tried.
    """
    started, chunks = time.monotonic(), uuid4().hex
    for table in (each for target in targets for each in (target.table, rejections_of(target.table))):
        drop_damaged_checkpoints(tables, table, day)
    before: list[Standing] = []
    for _ in range(_ATTEMPTS):
        bases = [note_basis(tables, target, day) for target in targets]
        try:
            wanted = inputs()
            now = [take_stock(tables, target, day, wanted) for target in targets]
            before = before or now
            if not all(standing.is_settled for standing in now):
                checkpoints = _Checkpoints(tables, now, day, chunks)
                _compute(checkpoints, _missing_inputs(now, wanted), process, chunk_size, on_progress)
                now = [commit(tables, t, day, wanted, basis, chunks) for t, basis in zip(targets, bases, strict=True)]
            seconds = time.monotonic() - started
            return [_report(was, standing, day, seconds) for was, standing in zip(before, now, strict=True)]
        except (ObjectNotFoundError, ObjectChangedError) as error:
            # Another run of this day committed, and deleted its chunks, in between: look again.
            _log.info("%s: %s", day, error)
            last = error
    raise StoreUnavailableError(f"{targets[0].table.name} for {day} did not settle: {last}; run it alone") from last


def _compute(
    checkpoints: "_Checkpoints", work: pl.DataFrame, process: Process, chunk_size: int, on_progress: Progress
) -> None:
    pending, total = set(work.get_column("item").to_list()), work.height
    day, key = checkpoints.day, checkpoints.standings[0].target.key
    if not total:
        return
    on_progress(0, total)
    items = (Item(row, frozenset(row["wanted"])) for row in work.iter_rows(named=True))
    with closing(process(items)) as outcomes:
        while chunk := list(islice(outcomes, chunk_size)):
            for outcome in chunk:
                _settle(pending, outcome.item.row[key])
            checkpoints.add(chunk)
            on_progress(total - len(pending), total)
    if pending:
        raise TableError(f"{len(pending)} of {total} inputs got no outcome on {day}, such as {min(pending)}: a bug")


def _missing_inputs(standings: Sequence[Standing], inputs: pl.DataFrame) -> pl.DataFrame:
    key = standings[0].target.key
    missing = pl.concat(
        [standing.missing.with_columns(wanted=pl.lit(standing.target.table.name)) for standing in standings]
    )
    wanted = missing.group_by("item", maintain_order=True).agg("wanted")
    return inputs.with_columns(item=key).join(wanted, on="item", maintain_order="left")


def _settle(pending: set[object], item: object) -> None:
    if item not in pending:
        raise TableError(f"{item} got a second outcome, or was never asked for: a bug")
    pending.remove(item)


@dataclass(frozen=True, slots=True)
class _Checkpoints:
    """Writes what is finished of a day; the names of a run's chunks begin alike."""

    tables: ParquetTables
    standings: Sequence[Standing]
    day: date
    names: str

    def add(self, chunk: Sequence[Outcome]) -> None:
        # The images behind the rows must be on disk before the rows say so.
        self.tables.store.flush()
        for standing in self.standings:
            table = standing.target.table
            concerned = [outcome for outcome in chunk if table.name in outcome.item.wanted]
            computed = [_computed_row(standing.target, each) for each in concerned if isinstance(each, Computed)]
            rejected = [_rejected_row(standing, each) for each in concerned if isinstance(each, Rejected)]
            self._write(table, computed)
            self._write(rejections_of(table), rejected)

    def _write(self, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            made = {"day": self.day, "processed_at": datetime.now(UTC)}
            folder = object_keys.checkpoint_prefix(table.name, self.day)
            key = ObjectKey(f"{folder}/{self.names}-{uuid4().hex}.parquet")
            self.tables.write_file(key, table, self.day, [_frame(table, [{**row, **made} for row in rows])])


def _computed_row(target: Target, outcome: Computed) -> dict[str, object]:
    given = {name: outcome.item.row[name] for name in (target.key, "input_version")}
    return {**given, "recipe_version": target.recipe_version, **outcome.values.get(target.table.name, {})}


def _rejected_row(standing: Standing, outcome: Rejected) -> dict[str, object]:
    target, row = standing.target, outcome.item.row
    item = row[target.key]
    version = standing.rejection_version(item, row["input_version"], outcome.reason)
    known = {name: row.get(name) for name in ("image_id", "source_uri", "sha256", "size_bytes", "input_version")}
    why = {"stage": target.table.name, "reason": outcome.reason.value, "detail": outcome.detail}
    return {"item": item, **known, **why, "recipe_version": version, **outcome.facts}


def _frame(table: Table, rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    columns = table.schema.columns()
    try:
        return pl.DataFrame({name: _series([row[name] for row in rows], columns[name].dtype) for name in columns})
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise TableError(f"a computed row of {table.name} lacks or mistypes a column: {error!r}; a bug") from error


def _series(values: list[object], dtype: pl.DataType) -> pl.Series:
    if isinstance(values[0], np.ndarray):
        return pl.Series(np.stack([value for value in values if isinstance(value, np.ndarray)]))
    return pl.Series(values, dtype=dtype)


def _report(before: Standing, after: Standing, day: date, seconds: float) -> IncrementReport:
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
        is_unchanged=before.is_settled,
        seconds=seconds,
    )
