"""Conditions over the gallery's columns: they mean what they mean over gold, and reach DuckDB as values alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import polars as pl

from image_assets.steps.search.conditions import COLOUR_COLUMN, Condition, expression_of, literal_of
from image_assets.steps.search.gallery_content import CODED, LISTS, PLAIN

_COMPARE: Final[Mapping[str, str]] = {"=": "=", "!=": "=", ">=": ">=", "<=": "<="}


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a WHERE clause, in which `?` stands for each of its values."""

    sql: str
    values: tuple[object, ...] = ()


def is_kept(condition: Condition) -> bool:
    """Whether the gallery can decide on it; of colours it knows names only."""
    if condition.column == COLOUR_COLUMN:
        return not any(value.startswith("#") for value in condition.values)
    return condition.column in PLAIN or condition.column in CODED


def clause_of(condition: Condition, dtype: pl.DataType, values_of: Callable[[str], pl.DataFrame]) -> Clause:
    """The condition, where `is_kept`.

    Args:
        condition: on a column of gold.
        dtype: of the column in gold.
        values_of: `code` and `value` of what a column's codes stand for.

    Raises:
        SearchError: a value is not of the column's type, or the type cannot be compared this way.
    """
    if condition.column in CODED:
        return _among_codes(condition, meeting_codes(condition, values_of(condition.column)))
    met = [_met(condition, dtype, value) for value in condition.values]
    sql = f"({' OR '.join(each.sql for each in met)})"
    values = tuple(value for each in met for value in each.values)
    return Clause(f"NOT {sql}" if condition.comparison == "!=" else sql, values)


def meeting_codes(condition: Condition, values: pl.DataFrame) -> list[int]:
    """Codes of the values that meet a condition; 0 when a missing one does."""
    missing = pl.DataFrame({"code": [0], "value": [None]}, schema=values.schema)
    dtype = pl.List(pl.String) if condition.column in LISTS else pl.String()
    # Refuses what is no colour; what is one is looked for by its name, as a word.
    expression_of(condition, dtype)
    asked = replace(condition, column="value") if condition.column == COLOUR_COLUMN else condition
    rows = pl.concat([values, missing]).rename({"value": asked.column})
    return rows.filter(expression_of(asked, dtype)).get_column("code").to_list()


def _among_codes(condition: Condition, codes: Sequence[int]) -> Clause:
    return Clause(f"{condition.column} IN (SELECT unnest(?::UINTEGER[]))", (list(codes),))


def _met(condition: Condition, dtype: pl.DataType, value: str) -> Clause:
    if not value:
        return Clause(f"{condition.column} IS NULL")
    kind = PLAIN[condition.column]
    compared = f"{condition.column} {_COMPARE[condition.comparison]} {_PARAMETERS.get(kind, '?')}"
    return Clause(f"coalesce({compared}, false)", (_plain(kind, literal_of(condition.column, dtype, value)),))


_PARAMETERS: Final = {"FLOAT": "?::FLOAT"}


def _plain(kind: str, literal: object) -> object:
    """A value as DuckDB compares it."""
    if kind == "FLOAT":
        # In the precision of the column, as Polars compares it.
        return pl.select(pl.lit(literal).cast(pl.Float32)).item()
    return literal.replace(tzinfo=None) if isinstance(literal, datetime) else literal
