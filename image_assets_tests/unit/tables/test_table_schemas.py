import math
import re
from collections.abc import Iterator

import dataframely as dy
import polars as pl
import pytest

from image_assets.errors import RejectionReason
from image_assets.tables.catalogue import TABLES
from image_assets.tables.embeddings import embeddings_table
from image_assets.tables.rejections import REASONS, rejections_of
from image_assets.tables.table import Table

Row = dict[str, object]

ALL = {table.name: table for table in (*TABLES, embeddings_table("tiny", 3))}
NOT_A_UUID = "3f2b8c1e-0000-4000-8000-000000000000"

BREAKERS: list[tuple[str, str, Row]] = [
    ("bronze_images", "an id of another version", {"image_id": NOT_A_UUID}),
    ("bronze_images", "an upper-case digest", {"sha256": "A" * 64}),
    ("bronze_images", "a short digest", {"sha256": "0" * 63}),
    ("bronze_images", "no width", {"width_px": 0}),
    ("bronze_images", "no frame", {"frames": 0}),
    ("bronze_images", "an empty source", {"source_uri": ""}),
    ("bronze_images", "an empty path", {"raw_path": ""}),
    ("bronze_images", "no name", {"raw_name": None}),
    ("bronze_images", "an empty version", {"input_version": ""}),
    ("bronze_images", "no recipe", {"recipe_version": None}),
    ("silver_images", "513 columns", {"width_px": 513}),
    ("silver_images", "513 rows", {"height_px": 513}),
    ("silver_images", "a hash with another letter", {"phash": "0123456789abcdeg"}),
    ("silver_images", "a short hash", {"phash": "0123"}),
    ("silver_images", "a negative blur", {"blur": -1.0}),
    ("silver_images", "too bright", {"brightness_ratio": 1.5}),
    ("silver_images", "too little contrast", {"contrast_ratio": -0.1}),
    ("silver_images", "more than eight bits", {"entropy_bits": 8.1}),
    ("silver_images", "a negative aspect", {"aspect_ratio": -0.5}),
    ("silver_images", "a colour without its sign", {"dominant_colours": ["a0b1c2"]}),
    ("thumbnails", "301 columns", {"width_px": 301}),
    ("thumbnails", "301 rows", {"height_px": 301}),
    ("watermarked_previews", "1201 columns", {"width_px": 1201}),
    ("watermarked_previews", "1201 rows", {"height_px": 1201}),
    ("rejected_images", "an item that is neither id nor source", {"item": "something"}),
    ("rejected_images", "an unknown id as item", {"item": "3f2b8c1e-0000-5000-8000-000000000000"}),
    ("rejected_images", "an empty source", {"source_uri": "", "item": ""}),
    ("rejected_images", "no detail", {"detail": None}),
    ("gold_images", "too bright", {"brightness_ratio": 1.5}),
    ("gold_images", "no state", {"state": None}),
    ("duplicate_images", "a near image that stands for itself", {"kind": "near"}),
    ("duplicate_images", "more bits than there are", {"distance_bits": 65}),
    ("image_moderation", "a held image without its policy", {"verdict": "review"}),
    ("image_moderation", "a policy though it is allowed", {"policy": "weapons"}),
    ("daily_summary", "no count", {"images": None}),
    ("image_embeddings/tiny", "a longer vector", {"embedding": [1.0, 1.0, 0.0]}),
    ("image_embeddings/tiny", "a zero vector", {"embedding": [0.0, 0.0, 0.0]}),
    ("image_embeddings/tiny", "a NaN", {"embedding": [math.nan, 0.6, 0.8]}),
    ("image_embeddings/tiny", "an infinity", {"embedding": [math.inf, 0.0, 0.0]}),
    ("image_embeddings/tiny", "no number", {"embedding": [None, 0.6, 0.8]}),
]

SPOILT_VALUES: dict[pl.DataType, tuple[object, ...]] = {
    pl.String(): ("", "?"),
    pl.UInt32(): (0,),
    pl.Float32(): (-1.0, 9.0, math.nan, math.inf),
    pl.List(pl.String): ([None], ["?"]),
}


def spoilt_values(good: object, dtype: pl.DataType) -> Iterator[object]:
    """Values that a column refuses, among them lists of too few, too many and spoilt entries."""
    yield from (None, *SPOILT_VALUES.get(dtype, ()))
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct) and isinstance(good, list):
        yield from ([], [None], good * 9)
        for field in dtype.inner.fields:
            values = (None, *SPOILT_VALUES.get(field.dtype, ()))
            yield from ([{**good[0], field.name: value}] for value in values)


def frame(table: Table, *rows: Row) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema={name: column.dtype for name, column in table.schema.columns().items()})


def test_a_good_row_of_every_table_is_accepted(good_rows: dict[str, Row]) -> None:
    assert [name for name, table in ALL.items() if not table.schema.is_valid(frame(table, good_rows[name]))] == []


