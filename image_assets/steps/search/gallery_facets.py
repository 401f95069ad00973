"""Facets: how many images a click on a value of a column would show."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import polars as pl

from image_assets.errors import SearchError
from image_assets.steps.search.conditions import COLOUR_COLUMN
from image_assets.steps.search.gallery import Gallery, Meeting, Wanted
from image_assets.steps.search.gallery_content import CODED, LISTS

FACETS: Final = (
    *("label", "predicted_label", "tags", COLOUR_COLUMN, "user_id"),
    *("day", "state", "policy", "needs_review", "is_duplicate"),
)
"""Columns of gold whose values can be counted."""

_TOP: Final = 20
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


def count_facets(
    gallery: Gallery, wanted: Wanted, columns: Sequence[str], budget_s: float = BUDGET_S
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
    return {name: _facet(gallery, wanted, name, until) for name in columns}


def _facet(gallery: Gallery, wanted: Wanted, name: str, until: float) -> Facet | None:
    chosen = [each for each in wanted.conditions if each.column == name and each.comparison == "="]
    others = replace(wanted, conditions=tuple(each for each in wanted.conditions if each not in chosen))
    within_s = float("inf") if others.is_everything else until - time.monotonic()
    try:
        counts = gallery.remember(("facet", name, others), lambda: _count(gallery, others, name, within_s))
    except TimeoutError:
        return None
    order = {"descending": [True, True]} if name == "day" else {"descending": [True, False], "nulls_last": True}
    ordered = counts.sort(["value" if name == "day" else "images", "value"], **order)
    return _top(ordered, {value.lower() for each in chosen for value in each.values})


def _top(counts: pl.DataFrame, chosen: set[str]) -> Facet:
    """The first values, and behind them what is chosen already, that it can be left out again."""
    is_chosen = pl.col("value").cast(pl.String).str.to_lowercase().fill_null("").is_in(list(chosen))
    shown = counts.with_row_index("place").filter((pl.col("place") < _TOP) | is_chosen)
    return Facet(tuple(shown.select("value", "images").iter_rows()), counts.height - shown.height)


def _count(gallery: Gallery, wanted: Wanted, name: str, within_s: float) -> pl.DataFrame:
    """`value` and `images` of every value."""
    meeting = gallery.meeting(wanted, with_blocked=name == "state")
    of_copies = None if wanted.with_duplicates else _of_copies(gallery, meeting, name, within_s)
    mine = "true" if wanted.with_duplicates else "NOT is_copy"
    sql = f"SELECT {name} AS code, count(*) AS images FROM kept.images WHERE {meeting.where} AND {mine} GROUP BY {name}"
    counts = _as_values(gallery, name, gallery.query(sql, meeting, within_s=within_s))
    parts = [counts] if of_copies is None else [counts, of_copies]
    return pl.concat(parts).group_by("value").agg(pl.col("images").sum())


def _of_copies(gallery: Gallery, meeting: Meeting, name: str, within_s: float) -> pl.DataFrame:
    """Photos that only copies show under a value: a click on it would show one copy of each."""
    sql = f"""SELECT hash(canonical_id) AS photo, copies.{name} AS code, originals.{name} AS original,
    originals.image_id IS NOT NULL AS is_met
    FROM (SELECT canonical_id, {name} FROM kept.images WHERE {meeting.where} AND is_copy) copies
    LEFT JOIN (SELECT image_id, {name} FROM kept.images WHERE {meeting.where} AND NOT is_copy) originals
    ON originals.image_id = copies.canonical_id
    WHERE originals.image_id IS NULL OR copies.{name} IS DISTINCT FROM originals.{name}"""
    rows = gallery.query(sql, meeting, within_s=within_s)
    shown = _as_values(gallery, name, rows.select("photo", "code")).unique()
    if name in LISTS:
        met = rows.filter("is_met").select("photo", code="original").unique()
        shown = shown.join(_as_values(gallery, name, met), on=["photo", "value"], how="anti", nulls_equal=True)
    return shown.group_by("value").agg(images=pl.len().cast(pl.Int64))


def _as_values(gallery: Gallery, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The same with values in place of codes, and of a list with a row for each of its elements."""
    if name not in CODED:
        return rows.rename({"code": "value"})
    valued = rows.join(gallery.values_of(name), on="code", how="left").drop("code")
    # A list without elements has no value to click on.
    return valued.filter(pl.col("value").list.len().fill_null(1) > 0).explode("value") if name in LISTS else valued
