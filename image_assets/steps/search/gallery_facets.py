"""Facets: how many images a click on a value of a column would show."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import polars as pl

from image_assets.errors import SearchError
from image_assets.steps.search.conditions import COLOUR_COLUMN, Condition
from image_assets.steps.search.gallery import Gallery, Meeting, Wanted
from image_assets.steps.search.gallery_content import CODED, LISTS

FACETS: Final = (
    *("label", "predicted_label", "tags", COLOUR_COLUMN, "user_id"),
    *("day", "state", "policy", "needs_review", "is_duplicate"),
)
"""Columns of gold whose values can be counted."""

TOP: Final = 20
"""Values that are listed of each facet, where nobody asks for more."""
BUDGET_S: Final = 0.4
"""How long counting under conditions may take; without any it is done once for all."""

Value = str | bool | date | None


@dataclass(frozen=True, slots=True)
class Facet:
    """A column's values with their numbers of images.

    Attributes:
        counts: the most frequent ones, days from the newest; None stands for a missing value.
        more: how many other values there are.
    """

    counts: tuple[tuple[Value, int], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Listed:
    """Which values of a facet are listed, besides those that are chosen.

    Attributes:
        top: at most so many.
        holding: only those in which this text is found, in whatever case.
    """

    top: int = TOP
    holding: str = ""


def count_facets(
    gallery: Gallery,
    wanted: Wanted,
    columns: Sequence[str],
    budget_s: float = BUDGET_S,
    listed: Listed = Listed(),
) -> Mapping[str, Facet | None]:
    """Facets by column; None for those for which there was no time.

    A facet's own values do not count as a condition: another value of it would be added to them, not met as well.

    Raises:
        SearchError: a column has no facet, or a condition makes no sense.
    """
    unknown = [name for name in columns if name not in FACETS]
    if unknown:
        raise SearchError(f"{unknown[0]!r} has no facet: {', '.join(FACETS)} have")
    until = time.monotonic() + budget_s
    facets: dict[str, Facet | None] = dict.fromkeys(columns)
    for others, names in _alike(gallery, wanted, facets):
        with suppress(TimeoutError):
            counts = _remembered(gallery, others, names, until)
            facets |= {name: _facet(wanted, name, counts[name], listed) for name in names}
    return facets


def _alike(gallery: Gallery, wanted: Wanted, columns: Iterable[str]) -> Iterator[tuple[Wanted, tuple[str, ...]]]:
    """Facets that are counted together: under the same conditions, of the same images."""
    alike: dict[tuple[Wanted, tuple[date, ...]], list[str]] = {}
    for name in columns:
        others = tuple(each for each in wanted.conditions if each not in _chosen(wanted, name))
        alike.setdefault((replace(wanted, conditions=others), gallery.days_without(name)), []).append(name)
    yield from ((others, tuple(names)) for (others, _), names in alike.items())


def _remembered(gallery: Gallery, wanted: Wanted, names: Sequence[str], until: float) -> Mapping[str, pl.DataFrame]:
    """Without conditions all are counted, whoever asks first, and kept as long as the gallery."""
    within_s, counted = until - time.monotonic(), tuple(names)
    if wanted.is_everything:
        without = gallery.days_without(names[0])
        within_s, counted = math.inf, tuple(name for name in FACETS if gallery.days_without(name) == without)
    return gallery.remember(("facets", wanted, counted), lambda: _count(gallery, wanted, counted, within_s))


def _chosen(wanted: Wanted, name: str) -> list[Condition]:
    return [each for each in wanted.conditions if each.column == name and each.comparison == "="]


def _facet(wanted: Wanted, name: str, counts: pl.DataFrame, listed: Listed) -> Facet:
    """The first values, and behind them what is chosen already, that it can be left out again."""
    by, falls = (["value"], [True]) if name == "day" else (["images", "value"], [True, False])
    chosen = [value.lower() for each in _chosen(wanted, name) for value in each.values]
    words = pl.col("value").cast(pl.String).str.to_lowercase().fill_null("")
    is_chosen = words.is_in(chosen)
    ordered = counts.filter(words.str.contains(listed.holding.lower(), literal=True) | is_chosen)
    ordered = ordered.sort(by, descending=falls, nulls_last=True).with_row_index("place")
    shown = ordered.filter((pl.col("place") < listed.top) | is_chosen)
    return Facet(tuple(shown.select("value", "images").iter_rows()), ordered.height - shown.height)


def _count(gallery: Gallery, wanted: Wanted, names: Sequence[str], within_s: float) -> Mapping[str, pl.DataFrame]:
    """`value` and `images` of every value, by column."""
    until = time.monotonic() + within_s
    meeting = gallery.meeting(wanted, without=gallery.days_without(names[0]))
    counts = _of_originals(gallery, meeting, names, within_s, with_copies=wanted.with_duplicates)
    if "state" in names and not any(each.column == "state" for each in wanted.conditions):
        counts = {**counts, "state": pl.concat([counts["state"], _blocked(gallery, wanted)])}
    if wanted.with_duplicates:
        return counts
    copies = _copies(gallery, meeting, names, until - time.monotonic())
    return {
        name: pl.concat([counts[name], _of_copies(gallery, name, copies)]).group_by("value").agg(pl.col("images").sum())
        for name in names
    }


def _blocked(gallery: Gallery, wanted: Wanted) -> pl.DataFrame:
    """What is shown to nobody but to who asks for this state."""
    images = gallery.count(replace(wanted, conditions=(*wanted.conditions, Condition("state", "=", ("blocked",)))))
    row = pl.DataFrame({"value": ["blocked"], "images": [images]}, schema={"value": pl.String, "images": pl.Int64})
    return row.filter(pl.col("images") > 0)


def _of_originals(
    gallery: Gallery, meeting: Meeting, names: Sequence[str], within_s: float, *, with_copies: bool
) -> Mapping[str, pl.DataFrame]:
    which = "true" if with_copies else "NOT is_copy"
    sets = ", ".join(f"({name})" for name in names)
    sql = f"""SELECT {", ".join(names)}, grouping({", ".join(names)}) AS others, count(*) AS images
    FROM kept.images WHERE {meeting.where} AND {which} GROUP BY GROUPING SETS ({sets})"""  # noqa: S608 - names of ours
    rows = gallery.query(sql, meeting, within_s=within_s)
    # A bit for each column that a row is not about, the last column's lowest.
    every = 2 ** len(names) - 1
    return {
        name: _totals(gallery, name, rows.filter(pl.col("others") == every - (1 << place)))
        for place, name in enumerate(reversed(names))
    }


def _totals(gallery: Gallery, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    valued = _as_values(gallery, name, rows.select("images", code=name))
    return valued.group_by("value").agg(pl.col("images").sum())


def _copies(gallery: Gallery, meeting: Meeting, names: Sequence[str], within_s: float) -> pl.DataFrame:
    """Copies beside the originals that are found with them; `photo` names the original."""
    pairs = ", ".join(f"copies.{name} AS {name}, originals.{name} AS original_{name}" for name in names)
    listed = ", ".join(names)
    sql = f"""SELECT hash(canonical_id) AS photo, originals.image_id IS NOT NULL AS is_met, {pairs}
    FROM (SELECT canonical_id, {listed} FROM kept.images WHERE {meeting.where} AND is_copy) copies
    LEFT JOIN (SELECT image_id, {listed} FROM kept.images WHERE {meeting.where} AND NOT is_copy) originals
    ON originals.image_id = copies.canonical_id"""  # noqa: S608 - names of ours
    return gallery.query(sql, meeting, within_s=within_s)


def _of_copies(gallery: Gallery, name: str, copies: pl.DataFrame) -> pl.DataFrame:
    """Photos that only copies show under a value: a click on it would show one copy of each."""
    differs = ~pl.col("is_met") | pl.col(name).ne_missing(pl.col(f"original_{name}"))
    rows = copies.filter(differs)
    shown = _as_values(gallery, name, rows.select("photo", code=name).unique()).unique()
    if name in LISTS:
        met = rows.filter("is_met").select("photo", code=f"original_{name}").unique()
        shown = shown.join(_as_values(gallery, name, met), on=["photo", "value"], how="anti", nulls_equal=True)
    return shown.group_by("value").agg(images=pl.len().cast(pl.Int64))


def _as_values(gallery: Gallery, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The same with values in place of codes, and of a list with a row for each of its elements."""
    if name not in CODED:
        return rows.rename({"code": "value"})
    valued = rows.join(gallery.values_of(name), on="code", how="left").drop("code")
    # A list without elements has no value to click on.
    return valued.filter(pl.col("value").list.len().fill_null(1) > 0).explode("value") if name in LISTS else valued
