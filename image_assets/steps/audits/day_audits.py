"""Audits: what must be true of a committed day, each as a function that returns what is wrong."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import chain

import polars as pl

from image_assets.errors import ImageError, ObjectNotFoundError, TableError
from image_assets.ids import ObjectKey
from image_assets.imaging.privacy import find_metadata
from image_assets.imaging.read_back import read_size
from image_assets.lake.lots import WHOLE
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import FILE_COLUMN, ParquetTables
from image_assets.steps.images.certificates import erased_ids
from image_assets.steps.images.landing import LandingDay, find_left_behind
from image_assets.steps.images.landing_lots import LandingZone
from image_assets.steps.images.lots import day_lots
from image_assets.steps.increment.read_ahead import read_ahead
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_table
from image_assets.tables.table import Table


@dataclass(frozen=True, slots=True)
class Audit:
    """How many things were looked at and what is wrong, one sentence each; no sentence means passed.

    Attributes:
        examined: rows, files or images.
        problems: what is wrong and where.
        measured: the number behind the verdict, where there is one and enough was seen to tell.
    """

    examined: int
    problems: tuple[str, ...]
    measured: float | None = None


def audit_schema(tables: ParquetTables, table: Table, day: date | None) -> Audit:
    """The file exists, is Parquet, and every row obeys the schema."""
    try:
        return Audit(sum(each.read(table, day).height for each in _by_lot(tables, table, day)), ())
    except TableError as error:
        return Audit(0, (str(error),))


def audit_uploads(tables: ParquetTables, day: date, before: datetime) -> Audit:
    """Conservation at the door: every upload that arrived in time is a bronze or a rejected row, never both."""
    lots = day_lots(tables, day)
    landing = LandingZone(tables.store, day, len(lots))
    doors = (_door(tables.at(lot), day, landing.of(lot), before) for lot in lots)
    uploads, accepted, rejected = (pl.concat(parts) for parts in zip(*doors, strict=True))
    return _audit_conservation(uploads, accepted, rejected, exact=False)


def _door(
    tables: ParquetTables, day: date, landing: LandingDay, before: datetime
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """The uploads of a lot that arrived in time, those that were accepted, and those that were rejected."""
    accepted = tables.read_column(BRONZE_IMAGES.name, day, "source_uri")
    rejected = tables.read_column(rejections_table(BRONZE_IMAGES.name).name, day, "source_uri")
    left_behind = find_left_behind(tables.store, landing, {*accepted, *rejected})
    uploads = [
        file.source_uri for file in landing.files if file.arrived_at < before and file.source_uri not in left_behind
    ]
    return pl.Series(uploads, dtype=pl.String), accepted, rejected


def _by_lot(tables: ParquetTables, table: Table, day: date | None) -> Sequence[ParquetTables]:
    """What together holds a day of a table, each of a bounded size where the day is in lots."""
    lots = day_lots(tables, day) if day else (WHOLE,)
    # Some tables have the day in one file all the same.
    is_cut = len(lots) > 1 and day is not None and not tables.store.exists(tables.key(table.name, day))
    return [tables.at(lot) for lot in lots] if is_cut else [tables]


def audit_stage(tables: ParquetTables, upstream: str, stage: str, day: date) -> Audit:
    """Conservation between layers: every upstream image is a row or a rejection of the stage, and nothing else is.

    An image that was erased while the day ran is missing here and there; `audit_erasures` says whether all of it went.
    """
    erased = list(erased_ids(tables, day))
    expected, accepted, rejected = (
        ids.filter(~ids.is_in(erased))
        for name in (upstream, stage, rejections_table(stage).name)
        for ids in [tables.read_column(name, day, "image_id")]
    )
    return _audit_conservation(expected, accepted, rejected, exact=True)


def audit_identity(tables: ParquetTables, table: Table, days: Sequence[date]) -> dict[date, Audit]:
    """No image of the days is in the table on another day too; of other days only ids are read."""
    ids = {day: tables.read_column(table.name, day, "image_id") for day in days}
    twice = _in_several_files(tables, table, pl.concat([pl.Series([], dtype=pl.String), *ids.values()]))
    return {
        day: Audit(len(mine), tuple(f"{name} is in {' and in '.join(twice[name])}" for name in mine if name in twice))
        for day, mine in ids.items()
    }


def audit_label_conflicts(tables: ParquetTables, day: date) -> Audit:
    """No photo came again under another label."""
    rows = tables.scan(DUPLICATE_IMAGES, ["image_id", "canonical_id", "label_conflict"], [day])
    conflicts = rows.filter("label_conflict").select("image_id", "canonical_id").rows()
    problems = [f"{image_id} has another label than {canonical_id}" for image_id, canonical_id in conflicts]
    return Audit(rows.height, tuple(problems))


def audit_derivatives(
    tables: ParquetTables,
    table: Table,
    column: str,
    max_side_px: int,
    day: date,
    at_most: int | None = None,
    turn: int = 0,
) -> Audit:
    """Files are there, as large as their rows say, within the size limit, and hold pixels only.

    Args:
        tables: the lake's tables.
        table: whose files.
        column: where their keys are.
        max_side_px: the size limit.
        day: the partition.
        at_most: so many files, spread evenly over the day; all of them by default.
        turn: other numbers choose other files.
    """
    rows = tables.scan(table, [column, "width_px", "height_px"], [day])
    if at_most is not None and rows.height > at_most:
        step = -(-rows.height // at_most)
        rows = rows.gather_every(step, turn % step)
    look = partial(_file_problems, tables.store, max_side_px=max_side_px)
    found = read_ahead(tables.store, lambda row: list(look(*row)), rows.iter_rows())
    return Audit(rows.height, tuple(chain.from_iterable(found)))


def _in_several_files(tables: ParquetTables, table: Table, ids: pl.Series) -> dict[str, list[str]]:
    if ids.is_empty():
        return {}
    is_it = pl.col("image_id").is_in(ids.implode())
    found = tables.scan_files(tables.files(table.name), ["image_id"], is_it, with_file=True)
    files = found.unique().group_by("image_id").agg(pl.col(FILE_COLUMN).sort())
    return dict(files.filter(pl.col(FILE_COLUMN).list.len() > 1).iter_rows())


def _audit_conservation(expected: pl.Series, accepted: pl.Series, rejected: pl.Series, *, exact: bool) -> Audit:
    known, wanted = {*accepted, *rejected}, set(expected)
    problems = [f"{name} is neither accepted nor rejected: run the day again" for name in sorted(wanted - known)]
    problems += [f"{name} is both accepted and rejected" for name in sorted({*accepted} & {*rejected})]
    if exact:
        problems += [f"{name} has no upstream image" for name in sorted(known - wanted)]
    if len(accepted) != len(set(accepted)):
        problems.append(f"{len(accepted) - len(set(accepted))} images are accepted twice")
    return Audit(len(wanted), tuple(problems))


def _file_problems(store: ObjectStore, key: str, width_px: int, height_px: int, max_side_px: int) -> Iterator[str]:
    told = width_px, height_px
    try:
        data = store.read(ObjectKey(key))
        size, metadata = read_size(data), find_metadata(data)
    except (ObjectNotFoundError, ImageError) as error:
        yield f"{key}: {error}; image-assets repair makes it again"
        return
    if size != told or max(size) > max_side_px:
        yield f"{key}: {size[0]} x {size[1]} px, its row says {told[0]} x {told[1]}, allowed are {max_side_px}"
    if metadata:
        yield f"{key}: holds {', '.join(metadata)}"
