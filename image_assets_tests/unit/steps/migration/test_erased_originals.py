"""An image of a registered file is erased: nothing of it is left here, and what lies at its source is told."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from image_assets.errors import StoreUnavailableError
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.opening import open_place
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.sources.sourced_object_store import SourcedObjectStore
from image_assets.steps.images.certificates import copies_of
from image_assets.steps.images.landing import list_landing
from image_assets.steps.migration.withdrawal import withdraw
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.tables.images import BRONZE_IMAGES

if TYPE_CHECKING:
    from conftest import Moving


@pytest.fixture
def taken(moving: "Moving") -> "Moving":
    """Two photos that are in."""
    moving.put("a.jpg")
    moving.put("b.jpg")
    moving.migrate()
    moving.scenario.take_in()
    return moving


def id_of(moving: "Moving", name: str) -> str:
    (found,) = (row["image_id"] for row in moving.scenario.rows(BRONZE_IMAGES) if row["raw_name"] == name)
    return str(found)


def test_the_certificate_tells_of_the_original_at_its_source(taken: "Moving") -> None:
    remains = find_remains(taken.tables, id_of(taken, "a.jpg"))
    erase(taken.tables, remains, "ticket 1")
    (copy,) = copies_of(taken.tables, remains.day, remains.image_id).to_dicts()
    assert copy["place"] == f"the source {taken.source}"
    assert "remove it there" in copy["remains"]
    assert (taken.source / "a.jpg").exists()


def test_no_run_and_no_scan_brings_it_back(taken: "Moving") -> None:
    erase(taken.tables, find_remains(taken.tables, id_of(taken, "a.jpg")), "ticket 1")
    for _ in range(2):
        taken.scenario.take_in()
        assert [row["raw_name"] for row in taken.scenario.rows(BRONZE_IMAGES)] == ["b.jpg"]
        (taken.source / "a.jpg").touch()
        taken.migrate()
    assert {row["path"]: row["kind"] for row in taken.entries()} == {"a.jpg": "erased", "b.jpg": "image"}


def test_another_photo_under_its_path_comes_in_when_it_is_registered(
    taken: "Moving", paint: Callable[..., bytes]
) -> None:
    erase(taken.tables, find_remains(taken.tables, id_of(taken, "a.jpg")), "ticket 1")
    taken.put("a.jpg", paint("blue"))
    taken.migrate()
    taken.scenario.take_in()
    assert sorted(row["raw_name"] for row in taken.scenario.rows(BRONZE_IMAGES)) == ["a.jpg", "b.jpg"]


def test_another_photo_that_was_registered_under_its_path_stays_registered(
    taken: "Moving", paint: Callable[..., bytes]
) -> None:
    erased = id_of(taken, "a.jpg")
    taken.put("a.jpg", paint("blue"))
    taken.migrate()
    erase(taken.tables, find_remains(taken.tables, erased), "ticket 1")
    taken.scenario.take_in()
    rows = {row["raw_name"]: row["image_id"] for row in taken.scenario.rows(BRONZE_IMAGES)}
    assert sorted(rows) == ["a.jpg", "b.jpg"]
    assert rows["a.jpg"] != erased


def test_nothing_that_the_lake_lists_names_it(taken: "Moving") -> None:
    remains = find_remains(taken.tables, id_of(taken, "a.jpg"))
    erase(taken.tables, remains, "ticket 1")
    assert [file.name for file in list_landing(taken.tables.store, remains.day).files] == ["b.jpg"]
    (entry,) = (row for row in taken.entries() if row["path"] == "a.jpg")
    told = {name: value for name, value in entry.items() if value}
    assert told == {"root": entry["root"], "path": "a.jpg", "kind": "erased"}


def test_it_goes_while_its_source_is_away(taken: "Moving") -> None:
    remains = find_remains(taken.tables, id_of(taken, "a.jpg"))
    taken.source.rename(taken.source.with_name("away"))
    erase(taken.tables, remains, "ticket 1")
    assert find_remains(taken.tables, remains.image_id).is_nothing


def test_cut_off_anywhere_it_ends_when_it_is_done_again(taken: "Moving") -> None:
    image_id = id_of(taken, "a.jpg")
    ends = 0
    for budget in range(1, 60):
        left = [budget]
        try:
            erase(dying(taken, left), find_remains(taken.tables, image_id), "ticket 1")
            ends += 1
        except StoreUnavailableError:
            continue
        if ends == 1:
            break
    remains = find_remains(taken.tables, image_id)
    assert remains.is_nothing
    assert [copy["rows_removed"] for copy in copies_of(taken.tables, remains.day, image_id).to_dicts()] == [0]
    assert taken.kinds() == {"a.jpg": "erased", "b.jpg": "image"}
    assert [file.name for file in list_landing(taken.tables.store, remains.day).files] == ["b.jpg"]


def dying(moving: "Moving", left: list[int]) -> ParquetTables:
    """Tables of a store that is gone after so many changes."""

    def spend() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise StoreUnavailableError("killed")

    lake = LocalObjectStore(moving.scenario.root, check=spend)
    return ParquetTables(SourcedObjectStore(lake, partial(open_place, storage=StorageParams())))


def test_to_withdraw_twice_changes_nothing(taken: "Moving") -> None:
    uri = taken.entries()[0]["source_uri"]
    withdraw(taken.tables, taken.scenario.day, uri, None)
    before = files_of(taken.scenario.root)
    withdraw(taken.tables, taken.scenario.day, uri, None)
    assert files_of(taken.scenario.root) == before


def files_of(root: Path) -> str:
    return json.dumps({str(path): path.stat().st_mtime_ns for path in sorted(root.rglob("*.parquet"))})
