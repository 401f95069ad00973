"""Conditions on columns, as people write them, made into expressions by the column's type."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import polars as pl

from image_assets.errors import SearchError
from image_assets.imaging.colour_names import COLOURS, name_hex_colours
from image_assets.labels import normalise_label, normalise_name

COLOUR_COLUMN: Final = "dominant_colours"
_LABELS: Final = {"label", "predicted_label"}

_WRITTEN: Final = re.compile(r"\s*(\w+)\s*(!=|>=|<=|=)\s*(.*?)\s*", re.DOTALL)
_BITS: Final = 64
_TRUTHS: Final = {"true": True, "yes": True, "false": False, "no": False}
_COMPARE: Final[Mapping[str, Callable[[pl.Expr, pl.Expr], pl.Expr]]] = {
    "=": operator.eq,
    "!=": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A column compared with values, of which any one will do; `!=` wants none of them.

    Attributes:
        column: its name.
        comparison: =, !=, >= or <=; of a list, = and != ask whether the value is in it.
        values: as written; texts are compared without regard to case and to how accents are encoded, labels in their
            normal form; an empty one stands for a missing value.
    """

    column: str
    comparison: str
    values: tuple[str, ...]


def parse_condition(text: str) -> Condition:
    """Read `column=value`, or one with !=, >= or <=; `SearchError` when it is neither."""
    found = _WRITTEN.fullmatch(text)
    if not found:
        raise SearchError(f"{text!r} is no condition: write column=value, or with !=, >= or <= instead of =")
    column, comparison, value = found.groups()
    return Condition(column, comparison, (value,))


def expression_of(condition: Condition, dtype: pl.DataType) -> pl.Expr:
    """The condition over a column of this type; a missing value meets no >= and no <=.

    Raises:
        SearchError: a value is not of the column's type, or the type cannot be compared this way.
    """
    column = pl.col(condition.column)
    met = pl.any_horizontal(
        [_met(column, condition, dtype, value) if value else column.is_null() for value in condition.values]
    )
    return ~met if condition.comparison == "!=" else met


def _met(column: pl.Expr, condition: Condition, dtype: pl.DataType, value: str) -> pl.Expr:
    if isinstance(dtype, pl.List):
        if condition.comparison not in {"=", "!="}:
            raise SearchError(f"{condition.column} is a list: it can only be compared with = and !=")
        met = _contains(column, condition.column, dtype, value)
    elif isinstance(dtype, pl.String | pl.Enum | pl.Categorical):
        met = _COMPARE[condition.comparison](_plain(column.cast(pl.String)), pl.lit(_spelt(condition.column, value)))
    else:
        met = _COMPARE[condition.comparison](column, pl.lit(literal_of(condition.column, dtype, value)))
    return met.fill_null(value=False)


def _contains(column: pl.Expr, name: str, dtype: pl.List, value: str) -> pl.Expr:
    if name == COLOUR_COLUMN and not value.startswith("#"):
        if value.lower() not in COLOURS:
            raise SearchError(f"{value!r} is no colour: there are {', '.join(COLOURS)}, and #rrggbb")
        return column.map_batches(lambda lists: _have_colour(lists, value.lower()), return_dtype=pl.Boolean)
    element = pl.element()
    if isinstance(dtype.inner, pl.Struct):
        element = element.struct.field(dtype.inner.fields[0].name)
    return column.list.eval(_plain(element) == normalise_label(value)).list.any()


def _plain(text: pl.Expr) -> pl.Expr:
    return text.str.normalize("NFC").str.to_lowercase().str.normalize("NFC")


def _spelt(column: str, value: str) -> str:
    """A value as the column spells it: labels are kept in their normal form, other texts as they came."""
    plain = normalise_name(normalise_name(value).lower())
    return normalise_label(value) if column in _LABELS else plain


def _have_colour(lists: pl.Series, name: str) -> pl.Series:
    """Which lists of #rrggbb hold a colour of this name."""
    known = lists.explode().drop_nulls().unique()
    names = pl.Series(name_hex_colours(known.to_list()), dtype=pl.String)
    wanted = known.filter(names == name)
    return lists.list.eval(pl.element().is_in(wanted.implode())).list.any()


def literal_of(column: str, dtype: pl.DataType, value: str) -> object:
    """A value as the column's type has it; `SearchError` when it is of another."""
    try:
        if dtype == pl.Boolean:
            return _TRUTHS[value.lower()]
        if dtype == pl.Date:
            return date.fromisoformat(value)
        if isinstance(dtype, pl.Datetime):
            instant = datetime.fromisoformat(value)
            return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
        return _whole(value) if dtype.is_integer() else float(value)
    except (ValueError, KeyError, OverflowError) as error:
        raise SearchError(f"{column} is of type {dtype}: {value!r} cannot be compared with it") from error


def _whole(value: str) -> int:
    number = int(value)
    if number.bit_length() >= _BITS:
        raise ValueError(f"{number} is beyond every column")
    return number
