"""Scrubbing finds what is not what its row says; repairing brings back what is anywhere, and says what is not."""

import errno
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.tiered_object_store import TieredObjectStore
from image_assets.steps.audits.originals import audit_originals
from image_assets.steps.images.silver import DERIVED_TABLES
from image_assets.steps.upkeep.archive import archive_days
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.steps.upkeep.repair import find_remedies, repair_day
from image_assets.steps.upkeep.scrub import (
    EVERYTHING,
    Examination,
    damaged_originals,
    examine_day,
    note_lost_originals,
    scrub,
    share_of_week,
)
from image_assets.tables.images import BRONZE_IMAGES, PATH_COLUMNS, SILVER_IMAGES, THUMBNAILS
from image_assets.tables.table import Table
from image_assets.tables.upkeep import DAMAGED_ORIGINALS

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]

ALL = (BRONZE_IMAGES, *DERIVED_TABLES)
EACH = pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
EACH_DERIVED = pytest.mark.parametrize("table", DERIVED_TABLES, ids=lambda table: table.name)
NOTHING = ~EVERYTHING


@pytest.fixture(scope="module")
def good(scenarios: ModuleType, paint: Paint, tmp_path_factory: pytest.TempPathFactory) -> "Scenario":
    scenario: Scenario = scenarios.Scenario(tmp_path_factory.mktemp("good") / "lake")
    for colour in ("red", "blue"):
        scenario.land(f"anna/{colour}.jpg", paint(colour, size=(640, 480)))
    scenario.take_in()
    scenario.derive()
    scenario.embed()
    shutil.rmtree(scenario.root / "landing")
    return scenario


@pytest.fixture
def day(good: "Scenario", scenario: "Scenario") -> "Scenario":
    """A copy of the good day, whose uploads have left the landing zone."""
    shutil.copytree(good.root, scenario.root)
    return scenario


def an_object(day: "Scenario", table: Table) -> ObjectKey:
    return ObjectKey(str(day.rows(table)[0][PATH_COLUMNS[table.name]]))


def rot(day: "Scenario", key: ObjectKey) -> bytes:
    """One that keeps its size and shows nothing any more; the bytes of before."""
    data = day.store.read(key)
    day.store.write(key, data[:20] + bytes(len(data) - 20))
    return data


def flip(day: "Scenario", key: ObjectKey) -> None:
    """One bit of how its brightness is scaled: a picture that can still be shown."""
    data = bytearray(day.store.read(key))
    data[data.index(b"\xff\xdb") + 8] ^= 1
    day.store.write(key, bytes(data))


def find(tables: ParquetTables, chosen: pl.Expr = EVERYTHING) -> Examination:
    return scrub(tables, tables.days(BRONZE_IMAGES.name), chosen)


def repair(day: "Scenario", tables: ParquetTables | None = None) -> dict[str, str]:
    """What becomes of which file."""
    tables = tables or day.tables
    remedies = find_remedies(tables, find(tables).damages)
    repair_day(tables, day.day, remedies)
    return {each.damage.key: each.words for each in remedies}


def objects(day: "Scenario") -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in day.root.glob("*/**/*") if path.suffix in {".jpg", ".webp"}}


def test_in_so_many_weeks_it_is_the_turn_of_every_image_once() -> None:
    ids = pl.DataFrame({"image_id": [f"{number:08x}-0000-5000-8000-000000000000" for number in range(0, 2**32, 2**24)]})
    sundays = [date(2026, 12, 20) + timedelta(weeks=week) for week in range(4)]
    turns = Counter(name for sunday in sundays for name in ids.filter(share_of_week(sunday, 4))["image_id"])
    assert turns == Counter(ids["image_id"].to_list())


def test_the_share_of_a_week_is_the_same_on_every_day_of_it() -> None:
    ids = pl.DataFrame({"image_id": [f"{number:04x}" for number in range(100)]})
    sunday = date(2026, 12, 20)
    shares = [ids.filter(share_of_week(sunday + timedelta(days=offset), 4)).rows() for offset in (0, 6, 7)]
    assert shares[0] == shares[1] != shares[2]


