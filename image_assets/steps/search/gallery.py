"""The gallery: which images meet conditions, in which order, counted and shown; all of it from one narrow file."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import polars.selectors as cs

from image_assets.errors import NoDayError
from image_assets.ids import ImageId
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.projection import (
    Projection,
    Versions,
    changed_days,
    discard_projection,
    open_projection,
    source_versions,
)
from image_assets.steps.search.conditions import Condition
from image_assets.steps.search.gallery_conditions import Clause, clause_of, is_kept
from image_assets.steps.search.gallery_content import CODED, COPYABLE, UPLOADED_US, GalleryContent, schema_of
from image_assets.steps.search.gold_rows import GoldRows
from image_assets.steps.search.ranking import Hit, Place, mark_of, no_mark, place_of
from image_assets.steps.search.remembered import Remembered
from image_assets.steps.search.words import WORD_COLUMNS, Bits, tokens_of, word_bits
from image_assets.tables.columns import UUID_PATTERN
from image_assets.tables.gold import GOLD_IMAGES

_CONTENT: Final = GalleryContent()
_REMEMBERED: Final = 256
_NO_CODE: Final = 2**32 - 1
UNSURE: Final = 2.0
"""Stands for the confidence of an image of which no model has said anything: it comes last."""

_ID: Final = re.compile(UUID_PATTERN)
Places: TypeAlias = npt.NDArray[np.int64]
"""Numbers of rows."""


class Order(StrEnum):
    """In which order images are shown that nothing was asked about."""

    NEWEST = "newest"
    LEAST_SURE = "least_sure"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which images of gold are meant.

    Attributes:
        conditions: all must be met; what is blocked is found by nobody who does not ask for a state.
        with_duplicates: every copy of a photo, not one.
        owner: whose images alone there are, to the letter; None for everybody's.
        within: the only images that there are; None for all.
    """

    conditions: tuple[Condition, ...] = ()
    with_duplicates: bool = False
    owner: str | None = None
    within: tuple[ImageId, ...] | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is asked of an image."""
        return not self.conditions and self.owner is None and self.within is None


@dataclass(frozen=True, slots=True)
class Location:
    """Where an image is that is known at all.

    Attributes:
        day: of its upload.
        user_id: who uploaded it, where that is known.
        state: as in gold; for what gold does not have: processing, error, or erased.
        reason: why it was rejected, of the closed list.
        stage: the table that lacks it for that.
    """

    day: date
    user_id: str | None
    state: str
    reason: str | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """A WHERE clause over `kept.images`, its values from `$1` on, and the ids that it names `met`."""

    where: str
    values: tuple[object, ...]
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)


class Gallery:
    """The images of one moment; threads may share it."""

    def __init__(self, tables: ParquetTables, projection: Projection) -> None:
        self.tables, self.projection = tables, projection
        self._kept = Remembered(_REMEMBERED)
        self.remember = Remembered(_REMEMBERED)

    @property
    def versions(self) -> Versions:
        """Of the table files that it was made of."""
        return self.projection.versions

    @cached_property
    def gold(self) -> GoldRows:
        """Gold itself, for what the gallery does not keep; `TableError` when there is no day."""
        rows = self.projection.query("FROM kept.schemas").iter_rows()
        schemas = {day: schema_of(columns) for day, columns in rows}
        if not schemas:
            raise NoDayError(f"{GOLD_IMAGES.name} has no day yet: image-assets run", table=GOLD_IMAGES.name)
        return GoldRows(self.tables, schemas, self.versions)

    @cached_property
    def blocked(self) -> frozenset[str]:
        """Ids of the images that may not be shown."""
        sql = "SELECT image_id::VARCHAR AS image_id FROM kept.images WHERE state = $1"
        return frozenset(self.projection.query(sql, [self._code_of("state", "blocked")]).get_column("image_id"))

    def find(self, wanted: Wanted) -> pl.DataFrame:
        """`image_id` and `day` of the images.

        Of duplicates only the first, unless wanted: the canonical image, or the one of the lowest id when that does not
        meet the conditions.
        """
        meeting = self.meeting(wanted)
        return self.query(f"SELECT image_id::VARCHAR AS image_id, day {shown_of(meeting, wanted)}", meeting)

    def count(self, wanted: Wanted) -> int:
        """How many there are; kept for those who ask again."""
        meeting = self.meeting(wanted)
        sql = f"SELECT count(*) {shown_of(meeting, wanted)}"
        return self.remember((sql, repr(meeting.values), wanted), lambda: int(self.query(sql, meeting).item()))

    def page(self, wanted: Wanted, order: Order, count: int, after: str | None) -> tuple[Sequence[Hit], str | None]:
        """The `count` images behind a mark, and the mark of the page after them; None for either means none."""
        meeting, key = self.meeting(wanted), KEYS[order]
        clause = Clause("true") if after is None else behind(key, checked_place(after), len(meeting.values))
        sql = f"""SELECT image_id::VARCHAR AS image_id, {key} AS relevance {shown_of(meeting, wanted)}
        AND {clause.sql} ORDER BY {key} DESC, image_id LIMIT {count + 1:d}"""
        found = self.query(sql, meeting, clause.values).iter_rows()
        hits = [Hit(ImageId(name), relevance, None) for name, relevance in found]
        return hits[:count], mark_of(hits[count - 1]) if len(hits) > count else None

    def rows(self, ids: Sequence[ImageId], columns: Sequence[str]) -> pl.DataFrame:
        """`image_id` and columns of `COPYABLE` of those images that there are, in no order."""
        names = list(dict.fromkeys(["image_id", *columns]))
        # By their places, so that no other row's columns are unpacked.
        places = "SELECT rowid FROM kept.images WHERE image_id IN (SELECT unnest($1::UUID[]))"
        kept = ", ".join(_OUT.get(name, name) for name in names)
        sql = f"SELECT {kept} FROM kept.images WHERE rowid IN ({places})"  # noqa: S608 - names of ours
        found = self.projection.query(sql, [list(ids)])
        values = [self._by_code(name).gather(found.get_column(name)).alias(name) for name in names if name in CODED]
        return found.with_columns(*values).with_columns(cs.datetime().dt.replace_time_zone("UTC"))

    def relevances(self, ids: Sequence[ImageId], order: Order) -> dict[ImageId, float]:
        """Where an order puts those of the images that there are: the higher first."""
        sql = f"""SELECT image_id::VARCHAR, {KEYS[order]} FROM kept.images
        WHERE image_id IN (SELECT unnest($1::UUID[]))"""  # noqa: S608 - names of ours
        return dict(self.projection.query(sql, [list(ids)]).iter_rows())

    def locate(self, image_id: ImageId) -> Location | None:
        """Where an image is; None for one that is not known."""
        if not _ID.fullmatch(image_id):
            return None
        for sql in (_ELSEWHERE, _IN_GOLD):
            found = self.projection.query(sql, [image_id])
            if found.height:
                return Location(*found.row(0))
        return None

    def days_of(self, image_id: ImageId) -> list[date]:
        """Days on which an image may be: its own, or those that have changed since."""
        location = self.locate(image_id)
        return (
            [location.day] if location else sorted(changed_days(self.versions, source_versions(self.tables, _CONTENT)))
        )

    def copies_of(self, image_id: ImageId) -> pl.Series:
        """The ids of an image and of its duplicates."""
        return self.projection.query(_COPIES, [image_id]).get_column("image_id")

    @cached_property
    def places(self) -> int:
        """Images are numbered by their rows, from 0 on and below this; some numbers are no image's."""
        return int(self.projection.query("SELECT coalesce(max(rowid), -1) + 1 FROM kept.images").item())

    def places_of(self, ids: pl.Series) -> Places:
        """The number of each image's row, in their order; `places` for one that is not in the gallery."""
        known = self.projection.query("SELECT image_id::VARCHAR AS image_id, rowid AS place FROM kept.images")
        found = ids.alias("image_id").to_frame().join(known, on="image_id", how="left", maintain_order="left")
        return found.get_column("place").fill_null(self.places).to_numpy()

    def mask(self, wanted: Wanted) -> npt.NDArray[np.bool_]:
        """For each place whether its image is found by `find`, and one more for what is not in the gallery."""
        meeting = self.meeting(wanted)
        found = self.query(f"SELECT rowid AS place {shown_of(meeting, wanted)}", meeting)
        mask = np.zeros(self.places + 1, np.bool_)
        mask[found.get_column("place").to_numpy()] = True
        return mask

    def word_bits(self, words: Sequence[str]) -> Bits:
        """For each place which words describe its image, and one more, without any."""
        bits = np.zeros(self.places + 1, np.uint32)
        for column in WORD_COLUMNS:
            having = word_bits(self._tokens(column), words)
            of_code = np.zeros(self.values_of(column).height + 1, np.uint32)
            of_code[having.get_column("code").to_numpy()] = having.get_column("bits").to_numpy()
            if having.height:
                bits[:-1] |= of_code[self._codes(column)]
        return bits

    def _codes(self, column: str) -> npt.NDArray[np.uint32]:
        """What the image of each place has in a column."""

        def read() -> npt.NDArray[np.uint32]:
            rows = self.projection.query(f"SELECT rowid AS place, {column} AS code FROM kept.images")  # noqa: S608 - names of ours
            codes = np.zeros(self.places, np.uint32)
            codes[rows.get_column("place").to_numpy()] = rows.get_column("code").to_numpy()
            return codes

        return self._kept(("codes", column), read)

    def _tokens(self, column: str) -> pl.DataFrame:
        return self._kept(("tokens", column), lambda: tokens_of(self.values_of(column)))

    def _by_code(self, column: str) -> pl.Series:
        """The values in the order of their codes; null is the first, of code 0."""

        def ordered() -> pl.Series:
            values = self.values_of(column).sort("code").get_column("value")
            return pl.concat([pl.Series([None], dtype=values.dtype), values])

        return self._kept(("values", column), ordered)

    def values_of(self, column: str) -> pl.DataFrame:
        """`code` and `value` of what the codes of a column stand for."""
        sql = f"SELECT code, value FROM kept.{column}_values"  # noqa: S608 - names of ours
        return self._kept((column,), lambda: self.projection.query(sql))

    def query(
        self, sql: str, meeting: Meeting, more: Sequence[object] = (), within_s: float = math.inf
    ) -> pl.DataFrame:
        """Rows of a query in which the meeting's clause stands; the numbers of more values follow those of its own."""
        return self.projection.query(sql, (*meeting.values, *more), meeting.frames, within_s=within_s)

    def meeting(self, wanted: Wanted, *, without: Sequence[date] = ()) -> Meeting:
        """The clause of what is wanted, copies of a photo included.

        Args:
            wanted: which images.
            without: days whose images are not meant.

        Raises:
            SearchError: a condition is on a column that no day has, or its value is of another type.
        """
        self.gold.check(wanted.conditions)
        kept = [each for each in wanted.conditions if is_kept(each)]
        clauses = [clause for each in kept for clause in self._clauses(each)]
        frames = {}
        others = [each for each in wanted.conditions if not is_kept(each)]
        if others:
            frames["met"] = self.gold.select(["image_id"], others)
            clauses.append(Clause("image_id IN (SELECT image_id::UUID FROM met)"))
        if wanted.within is not None:
            frames["within"] = pl.DataFrame({"image_id": wanted.within}, schema={"image_id": pl.String})
            clauses.append(Clause("image_id IN (SELECT image_id::UUID FROM within)"))
        if without:
            clauses.append(_on_others(without))
        if not any(condition.column == "state" for condition in wanted.conditions):
            clauses.append(Clause("state <> ?", (self._code_of("state", "blocked"),)))
        if wanted.owner is not None:
            clauses.append(Clause("user_id = ?", (self._code_of("user_id", wanted.owner),)))
        return _numbered(clauses, frames)

    def _clauses(self, condition: Condition) -> list[Clause]:
        clauses = [clause_of(condition, self.gold.dtypes[condition.column], self.values_of)]
        without = self.days_without(condition.column)
        return [*clauses, _on_others(without)] if without else clauses

    def days_without(self, column: str) -> tuple[date, ...]:
        """Days of an older release, of whose images gold says nothing in this column."""
        return tuple(day for day, schema in self.gold.schemas.items() if column not in schema)

    def _code_of(self, column: str, value: str) -> int:
        values = self.values_of(column)
        codes = values.filter(pl.col("value") == pl.lit(value)).get_column("code")
        return int(codes[0]) if codes.len() else _NO_CODE


