"""Conditions as people write them."""

from datetime import date

import polars as pl
import pytest

from image_assets.errors import SearchError
from image_assets.steps.search.conditions import Condition, expression_of, parse_condition

ROWS = pl.DataFrame(
    {
        "name": ["a", "B", None],
        "raw_name": ["gr\xf6\xdfe.jpg", "gro\u0308\xdfe.jpg", None],
        "label": ["dark red", "red", None],
        "width": [10, 20, None],
        "ratio": [0.5, 0.25, None],
        "is_new": [True, False, None],
        "day": [date(2026, 10, 1), date(2026, 10, 2), None],
        "state": pl.Series(["done", "error", None], dtype=pl.Enum(["done", "error"])),
        "words": [["Red", "blue"], [], None],
        "tags": [[{"tag": "red", "confidence_ratio": 0.9}], [], None],
        "dominant_colours": [["#c01020", "#ffffff"], ["#0000ff"], None],
    }
).with_columns(at=pl.col("day").cast(pl.Datetime("us", "UTC")))


def met(text: str) -> list[int]:
    """Numbers of the rows that meet the condition."""
    condition = parse_condition(text)
    rows = ROWS.with_row_index("number").filter(expression_of(condition, ROWS.schema[condition.column]))
    return rows.get_column("number").to_list()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("name=a", [0]),
        ("name = b", [1]),
        ("name!=b", [0, 2]),
        ("raw_name=GR\xd6\xdfE.jpg", [0, 1]),
        ("raw_name=gro\u0308\xdfe.jpg", [0, 1]),
        ("label= Dark   RED ", [0]),
        ("label!=Dark\tred", [1, 2]),
        ("words= RED ", [0]),
        ("name=", [2]),
        ("name!=", [0, 1]),
        ("width=10", [0]),
        ("width>=11", [1]),
        ("width<=15", [0]),
        ("ratio<=0.3", [1]),
        ("is_new=yes", [0]),
        ("is_new=False", [1]),
        ("day>=2026-10-02", [1]),
        ("at<=2026-10-01T12:00", [0]),
        ("at>=2026-10-02T01:00+01:00", [1]),
        ("state=ERROR", [1]),
        ("state=unheard of", []),
        ("words=red", [0]),
        ("words!=red", [1, 2]),
        ("tags=red", [0]),
        ("tags=", [2]),
        ("dominant_colours=red", [0]),
        ("dominant_colours=Blue", [1]),
        ("dominant_colours=#ffffff", [0]),
    ],
)
def test_a_condition_is_met_by_the_rows_it_describes(text: str, rows: list[int]) -> None:
    assert met(text) == rows


@pytest.mark.parametrize("text", ["", "name", "=a", "na me=a", "name~a"])
def test_what_is_no_condition_is_an_error(text: str) -> None:
    with pytest.raises(SearchError, match="is no condition: write column=value"):
        parse_condition(text)


@pytest.mark.parametrize(
    "text",
    [
        *("width=wide", "ratio>=half", "is_new=maybe", "day=today", "at=noon", "width=1.5"),
        *("width=99999999999999999999", "at=0001-01-01T00:00+14:00"),
    ],
)
def test_a_value_of_another_type_is_an_error(text: str) -> None:
    with pytest.raises(SearchError, match="cannot be compared with it"):
        met(text)


def test_a_list_has_no_order() -> None:
    with pytest.raises(SearchError, match="words is a list: it can only be compared with = and !="):
        met("words>=red")


def test_a_colour_that_has_no_name_here_is_an_error() -> None:
    with pytest.raises(SearchError, match="'teal' is no colour: there are black, white"):
        met("dominant_colours=teal")


def test_any_of_several_values_will_do() -> None:
    expression = expression_of(Condition("name", "=", ("a", "b")), ROWS.schema["name"])
    assert ROWS.filter(expression).height == 2


def test_what_is_none_of_several_values_meets_not_equal() -> None:
    expression = expression_of(Condition("name", "!=", ("a", "b")), ROWS.schema["name"])
    assert ROWS.filter(expression).get_column("name").to_list() == [None]
