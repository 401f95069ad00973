"""Groups of images of one photo, by pages, for a person who decides which are the same and which one to keep."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

import polars as pl

from image_assets.lake.day_frames import DayFrames
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.duplicates.pair_decisions import PairWord, read_pair_words
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.plain_labels import plain_label

_TOLD = ["image_id", "canonical_id", "day", "kind", "distance_bits", "similarity", "likeness", "turn"]
_KNOWN = ["image_id", "label", "raw_name", "uploaded_at", "width_px", "height_px", "size_bytes", "format"]


class Keeper(StrEnum):
    """Why an image is the one to keep of its group."""

    MOST_PIXELS = "most_pixels"
    LARGEST_FILE = "largest_file"
    LABELLED = "labelled"
    EARLIEST = "earliest"
    CHOSEN = "chosen"
    """A person said so."""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """The images of one photo, the first of them first.

    Attributes:
        canonical_id: the first, which stands for all.
        images: facts of each: what `duplicate_images` and bronze know, and what people said of it and the first
            (`verdict`, `decided_by`, `since`: the day from which on it counts).
        keeper_id: the one to keep, if one is to be kept.
        keeper: why that one.
    """

    canonical_id: str
    images: Sequence[Mapping[str, Any]]
    keeper_id: str
    keeper: Keeper


@dataclass(frozen=True, slots=True)
class GroupPage:
    """Groups in the order of their first images' ids; `is_last` when there are no more, `total` on all pages."""

    groups: Sequence[DuplicateGroup]
    is_last: bool
    total: int


class DuplicateGroups:
    """Groups of a lake, by pages; may be shared by threads."""

    def __init__(self, tables: ParquetTables, clock: Callable[[], float] = time.monotonic) -> None:
        self._tables = tables
        self._frames = DayFrames(tables, DUPLICATE_IMAGES.name, ["image_id", "canonical_id", "day"], _repeated, clock)
        self._read: tuple[pl.DataFrame, ...] = ()
        self._known: tuple[pl.DataFrame, Mapping[str, date]] = (pl.DataFrame(schema=_REPEATED), {})
        self._reading = threading.Lock()

    def page(self, count: int, after: str = "", *, only_undecided: bool = True) -> GroupPage:
        """The groups behind a canonical id; without those on whose every image people have decided, unless wanted."""
        repeated, _ = self._look()
        said = _verdicts(self._tables) if len(repeated) else {}
        if only_undecided:
            pairs = zip(repeated["canonical_id"], repeated["image_id"], strict=True)
            repeated = repeated.filter(pl.Series([_pair(*each) not in said for each in pairs], dtype=pl.Boolean))
        names = repeated.get_column("canonical_id").unique().sort()
        rest = names.filter(names > after)
        chosen = rest.head(count)
        groups = [_group(rows, said) for rows in self._rows(chosen)]
        return GroupPage(groups, len(rest) <= count, len(names))

    def _look(self) -> tuple[pl.DataFrame, Mapping[str, date]]:
        """Every image that repeats another, and the days of those others."""
        days = self._frames.all()
        with self._reading:
            if days is not self._read or not days:
                repeated = pl.concat([pl.DataFrame(schema=_REPEATED), *days])
                is_first = pl.col("image_id").is_in(repeated["canonical_id"].unique().implode())
                firsts = self._tables.scan(DUPLICATE_IMAGES, ["image_id", "day"], where=is_first)
                self._known, self._read = (repeated, dict(firsts.iter_rows())), days
            return self._known

    def _rows(self, canonical_ids: pl.Series) -> list[pl.DataFrame]:
        """A frame per group; of each image only its own day is read."""
        repeated, first_days = self._look()
        members = repeated.filter(pl.col("canonical_id").is_in(canonical_ids.implode()))
        if members.is_empty():
            return []
        ids = pl.concat([members["image_id"], canonical_ids]).unique()
        is_told = pl.col("image_id").is_in(ids.implode())
        days = sorted({*members["day"], *(day for each in canonical_ids if (day := first_days.get(each)))})
        rows = self._tables.scan(DUPLICATE_IMAGES, _TOLD, days, is_told)
        known = self._tables.scan(BRONZE_IMAGES, _KNOWN, days, is_told)
        is_first = pl.col("image_id") == pl.col("canonical_id")
        rows = rows.join(known, on="image_id").with_columns(plain_label("label"))
        rows = rows.sort("canonical_id", ~is_first, "day", "uploaded_at", "image_id")
        return [group for group in rows.partition_by("canonical_id", maintain_order=True) if group.height > 1]


_REPEATED: Final = {"image_id": pl.String, "canonical_id": pl.String, "day": pl.Date}


def _repeated(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("image_id") != pl.col("canonical_id"))


def _verdicts(tables: ParquetTables) -> dict[frozenset[str], PairWord]:
    """The last word on each pair of images."""
    return {_pair(each.first_id, each.second_id): each for each in read_pair_words(tables.store)}


def _pair(one: str, other: str) -> frozenset[str]:
    return frozenset((one, other))


def _group(rows: pl.DataFrame, said: Mapping[frozenset[str], PairWord]) -> DuplicateGroup:
    canonical_id = str(rows["canonical_id"][0])
    words = {name: said.get(_pair(canonical_id, name)) for name in rows["image_id"]}
    images = [{**row, **_told(words[row["image_id"]])} for row in rows.to_dicts()]
    chosen = [each.keeper_id for each in words.values() if each and each.keeper_id in words]
    if chosen:
        return DuplicateGroup(canonical_id, images, str(chosen[-1]), Keeper.CHOSEN)
    keeper, reason = choose_keeper(images)
    return DuplicateGroup(canonical_id, images, str(keeper["image_id"]), reason)


def _told(word: PairWord | None) -> dict[str, Any]:
    return {name: getattr(word, name, None) for name in ("verdict", "decided_by", "since")}


def choose_keeper(images: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], Keeper]:
    """The image to keep, and what it has before all others: pixels, bytes, a label; else it came first."""
    best, rivals = images[0], images
    for reason, measure in _MEASURES.items():
        most = max(measure(each) for each in rivals)
        leaders = [each for each in rivals if measure(each) == most]
        if len(leaders) == 1:
            return leaders[0], reason
        best, rivals = leaders[0], leaders
    return best, Keeper.EARLIEST


_MEASURES: Final[Mapping[Keeper, Callable[[Mapping[str, Any]], int]]] = {
    Keeper.MOST_PIXELS: lambda image: image["width_px"] * image["height_px"],
    Keeper.LARGEST_FILE: lambda image: image["size_bytes"],
    Keeper.LABELLED: lambda image: image["label"] is not None,
}