def test_a_whole_lake_has_no_damage_and_every_file_is_read(day: "Scenario") -> None:
    found = find(day.tables)
    assert (found.objects, found.damages, found.unreadable) == (8, (), ())
    assert found.size_bytes == sum(map(len, objects(day).values()))
    assert not day.tables.exists(DAMAGED_ORIGINALS, day.day)


@EACH
def test_a_file_that_rotted_without_a_change_of_size_is_found_by_reading_it(day: "Scenario", table: Table) -> None:
    key = an_object(day, table)
    rot(day, key)
    assert find(day.tables, NOTHING).damages == ()
    (damage,) = find(day.tables).damages
    assert (damage.table, damage.key, damage.problem) == (table.name, key, "wrong_bytes")


@EACH
def test_a_file_that_is_gone_is_found_in_any_share(day: "Scenario", table: Table) -> None:
    day.store.delete(an_object(day, table))
    assert [each.problem for each in find(day.tables, NOTHING).damages] == ["gone"]


@pytest.mark.parametrize(("number", "is_found"), [(errno.EIO, True), (errno.ENOTCONN, False)])
def test_a_bad_sector_is_a_damaged_file_and_a_storage_that_is_away_is_not(
    day: "Scenario", scenarios: ModuleType, number: int, *, is_found: bool
) -> None:
    key = an_object(day, BRONZE_IMAGES)

    class WornStore(scenarios.HastyStore):  # type: ignore[misc, name-defined]
        __slots__ = ()

        def read(self, wanted: ObjectKey) -> bytes:
            if wanted == key:
                raise StoreUnavailableError("check the disk") from OSError(number, "")
            return bytes(super().read(wanted))

    worn = ParquetTables(WornStore(day.root))
    if is_found:
        assert [(each.key, each.problem) for each in find(worn).damages] == [(key, "unreadable")]
    else:
        with pytest.raises(StoreUnavailableError):
            find(worn)


def test_an_image_is_read_when_it_is_its_turn(day: "Scenario") -> None:
    first, second = (row["image_id"] for row in day.rows(BRONZE_IMAGES))
    assert find(day.tables, pl.col("image_id") == first).objects == 4
    rot(day, an_object(day, BRONZE_IMAGES))
    assert find(day.tables, pl.col("image_id") == second).damages == ()


def test_a_damaged_table_does_not_keep_the_other_days_from_being_read(day: "Scenario") -> None:
    (day.root / "tables/bronze_images/2026-09-30.parquet").write_bytes(b"no table")
    found = find(day.tables)
    assert found.objects == 8
    assert "2026-09-30.parquet cannot be read as Parquet" in found.unreadable[0]


def test_a_lost_original_is_reported_until_it_is_back(day: "Scenario") -> None:
    key = an_object(day, BRONZE_IMAGES)
    data = rot(day, key)
    find(day.tables)
    assert damaged_originals(day.tables) == {day.day: 1}
    (problem,) = audit_originals(day.tables, day.day).problems
    assert problem.startswith(f"{key} is wrong_bytes since ")
    first = day.row(DAMAGED_ORIGINALS)
    assert (note_lost_originals(day.tables, day.day), day.row(DAMAGED_ORIGINALS)) == (1, first)
    day.store.write(key, data)
    assert (note_lost_originals(day.tables, day.day), damaged_originals(day.tables)) == (0, {})
    assert audit_originals(day.tables, day.day).problems == ()


def test_a_lost_original_that_was_erased_is_reported_no_more(day: "Scenario") -> None:
    day.store.delete(an_object(day, BRONZE_IMAGES))
    note_lost_originals(day.tables, day.day)
    erase(day.tables, find_remains(day.tables, day.row(DAMAGED_ORIGINALS)["image_id"]), "ticket 7")
    assert damaged_originals(day.tables) == {}


