"""The cold archive: old originals move, stay readable, come back when asked, and are never lost on the way."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from image_assets.compute.engine import SerialEngine
from image_assets.errors import ConfigurationError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.imaging.derivatives import DerivativeParams, SilverParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.tiered_object_store import TieredObjectStore
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.silver import derive_day
from image_assets.steps.upkeep.archive import archive_days, day_of_original, old_days, restore_day
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.upkeep import ARCHIVED_ORIGINALS

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
DAY = date(2026, 10, 1)


@pytest.fixture
def tables(scenario: "Scenario", paint: Paint, tmp_path: Path) -> ParquetTables:
    """A day of three originals, with an empty archive beside the lake."""
    for colour in ("red", "green", "blue"):
        scenario.land(f"anna/{colour}.jpg", paint(colour))
    scenario.take_in()
    scenario.derive()
    return tables_of(tmp_path, scenario.store)


def tables_of(folder: Path, hot: ObjectStore) -> ParquetTables:
    return ParquetTables(TieredObjectStore(hot, type(hot)(folder / "archive")))


def archive(tables: ParquetTables, now: datetime = NOW) -> int:
    return archive_days(tables, old_days(tables, 90, now.date()), 90, now).moved


def originals(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in root.rglob("bronze/**/*.jpg")}


def test_an_archived_original_has_left_the_lake_and_is_read_under_its_key(
    tables: ParquetTables, tmp_path: Path
) -> None:
    before = originals(tmp_path / "lake")
    assert archive(tables) == 3
    assert originals(tmp_path / "lake") == {}
    assert originals(tmp_path / "archive") == before
    for key in tables.read(BRONZE_IMAGES, DAY).get_column("raw_path"):
        assert tables.store.read(key) == before[key.rpartition("/")[2]]


def test_the_manifest_names_every_copy_with_its_digest(tables: ParquetTables) -> None:
    archive(tables)
    bronze = tables.read(BRONZE_IMAGES, DAY).sort("image_id")
    manifest = tables.read(ARCHIVED_ORIGINALS, DAY)
    assert manifest.get_column("sha256").equals(bronze.get_column("sha256"))
    assert all(Path(uri).is_file() for uri in manifest.get_column("archive_uri"))


def test_young_days_stay(tables: ParquetTables) -> None:
    assert archive(tables, datetime(2026, 12, 30, 23, tzinfo=UTC)) == 0
    assert archive(tables, datetime(2026, 12, 31, 0, tzinfo=UTC)) == 3


def test_what_is_archived_already_is_not_looked_at_again(tables: ParquetTables) -> None:
    archive(tables)
    assert old_days(tables, 90, NOW.date()) == []


def test_derivatives_are_made_anew_from_archived_originals(tables: ParquetTables) -> None:
    archive(tables)
    params = DerivativeParams(silver=SilverParams(quality=50))
    (silver, _, _) = derive_day(tables, DAY, params, SerialEngine(), chunk_size=16)
    assert (silver.computed, silver.rejected) == (3, 0)


def test_a_late_file_of_an_archived_day_is_taken_in_and_archived_like_the_others(
    tables: ParquetTables, scenario: "Scenario", paint: Paint
) -> None:
    archive(tables)
    scenario.land("anna/late.jpg", paint("white"))
    take_in_day(tables, DAY, InspectParams(), SerialEngine(), chunk_size=8)
    assert archive(tables) == 1
    assert tables.read(ARCHIVED_ORIGINALS, DAY).height == 4


def test_a_restored_original_is_back_and_the_archive_keeps_its_copy(tables: ParquetTables, tmp_path: Path) -> None:
    before = originals(tmp_path / "lake")
    archive(tables)
    assert restore_day(tables, DAY, NOW) == 3
    assert originals(tmp_path / "lake") == originals(tmp_path / "archive") == before
    assert restore_day(tables, DAY, NOW) == 0


def test_one_original_can_be_restored_alone(tables: ParquetTables, tmp_path: Path) -> None:
    archive(tables)
    image_id = tables.read(BRONZE_IMAGES, DAY).get_column("image_id")[1]
    assert restore_day(tables, day_of_original(tables, image_id), NOW, [image_id]) == 1
    assert list(originals(tmp_path / "lake")) == [f"{image_id}.jpg"]


def test_a_restored_original_stays_until_it_is_as_old_again(tables: ParquetTables) -> None:
    archive(tables)
    restore_day(tables, DAY, NOW)
    assert archive(tables, NOW + timedelta(days=89)) == 0
    assert archive(tables, NOW + timedelta(days=91)) == 3


def test_an_original_that_is_not_what_bronze_says_stays_where_it_is_and_is_named(
    tables: ParquetTables, tmp_path: Path
) -> None:
    key = ObjectKey(tables.read(BRONZE_IMAGES, DAY).get_column("raw_path")[0])
    tables.store.write(key, b"bit rot")
    report = archive_days(tables, [DAY], 90, NOW)
    assert (report.moved, report.damaged) == (2, (key,))
    assert (tmp_path / "lake" / key).read_bytes() == b"bit rot"


def test_a_copy_that_went_bad_in_the_archive_is_not_brought_back(tables: ParquetTables) -> None:
    archive(tables)
    key = ObjectKey(tables.read(BRONZE_IMAGES, DAY).get_column("raw_path")[0])
    assert isinstance(tables.store, TieredObjectStore)
    tables.store.archive.write(key, b"bit rot")
    with pytest.raises(StoreUnavailableError, match="not what was archived"):
        restore_day(tables, DAY, NOW)


def test_erasing_reaches_into_the_archive(tables: ParquetTables, tmp_path: Path) -> None:
    archive(tables)
    image_id = tables.read(BRONZE_IMAGES, DAY).get_column("image_id")[0]
    erase(tables, find_remains(tables, image_id), "ticket 7")
    assert f"{image_id}.jpg" not in originals(tmp_path / "archive")
    assert tables.read(ARCHIVED_ORIGINALS, DAY).height == 2


def test_a_lake_without_an_archive_says_what_to_set(scenario: "Scenario") -> None:
    with pytest.raises(ConfigurationError, match="IMAGE_ASSETS_ARCHIVE_ROOT"):
        restore_day(scenario.tables, DAY, NOW)


@pytest.fixture
def cut_off(scenarios: ModuleType, tmp_path: Path) -> Callable[[Callable[[ParquetTables], object]], Iterator[Path]]:
    """A copy of both tiers after each point at which the work can be cut off, one after the other."""
    return lambda work: _cut_off(scenarios.MortalStore, tmp_path, work)


def _cut_off(
    store: Callable[[Path, list[int]], ObjectStore], folder: Path, work: Callable[[ParquetTables], object]
) -> Iterator[Path]:
    copy, changes = folder / "cut", 0
    while True:
        shutil.rmtree(copy, ignore_errors=True)
        for tier in folder.glob("[la]*"):
            shutil.copytree(tier, copy / tier.name)
        left = [changes]
        try:
            work(ParquetTables(TieredObjectStore(store(copy / "lake", left), store(copy / "archive", left))))
            break
        except StoreUnavailableError:
            yield copy
        changes += 1
    assert changes > 3


def test_archiving_that_is_cut_off_anywhere_loses_nothing_and_ends_when_it_is_repeated(
    tables: ParquetTables, tmp_path: Path, cut_off: Callable[..., Iterator[Path]]
) -> None:
    before = originals(tmp_path / "lake")
    for cut in cut_off(archive):
        assert originals(cut) == before
        again = tables_of(cut, LocalObjectStore(cut / "lake"))
        archive(again)
        assert again.read(ARCHIVED_ORIGINALS, DAY).height == len(before)
        assert originals(cut / "archive") == before
        assert originals(cut / "lake") == {}


def test_restoring_that_is_cut_off_anywhere_loses_nothing_and_ends_when_it_is_repeated(
    tables: ParquetTables, tmp_path: Path, cut_off: Callable[..., Iterator[Path]]
) -> None:
    archive(tables)
    before = originals(tmp_path / "archive")
    for cut in cut_off(lambda tables: restore_day(tables, DAY, NOW)):
        assert originals(cut / "archive") == before
        restore_day(tables_of(cut, LocalObjectStore(cut / "lake")), DAY, NOW)
        assert originals(cut / "lake") == before