def open_gallery(tables: ParquetTables, former: Gallery | None = None) -> Gallery:
    """The gallery as the tables are now; `former` itself when nothing has changed."""
    versions = source_versions(tables, _CONTENT)
    if not versions:
        raise NoDayError(f"{GOLD_IMAGES.name} has no day yet: image-assets run", table=GOLD_IMAGES.name)
    if former and former.versions == versions:
        return former
    return Gallery(tables, open_projection(tables, _CONTENT, former.projection if former else None))


def discard_gallery(tables: ParquetTables) -> None:
    """Have it made anew."""
    discard_projection(tables, _CONTENT)


def is_copyable(columns: Sequence[str]) -> bool:
    """Whether the gallery has all of these columns of gold."""
    return COPYABLE.issuperset(columns)


def _numbered(clauses: Sequence[Clause], frames: Mapping[str, pl.DataFrame]) -> Meeting:
    """One clause; its values are numbered, so that it may stand in a query several times."""
    parts = list[str]()
    values = list[object]()
    for clause in clauses:
        first, *others = clause.sql.split("?")
        numbered = "".join(f"${len(values) + place}{other}" for place, other in enumerate(others, 1))
        parts.append(first + numbered)
        values += clause.values
    return Meeting(" AND ".join(parts) or "true", tuple(values), frames)


