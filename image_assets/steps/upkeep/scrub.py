"""Whether objects are what their rows say, read whole and compared by their digest.

Rows of a former shape, whose derivatives had no digest, are compared by decoding.
"""

import errno
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from image_assets.errors import (
    ImageError,
    ObjectArchivedError,
    ObjectForbiddenError,
    ObjectNotFoundError,
    StoreUnavailableError,
    TableError,
)
from image_assets.ids import ImageId, ObjectKey
from image_assets.imaging.read_back import read_pixels
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.increment.backing import lost_rows
from image_assets.steps.increment.pace import Progress, untold
from image_assets.steps.increment.read_ahead import map_ahead
from image_assets.steps.increment.retries import forget_rejections_of
from image_assets.tables.images import BRONZE_IMAGES, PATH_COLUMNS
from image_assets.tables.upkeep import DAMAGED_ORIGINALS

EVERYTHING = pl.lit(value=True)
_DAYS_A_WEEK, _AHEAD, _PREFIX_DIGITS = 7, 32, 4
_SHAPE = {"image_id": pl.String, "key": pl.String, "size_bytes": pl.UInt64, "sha256": pl.String}


@dataclass(frozen=True, slots=True)
class Damage:
    """One object that is not what its row says; `table` has the row, `problem` is one of `tables.upkeep.PROBLEMS`."""

    day: date
    image_id: ImageId
    table: str
    key: ObjectKey
    problem: str

    @property
    def is_original(self) -> bool:
        """Whether nothing but a copy can bring it back."""
        return self.table == BRONZE_IMAGES.name


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found: objects read whole, their bytes, damages, and tables that could not be read, one line each."""

    objects: int = 0
    size_bytes: int = 0
    damages: tuple[Damage, ...] = ()
    unreadable: tuple[str, ...] = ()

    def __add__(self, other: "Examination") -> "Examination":
        return Examination(
            self.objects + other.objects,
            self.size_bytes + other.size_bytes,
            self.damages + other.damages,
            self.unreadable + other.unreadable,
        )


def share_of_week(today: date, weeks: int) -> pl.Expr:
    """Images whose turn it is this week: all of them within so many weeks, by the first digits of their ids."""
    turn = today.toordinal() // _DAYS_A_WEEK % weeks
    return pl.col("image_id").str.head(_PREFIX_DIGITS).str.to_integer(base=16) % weeks == turn


def scrub(
    tables: ParquetTables,
    days: Sequence[date],
    chosen: pl.Expr = EVERYTHING,
    on_progress: Progress = untold,
) -> Examination:
    """Examine days, and note which originals are damaged."""
    found = Examination()
    for number, day in enumerate(days):
        on_progress(number, len(days))
        try:
            examined = examine_day(tables, day, chosen)
            _note(tables, day, examined.damages)
        except TableError as error:
            examined = Examination(unreadable=(f"{day}: {error}",))
        found += examined
    on_progress(len(days), len(days))
    return found


def examine_day(
    tables: ParquetTables, day: date, chosen: pl.Expr = EVERYTHING, wanted: Collection[str] = tuple(PATH_COLUMNS)
) -> Examination:
    """Look for every object that rows of the wanted tables name, and read those of the chosen images.

    An original that is known to be damaged is always read: it may have been restored.
    """
    known = tables.read_column(DAMAGED_ORIGINALS.name, day, "image_id")
    chosen = chosen | pl.col("image_id").is_in(known.implode())
    return sum((_examine(tables, name, day, chosen) for name in PATH_COLUMNS if name in wanted), Examination())


def note_lost_originals(tables: ParquetTables, day: date) -> int:
    """Bring `damaged_originals` of a day in line without reading what looks well; how many there are."""
    damages = examine_day(tables, day, ~EVERYTHING, [BRONZE_IMAGES.name]).damages
    _note(tables, day, damages)
    return len(damages)


def damaged_originals(tables: ParquetTables) -> Mapping[date, int]:
    """How many originals are known to be damaged, by day."""
    counts = {day: tables.read(DAMAGED_ORIGINALS, day).height for day in tables.days(DAMAGED_ORIGINALS.name)}
    return {day: count for day, count in counts.items() if count}


def _examine(tables: ParquetTables, table: str, day: date, chosen: pl.Expr) -> Examination:
    rows = _rows(tables, table, day)
    lost = lost_rows(tables.store, rows, "key")
    gone = pl.when(pl.col("found_bytes").is_null()).then(pl.lit("gone")).otherwise(pl.lit("wrong_size"))
    damages = [*lost.select("image_id", "key", gone).iter_rows()]
    there = rows.join(lost, on="image_id", how="anti", maintain_order="left").filter(chosen)
    read = list(map_ahead(lambda row: _problem(tables.store, row), there.iter_rows(named=True), _AHEAD))
    damages += [
        (row["image_id"], row["key"], problem)
        for row, problem in zip(there.iter_rows(named=True), read, strict=True)
        if problem
    ]
    found = tuple(Damage(day, image_id, table, key, problem) for image_id, key, problem in damages)
    return Examination(there.height, int(there.get_column("size_bytes").sum()), found)


def _rows(tables: ParquetTables, table: str, day: date) -> pl.DataFrame:
    """Id, key, size and, where there is one, digest of the day's objects; no row when the day was never made."""
    keys = tables.keys(table, day)
    if not keys:
        return pl.DataFrame(schema=_SHAPE)
    has_digest = "sha256" in tables.file_schema(keys[0])
    rows = tables.scan_files(keys, ["image_id", PATH_COLUMNS[table], "size_bytes", *(["sha256"] if has_digest else [])])
    digest = pl.col("sha256") if has_digest else pl.lit(None, pl.String).alias("sha256")
    return rows.select("image_id", pl.col(PATH_COLUMNS[table]).alias("key"), "size_bytes", digest)


def _problem(store: ObjectStore, row: Mapping[str, Any]) -> str | None:
    try:
        data = store.read(ObjectKey(row["key"]))
    except ObjectNotFoundError:
        return "gone"
    except ObjectForbiddenError:
        return "unreadable"
    except ObjectArchivedError:
        # Its size was compared, and its digest before it went there.
        return None
    except StoreUnavailableError as error:
        if not _is_bad_sector(error):
            raise
        return "unreadable"
    is_whole = hashlib.sha256(data).hexdigest() == row["sha256"] if row["sha256"] else decodes(data)
    return None if is_whole else "wrong_bytes"


def _is_bad_sector(error: StoreUnavailableError) -> bool:
    """Whether the disk cannot read this one place; such a file does not keep the others from being read."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EIO


def decodes(data: bytes) -> bool:
    """Whether a derivative can be shown."""
    try:
        read_pixels(data)
    except ImageError:
        return False
    return True


def _note(tables: ParquetTables, day: date, damages: Iterable[Damage]) -> None:
    """What was refused for an original that is whole again is forgotten, so that the next run tries it."""
    former = tables.read_or_empty(DAMAGED_ORIGINALS, day)
    since, now = dict(former.select("image_id", "found_at").iter_rows()), datetime.now(UTC)
    rows = [
        (each.image_id, day, each.key, each.problem, since.get(each.image_id, now))
        for each in damages
        if each.is_original
    ]
    found = pl.DataFrame(rows, schema=former.schema, orient="row")
    if since or rows:
        tables.replace_if_changed(DAMAGED_ORIGINALS, day, lambda: found)
    forget_rejections_of(tables, day, set(since) - set(found.get_column("image_id")))