def test_what_was_refused_for_a_lost_original_is_tried_again_once_it_is_back(day: "Scenario") -> None:
    key, before = an_object(day, BRONZE_IMAGES), objects(day)
    data = rot(day, key)
    find(day.tables)
    day.store.delete(an_object(day, THUMBNAILS))
    assert day.derive()[THUMBNAILS.name].rejected == 1
    day.store.write(key, data)
    note_lost_originals(day.tables, day.day)
    assert day.derive()[THUMBNAILS.name].rejected == 0
    assert objects(day) == before


@EACH_DERIVED
def test_a_rotten_derivative_is_made_again(day: "Scenario", table: Table) -> None:
    before, key = objects(day), an_object(day, table)
    rot(day, key)
    assert repair(day) == {key: "made again"}
    assert day.derive()[table.name].computed == 1
    assert objects(day) == before
    assert find(day.tables).damages == ()


def test_a_vector_that_was_refused_for_a_rotten_silver_image_is_made_after_the_repair(day: "Scenario") -> None:
    rot(day, an_object(day, SILVER_IMAGES))
    (day.root / f"tables/{day.embeddings.name}/{day.day}.parquet").unlink()
    assert day.embed().rejected == 1
    repair(day)
    day.derive()
    assert (day.embed().accepted, day.embed().rejected) == (2, 0)


def test_what_was_refused_for_an_original_that_somebody_put_back_is_tried_again_by_a_repair(day: "Scenario") -> None:
    key = an_object(day, BRONZE_IMAGES)
    data = day.store.read(key)
    day.store.delete(key)
    day.store.delete(an_object(day, THUMBNAILS))
    assert day.derive()[THUMBNAILS.name].rejected == 1
    day.store.write(key, data)
    assert repair(day) == {}
    assert day.derive()[THUMBNAILS.name].rejected == 0


def test_an_original_comes_back_from_the_landing_zone(day: "Scenario") -> None:
    key, before = an_object(day, BRONZE_IMAGES), objects(day)
    (uri,) = (row["source_uri"] for row in day.rows(BRONZE_IMAGES) if row["raw_path"] == key)
    upload = day.root / uri
    upload.parent.mkdir(parents=True)
    upload.write_bytes(rot(day, key))
    assert repair(day) == {key: f"restored from {upload}"}
    upload.unlink()
    assert objects(day) == before
    assert damaged_originals(day.tables) == {}


def test_an_original_comes_back_from_the_archive(day: "Scenario", tmp_path: Path) -> None:
    key, before = an_object(day, BRONZE_IMAGES), objects(day)
    tiers = TieredObjectStore(day.store, type(day.store)(tmp_path / "archive"))
    tiers.mark_archive()
    tiers.archive.write(key, rot(day, key))
    assert repair(day, ParquetTables(tiers)) == {key: f"restored from {tmp_path}/archive/{key}"}
    assert objects(day) == before


def test_an_archived_original_is_read_too_and_comes_back_into_the_lake(
    day: "Scenario", tmp_path: Path, paint: Paint
) -> None:
    tiers = TieredObjectStore(day.store, type(day.store)(tmp_path / "archive"))
    tables = ParquetTables(tiers)
    archive_days(tables, [day.day], 0, datetime.now(UTC))
    assert find(tables).damages == ()
    key = an_object(day, BRONZE_IMAGES)
    data = tiers.archive.read(key)
    tiers.archive.write(key, bytes(len(data)))
    (damage,) = find(tables).damages
    assert (damage.key, damage.problem) == (key, "wrong_bytes")
    (uri,) = (row["source_uri"] for row in day.rows(BRONZE_IMAGES) if row["raw_path"] == key)
    day.store.write(ObjectKey(uri), data)
    assert list(repair(day, tables)) == [key]
    assert day.store.read(key) == data