def _on_others(days: Sequence[date]) -> Clause:
    return Clause("day NOT IN (SELECT unnest(?::DATE[]))", (list(days),))


def shown_of(meeting: Meeting, wanted: Wanted) -> str:
    """FROM and WHERE of the images, of copies only those that stand for their photo."""
    if wanted.with_duplicates:
        return f"FROM kept.images WHERE {meeting.where}"
    if wanted.is_everything:
        stand_ins = "FROM kept.stand_ins"
    else:
        stand_ins = f"""SELECT min(image_id) FROM kept.images WHERE {meeting.where} AND is_copy AND canonical_id NOT IN
        (SELECT image_id FROM kept.images WHERE {meeting.where} AND NOT is_copy) GROUP BY canonical_id"""  # noqa: S608 - names of ours
    return f"FROM kept.images WHERE {meeting.where} AND (NOT is_copy OR image_id IN ({stand_ins}))"


def checked_place(mark: str) -> Place:
    """Where a mark of the gallery's own pages stands; `SearchError` when no page gave it."""
    place = place_of(mark)
    if not math.isfinite(place[0]) or not _ID.fullmatch(place[1]):
        raise no_mark(mark)
    return place


def behind(key: str, place: Place, values: int) -> Clause:
    """The clause of what is less relevant, or as relevant and of a higher id; its numbers come after so many values."""
    than, name = f"${values + 1}::DOUBLE", f"${values + 2}::UUID"
    return Clause(f"({key} < {than} OR ({key} = {than} AND image_id > {name}))", (-place[0], place[1]))


KEYS: Final = {
    Order.NEWEST: UPLOADED_US,
    Order.LEAST_SURE: f"-coalesce(confidence_ratio, {UNSURE})::DOUBLE",
}
"""What falls from one image to the next; equals follow by id."""
_OUT: Final = {"image_id": "image_id::VARCHAR AS image_id", "canonical_id": "canonical_id::VARCHAR AS canonical_id"}
"""How what is not answered with as it is kept."""
_ELSEWHERE: Final = "SELECT day, user_id, state, reason, stage FROM kept.elsewhere WHERE image_id = $1::UUID"
_IN_GOLD: Final = """SELECT day, user_id_values.value, state_values.value FROM kept.images
LEFT JOIN kept.user_id_values ON user_id_values.code = images.user_id
LEFT JOIN kept.state_values ON state_values.code = images.state WHERE image_id = $1::UUID"""
_COPIES: Final = """WITH photo AS (
SELECT CASE WHEN is_copy THEN canonical_id ELSE image_id END AS id FROM kept.images WHERE image_id = $1::UUID)
SELECT image_id::VARCHAR AS image_id FROM kept.images
WHERE (is_copy AND canonical_id IN (FROM photo)) OR (NOT is_copy AND image_id IN (FROM photo))"""
