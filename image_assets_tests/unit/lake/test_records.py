"""Small facts are kept as JSON and come back as they were, or their damage is named."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import pytest

from image_assets.errors import ModelError, ObjectChangedError, ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.records import parsed_by, read_record, write_record

KEY = ObjectKey("facts/one.json")


@dataclass(frozen=True, slots=True)
class Fact:
    """Of every kind that records have."""

    name: str
    kind: Literal["old", "new"]
    numbers: tuple[int, ...]
    told_at: datetime
    since: Annotated[str, parsed_by(datetime.fromisoformat)]
    more: dict[str, str] | None = None


FACT = Fact("été\n", "new", (1, 2), datetime(2026, 10, 1, 12, tzinfo=UTC), "2026-10-01", {"a": "b"})


def read(store: LocalObjectStore) -> Fact:
    return read_record(store, KEY, Fact, ModelError, "do something")


def test_what_was_kept_is_read(store: LocalObjectStore) -> None:
    write_record(store, KEY, FACT)
    assert read(store) == FACT


def test_text_that_is_none_is_replaced(store: LocalObjectStore) -> None:
    write_record(store, KEY, Fact("a\udcff", "old", (), FACT.told_at, "2026-10-01"))
    assert read(store).name == "a?"


def test_fields_of_another_release_are_passed_over(store: LocalObjectStore) -> None:
    write_record(store, KEY, FACT)
    store.write(KEY, json.dumps({**json.loads(store.read(KEY)), "later": 1}).encode())
    assert read(store) == FACT


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": None}, "name: Input should be a valid string"),
        ({"kind": "other"}, "kind: Input should be 'old' or 'new'"),
        ({"numbers": [1, "x"]}, "numbers: 1: Input should be a valid integer"),
        ({"told_at": "yesterday"}, "told_at: Input should be a valid datetime"),
        ({"since": "yesterday"}, "since: Value error, Invalid isoformat string: 'yesterday'"),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_a_field_that_makes_no_sense_is_named_with_what_to_do(
    store: LocalObjectStore, change: dict[str, object], problem: str
) -> None:
    write_record(store, KEY, FACT)
    store.write(KEY, json.dumps({**json.loads(store.read(KEY)), **change}).encode())
    with pytest.raises(ModelError, match=rf"facts/one\.json is damaged: {problem}.*; do something"):
        read(store)


@pytest.mark.parametrize("data", [b"", b"half of it", b"[]", b"{}", b"\xff", b'{"name":'])
def test_a_damaged_record_is_named_with_what_to_do(store: LocalObjectStore, data: bytes) -> None:
    store.write(KEY, data)
    with pytest.raises(ModelError, match=r"facts/one\.json is damaged: .*; do something"):
        read(store)


def test_a_record_that_is_not_there_is_not_damaged(store: LocalObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError):
        read(store)


def test_a_record_is_kept_over_the_version_that_was_seen(store: LocalObjectStore) -> None:
    write_record(store, KEY, FACT, over=None)
    with pytest.raises(ObjectChangedError):
        write_record(store, KEY, FACT, over=None)
