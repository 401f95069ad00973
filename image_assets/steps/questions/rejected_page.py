"""Rejected files by pages and reasons, for people who decide what becomes of them."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from image_assets.errors import ObjectForbiddenError, ObjectNotFoundError, UnknownImageError
from image_assets.ids import SourceUri
from image_assets.imaging.announced import HEAD_BYTES
from image_assets.lake import object_keys
from image_assets.lake.day_frames import DayFrames
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.acceptances import ACCEPTABLE, can_be_taken, read_acceptances
from image_assets.steps.images.dismissals import RejectedFile
from image_assets.steps.increment.recipe import version_of
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_table

_START_BYTES: Final = 256
_KNOWN: Final[Mapping[str, pl.DataType]] = {
    "day": pl.Date(),
    "item": pl.String(),
    "stage": pl.String(),
    "reason": pl.String(),
    "detail": pl.String(),
    "image_id": pl.String(),
    "source_uri": pl.String(),
    "sha256": pl.String(),
    "size_bytes": pl.UInt64(),
    "input_version": pl.String(),
    "processed_at": pl.Datetime("us", "UTC"),
    "state": pl.String(),
    "rejection_id": pl.String(),
}


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A file that did not make it.

    Attributes:
        rejection_id: names the row.
        facts: columns of `rejected_images`.
        first_bytes: what the file begins with; None when it is not there any more.
        is_waiting: whether the next run of its day tries it again.
        can_be_accepted: whether it would be taken if a person accepted it.
    """

    rejection_id: str
    facts: Mapping[str, Any]
    first_bytes: bytes | None
    is_waiting: bool
    can_be_accepted: bool

    @property
    def file(self) -> RejectedFile:
        """As steps name it."""
        return _file(self.facts)


@dataclass(frozen=True, slots=True)
class RejectedPage:
    """Rows, the latest day first; `is_last` when there are no more; how many there are by reason on all pages."""

    rows: Sequence[RejectedRow]
    mark: str
    is_last: bool
    by_reason: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RejectedChoice:
    """Which rejected files; all of a field that is None."""

    reason: str | None = None
    day: date | None = None
    state: str | None = None


class RejectedFiles:
    """The rejected files of a lake; may be shared by threads."""

    def __init__(self, tables: ParquetTables, clock: Callable[[], float] = time.monotonic) -> None:
        self._tables = tables
        self._frames = DayFrames(tables, REJECTED_IMAGES.name, None, _part_of, clock)

    def renew(self) -> None:
        """Show nobody what the lake was before this moment."""
        self._frames.renew()

    def page(self, choice: RejectedChoice, count: int, after: str = "") -> RejectedPage:
        """The files behind a mark."""
        rows = self._all()
        counted = rows.filter(*_conditions(choice, with_reason=False)).group_by("reason").len().sort("reason")
        chosen = rows.filter(*_conditions(choice)).with_columns(mark=_MARK).sort("mark")
        rest = chosen.filter(pl.col("mark") > after)
        shown = rest.head(count)
        mark = shown["mark"][-1] if shown.height else after
        return RejectedPage(list(self._rows(shown)), mark, rest.height <= count, dict(counted.iter_rows()))

    def matching(self, choice: RejectedChoice) -> dict[date, list[str]]:
        """The items of all files that are chosen, by day."""
        return _by_day(self._all().filter(*_conditions(choice)))

    def named(self, rejection_ids: Collection[str]) -> list[RejectedRow]:
        """The files of these ids; `UnknownImageError` when there is none of one of them."""
        found = self._all().filter(pl.col("rejection_id").is_in(list(rejection_ids)))
        missing = {*rejection_ids} - {*found["rejection_id"]}
        if missing:
            raise UnknownImageError(f"there is no rejected file {min(missing)}; a run may have taken it in since")
        return list(self._rows(found))

    def _all(self) -> pl.DataFrame:
        return pl.concat([pl.DataFrame(schema=dict(_KNOWN)), *self._frames.all()])

    def _rows(self, rows: pl.DataFrame) -> Iterator[RejectedRow]:
        for (day,), mine in rows.partition_by("day", as_dict=True, maintain_order=True).items():
            remembered = {stage: self._remembered(str(stage), day) for stage in mine["stage"].unique()}
            accepted = read_acceptances(self._tables.store, day)
            for row in mine.to_dicts():
                word = accepted.get(row["source_uri"])
                is_taken = bool(word and word.is_accepted)
                is_new = bool(word and datetime.fromisoformat(word.decided_at) > row["processed_at"])
                reason = row["reason"]
                start = self._start(row["source_uri"], HEAD_BYTES if reason in ACCEPTABLE else _START_BYTES)
                yield RejectedRow(
                    rejection_id=row["rejection_id"],
                    facts=row,
                    first_bytes=start and start[:_START_BYTES],
                    is_waiting=row["item"] not in remembered[row["stage"]] or (is_taken and is_new),
                    can_be_accepted=not is_taken and _can_be_accepted(row, start),
                )

    def _remembered(self, stage: str, day: date) -> set[str]:
        """What the stage would not try again."""
        return {*self._tables.read_column(rejections_table(stage).name, day, "item")}

    def _start(self, source_uri: str, most: int) -> bytes | None:
        try:
            return self._tables.store.read_start(object_keys.key_of(SourceUri(source_uri)), most)
        except (ObjectNotFoundError, ObjectForbiddenError):
            return None


def _can_be_accepted(row: Mapping[str, Any], start: bytes | None) -> bool:
    return start is not None and can_be_taken(row["reason"], start, row["size_bytes"] or len(start))


_TO_COME = pl.lit(date.max).cast(pl.Int32) - pl.col("day").cast(pl.Int32)
# Sorts the latest day first.
_MARK = pl.format("{} {}", _TO_COME.cast(pl.String).str.zfill(8), "item")


def _conditions(choice: RejectedChoice, *, with_reason: bool = True) -> list[pl.Expr]:
    chosen = {"reason": choice.reason if with_reason else None, "day": choice.day, "state": choice.state}
    return [pl.col(name) == value for name, value in chosen.items() if value is not None] or [pl.lit(value=True)]


def _by_day(rows: pl.DataFrame) -> dict[date, list[str]]:
    grouped = rows.group_by("day", maintain_order=True).agg("item").sort("day")
    return dict(grouped.iter_rows())


def _part_of(rows: pl.DataFrame) -> pl.DataFrame:
    """What is shown; without a state, as older days are, all are open."""
    ids = [version_of(str(day), item) for day, item in rows.select("day", "item").iter_rows()]
    rows = rows if "state" in rows.columns else rows.with_columns(state=pl.lit("open"))
    rows = rows.with_columns(rejection_id=pl.Series(ids, dtype=pl.String))
    return rows.select(pl.col(name).cast(dtype) for name, dtype in _KNOWN.items())


def _file(facts: Mapping[str, Any]) -> RejectedFile:
    return RejectedFile(*(facts[name] for name in ("day", "item", "source_uri", "image_id", "input_version")))