@pytest.mark.parametrize(("name", "what", "change"), BREAKERS, ids=lambda value: str(value)[:40])
def test_a_row_that_breaks_a_rule_is_refused(name: str, what: str, change: Row, good_rows: dict[str, Row]) -> None:
    table = ALL[name]
    assert not table.schema.is_valid(frame(table, {**good_rows[name], **change})), what


def test_a_key_occurs_once_in_every_table(good_rows: dict[str, Row]) -> None:
    twice = {name: frame(table, good_rows[name], good_rows[name]) for name, table in ALL.items()}
    assert [name for name, rows in twice.items() if ALL[name].schema.is_valid(rows)] == []


def test_every_rule_is_broken_by_an_example(good_rows: dict[str, Row]) -> None:
    assert {name: rules for name in ALL if (rules := unbroken_rules(ALL[name], good_rows[name]))} == {}


def unbroken_rules(table: Table, good: Row) -> set[str]:
    spoilt = [frame(table, good, good)]
    spoilt += [frame(table, {**good, **change}) for name, _, change in BREAKERS if name == table.name]
    for name, column in table.schema.columns().items():
        spoilt += [frame(table, {**good, name: value}) for value in spoilt_values(good.get(name), column.dtype)]
    broken = {rule for rows in spoilt for rule in table.schema.filter(rows).failure.counts()}
    # dataframely names all rules of a schema nowhere else.
    return set(table.schema._validation_rules(with_cast=False)) - broken


def columns() -> Iterator[tuple[Table, str, dy.Column]]:
    for table in ALL.values():
        yield from ((table, name, column) for name, column in table.schema.columns().items())


def test_only_columns_that_may_be_null_may_be_null(good_rows: dict[str, Row]) -> None:
    for table, name, column in columns():
        is_valid = table.schema.is_valid(frame(table, {**good_rows[table.name], name: None}))
        assert is_valid == column.nullable, (table.name, name)


def test_every_column_is_described_in_a_sentence() -> None:
    described = {(table.name, name): column.description or "" for table, name, column in columns()}
    assert [key for key, words in described.items() if not re.fullmatch(r"\S.*[.)]", words)] == []


def test_every_instant_is_in_utc_and_is_named_so() -> None:
    utc = pl.Datetime("us", "UTC")
    assert [(t.name, name) for t, name, column in columns() if name.endswith("_at") != (column.dtype == utc)] == []


def test_every_table_has_the_day_of_its_partition() -> None:
    assert {table.schema.columns()["day"].dtype for table in ALL.values()} == {pl.Date()}


def test_every_computed_row_says_from_what_and_when_it_was_made() -> None:
    said = {"input_version", "recipe_version", "processed_at"}
    silent = [name for name, table in ALL.items() if not said <= set(table.schema.column_names())]
    assert silent == ["daily_summary"], "which counts rows of its day and is compared as a whole"


def test_every_reason_of_the_closed_list_may_be_stored(good_rows: dict[str, Row]) -> None:
    table = ALL["rejected_images"]
    for reason in RejectionReason:
        assert table.schema.is_valid(frame(table, {**good_rows[table.name], "reason": reason.value}))
    assert [reason.value for reason in RejectionReason] == REASONS


def test_the_companion_of_a_table_holds_rejections() -> None:
    companion = rejections_of(ALL["image_embeddings/tiny"])
    assert companion.name == "_rejections/image_embeddings/tiny"
    assert {*ALL["rejected_images"].schema.columns()} - {*companion.schema.columns()} == {"state"}


def test_vectors_of_two_encoders_have_tables_of_their_own() -> None:
    assert embeddings_table("a", 3).name != embeddings_table("b", 3).name


class Before(dy.Schema):
    """A shape."""

    key = dy.String(primary_key=True, description="The key.")
    value = dy.Int64(description="A number.")


class Retyped(dy.Schema):
    """A shape."""

    key = dy.String(primary_key=True, description="The key.")
    value = dy.Int32(description="A number.")


class Wider(dy.Schema):
    """A shape."""

    key = dy.String(primary_key=True, description="The key.")
    value = dy.Int64(description="A number.")
    other = dy.Int64(description="Another number.")


class Described(dy.Schema):
    """Other words for the same shape."""

    key = dy.String(primary_key=True, description="Names the row.")
    value = dy.Int64(description="How many.")


@pytest.mark.parametrize("changed", [Retyped, Wider], ids=["another type", "another column"])
def test_another_shape_has_another_fingerprint(changed: type[dy.Schema]) -> None:
    assert Table("t", changed).fingerprint != Table("t", Before).fingerprint


def test_other_words_make_no_other_fingerprint() -> None:
    assert Table("t", Described).fingerprint == Table("t", Before).fingerprint
