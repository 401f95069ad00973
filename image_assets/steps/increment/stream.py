"""Steps that work input by input: finished in any order, checkpointed in bounded chunks, committed together."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date
from itertools import islice
from typing import Unpack
from uuid import uuid4

import polars as pl

from image_assets.errors import ObjectChangedError, TableError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.basis import Basis
from image_assets.steps.increment.chunks import ChunkWriter, NewRow
from image_assets.steps.increment.commit import commit
from image_assets.steps.increment.increment import IncrementReport, settle
from image_assets.steps.increment.outcome import Item, Outcome, Process
from image_assets.steps.increment.pace import Pace, Progress, untold
from image_assets.steps.increment.stock import Stock, Target, take_stock


def run_increment(
    tables: ParquetTables,
    target: Target,
    day: date,
    inputs: Callable[[], pl.DataFrame],
    process: Process,
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring the day's rows of one table in line with the inputs; see `run_increments`."""
    return run_increments(tables, [target], day, inputs, process, **pace)[0]


def run_increments(
    tables: ParquetTables,
    targets: Sequence[Target],
    day: date,
    inputs: Callable[[], pl.DataFrame],
    process: Process,
    *,
    chunk_size: int,
    on_progress: Progress = untold,
) -> list[IncrementReport]:
    """Bring the day's rows of all targets in line with the inputs.

    Args:
        tables: the lake's tables.
        targets: tables that share the inputs and one pass over them.
        day: the partition.
        inputs: reads one row per input: the targets' key, `input_version`, `source_uri`, and what `process` needs;
            asked again when another run of the day has committed meanwhile.
        process: turns items into exactly one outcome each, in any order; closed early when the run stops.
        chunk_size: see `Pace`.
        on_progress: see `Pace`.

    Raises:
        TableError: rows break their schema, or an item got no outcome or two; nothing is committed.
        StoreUnavailableError: other runs of the day committed first, however often it was tried.
    """
    run = uuid4().hex

    def work(stocks: Sequence[Stock], wanted: pl.DataFrame, bases: Sequence[Basis]) -> list[Stock]:
        chunks = ChunkWriter(tables, stocks, day, run)
        _compute(chunks, _missing_inputs(stocks, wanted), process, chunk_size, on_progress)
        ended = [basis.with_own(chunks.written) for basis in bases]
        done = [_worked_off(tables, target, day, wanted, basis) for target, basis in zip(targets, ended, strict=True)]
        for stock, basis in zip(done, ended, strict=True):
            commit(tables, stock, day, basis)
        return done

    return settle(tables, targets, day, inputs, work)


def _compute(chunks: ChunkWriter, work: pl.DataFrame, process: Process, chunk_size: int, on_progress: Progress) -> None:
    pending, total = set(work.get_column("item").to_list()), work.height
    if not total:
        return
    on_progress(0, total)
    items = (Item(row, frozenset(row["wanted"])) for row in work.iter_rows(named=True))
    with closing(process(items)) as outcomes:
        finished = _finished(chunks, outcomes, pending)
        while chunk := list(islice(finished, chunk_size)):
            chunks.write(chunk)
            on_progress(total - len(pending), total)
    if pending:
        day = chunks.day
        raise TableError(
            f"{len(pending)} of {total} inputs got no outcome on {day}, such as {min(pending)}: a bug", day=day
        )


def _finished(chunks: ChunkWriter, outcomes: Iterator[Outcome], pending: set[object]) -> Iterator[list[NewRow]]:
    """The rows of each outcome; at once, because an error holds on to what was in hand when it was raised."""
    for outcome in outcomes:
        item = outcome.item.row[chunks.key]
        if item not in pending:
            raise TableError(f"{item} got a second outcome, or was never asked for: a bug", day=chunks.day)
        pending.remove(item)
        yield chunks.rows_of(outcome)


def _missing_inputs(stocks: Sequence[Stock], inputs: pl.DataFrame) -> pl.DataFrame:
    missing = pl.concat([stock.missing.with_columns(wanted=pl.lit(stock.target.table.name)) for stock in stocks])
    wanted = missing.group_by("item", maintain_order=True).agg("wanted")
    return inputs.with_columns(item=stocks[0].target.key).join(wanted, on="item", maintain_order="left")


def _worked_off(tables: ParquetTables, target: Target, day: date, inputs: pl.DataFrame, basis: Basis) -> Stock:
    stock = take_stock(tables, target, day, inputs, basis, is_worked_off=True)
    if stock.missing.height:
        raise ObjectChangedError(f"another run has removed chunks of {target.table.name} for {day}: run it again")
    return stock