def test_an_original_comes_back_from_the_same_photo_that_came_once_more(day: "Scenario", paint: Paint) -> None:
    key, before = an_object(day, BRONZE_IMAGES), objects(day)
    day.land("ben/again.jpg", day.store.read(key))
    day.take_in()
    shutil.rmtree(day.root / "landing")
    rot(day, key)
    assert repair(day)[key].startswith(f"restored from {day.root}/bronze/")
    assert before.items() <= objects(day).items()


def test_what_cannot_be_written_holds_no_other_and_nothing_of_its_image_is_removed(day: "Scenario") -> None:
    first, second = (ObjectKey(str(row["raw_path"])) for row in day.rows(BRONZE_IMAGES))
    for key, row in zip((first, second), day.rows(BRONZE_IMAGES), strict=True):
        day.store.write(object_keys.key_of(row["source_uri"]), day.store.read(key))
        day.store.delete(key)
    day.store.write(ObjectKey(f"{first}/in-the-way"), b"")
    thumbnail = ObjectKey(str(day.rows(THUMBNAILS)[0]["thumbnail_path"]))
    rot(day, thumbnail)
    repaired = repair_day(day.tables, day.day, find_remedies(day.tables, find(day.tables).damages))
    assert (len(repaired.problems), first in repaired.problems[0]) == (1, True)
    assert (day.store.exists(second), day.store.exists(thumbnail)) == (True, True)


@pytest.mark.parametrize("is_original_there", [True, False])
def test_nothing_is_removed_of_an_original_that_goes_while_the_question_stands(
    day: "Scenario", *, is_original_there: bool
) -> None:
    row = day.rows(BRONZE_IMAGES)[0]
    original, upload = ObjectKey(str(row["raw_path"])), object_keys.key_of(row["source_uri"])
    thumbnail = an_object(day, THUMBNAILS)
    rot(day, thumbnail)
    if not is_original_there:
        day.store.write(upload, day.store.read(original))
        day.store.delete(original)
    remedies = find_remedies(day.tables, find(day.tables).damages)
    last_copy = original if is_original_there else upload
    day.store.delete(last_copy)
    (problem,) = repair_day(day.tables, day.day, remedies).problems
    assert f"{last_copy} has gone or changed since it was examined" in problem
    assert day.store.exists(thumbnail)
    assert damaged_originals(day.tables) == {day.day: 1}


def test_an_upload_with_other_bytes_restores_nothing(day: "Scenario", paint: Paint) -> None:
    key = an_object(day, BRONZE_IMAGES)
    rot(day, key)
    rotten = day.store.read(key)
    (row,) = (row for row in day.rows(BRONZE_IMAGES) if row["raw_path"] == key)
    day.store.write(ObjectKey(row["source_uri"]), paint("green"))
    (words,) = repair(day).values()
    assert words == f"lost: copy it from a backup and repair again, or: image-assets erase {row['image_id']}"
    assert day.store.read(key) == rotten


def test_of_a_lost_original_what_can_be_shown_stays(day: "Scenario") -> None:
    original, silver = an_object(day, BRONZE_IMAGES), an_object(day, SILVER_IMAGES)
    day.store.delete(original)
    flip(day, silver)
    assert repair(day)[silver] == "kept: its original is lost"
    assert all(report.is_unchanged for report in day.derive().values())


def test_of_a_lost_original_what_cannot_be_shown_becomes_a_rejection(day: "Scenario") -> None:
    original, silver = an_object(day, BRONZE_IMAGES), an_object(day, SILVER_IMAGES)
    day.store.delete(original)
    rot(day, silver)
    assert repair(day)[silver] == "lost: its original is lost"
    assert day.derive()[SILVER_IMAGES.name].rejected == 1
    assert set(day.reasons(SILVER_IMAGES).values()) == {"unreadable"}
    assert all(report.is_unchanged for report in day.derive().values())


def test_a_whole_day_is_left_as_it_is(day: "Scenario") -> None:
    before = day.files()
    assert repair(day) == {}
    assert day.files() == before


def test_a_day_that_never_was_has_nothing_to_examine(day: "Scenario") -> None:
    assert examine_day(day.tables, date(2026, 1, 1)) == Examination()
