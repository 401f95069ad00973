"""A day that is cut into lots through the daily job, beside the same day as one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sql import query
from image_assets.opening import open_lake
from image_assets.orchestration.runs.local_runs import run_lots
from image_assets.samples.feed import SampleFile
from image_assets.settings import Settings
from image_assets.steps.images.lots import day_lots
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.steps.vectors.embeddings import lake_tables
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.predictions import IMAGE_PREDICTIONS

DAY, NEXT = date(2026, 3, 14), date(2026, 3, 15)
LOTS = 4
_OWN = {"input_version", "uploaded_at", "ingested_at", "processed_at"}
_TIED = {"predicted_label", "confidence_ratio", "top_labels", "scores"}
"""The encoder finds all words equally near: which comes first follows from the last digit, and that from the batch."""


@dataclass(frozen=True)
class Pair:
    """The settings of two lakes with the same uploads, and the runs that filled them."""

    whole: Settings
    cut: Settings
    runs: tuple[dg.ExecuteInProcessResult, ...]


def _lake(
    root: Path,
    feed: tuple[SampleFile, ...],
    settings_for: Callable[..., Settings],
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
    lots: int,
) -> Settings:
    for file in feed:
        land(root, DAY, file.filename, file.data, file.user_id)
        if file.sidecar is not None:
            land(root, DAY, f"{file.filename}.json", file.sidecar, file.user_id)
    for number in range(8):
        land(root, NEXT, f"{number}.jpg", draw_picture(number))
    # A copy of an image of the day before, and one of the same day.
    land(root, NEXT, "again.jpg", draw_picture(3))
    land(root, NEXT, "old.jpg", next(file.data for file in feed if file.sidecar is None))
    return settings_for(root, lots=lots)


@pytest.fixture(scope="module")
def pair(
    feed_files: tuple[SampleFile, ...],
    settings_for: Callable[..., Settings],
    execute_days: Callable[..., dg.ExecuteInProcessResult],
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Pair:
    """One lake whose days are one, and one whose days are cut."""
    made = [
        _lake(tmp_path_factory.mktemp("lake"), feed_files, settings_for, land, draw_picture, lots) for lots in (1, LOTS)
    ]
    return Pair(made[0], made[1], tuple(execute_days(settings, DAY, NEXT) for settings in made))


def _rows(settings: Settings) -> Mapping[tuple[str, str], pl.DataFrame]:
    """Every table of every day, whatever files it has."""
    tables, found = open_lake(settings), dict[tuple[str, str], list[pl.DataFrame]]()
    for info in tables.store.list(object_keys.TABLES):
        day = object_keys.day_of(info.key)
        if day is not None:
            name = object_keys.table_of(info.key)
            found.setdefault((name, f"{day}"), []).append(tables.scan_files([info.key]))
    whole = {key: pl.concat(parts) for key, parts in found.items()}
    return {key: _sorted(rows.drop(_not_compared(key[0]).intersection(rows.columns))) for key, rows in whole.items()}


def _not_compared(table: str) -> set[str]:
    return _OWN | _TIED | ({"label"} if table.startswith(IMAGE_PREDICTIONS) else set())


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort(name for name in ("image_id", "item", "source_uri", "kind", "name") if name in rows.columns)


def _files(tables: ParquetTables, table: str, day: date = DAY) -> list[str]:
    return [key.rpartition("/")[2] for key in tables.keys(table, day)]


def _written(settings: Settings) -> dict[str, str]:
    return {info.key: info.version for info in open_lake(settings).store.list(object_keys.TABLES)}


def test_a_day_in_lots_has_the_same_rows_in_every_table(pair: Pair) -> None:
    assert all(run.success for run in pair.runs)
    whole, cut = _rows(pair.whole), _rows(pair.cut)
    assert whole.keys() == cut.keys()
    assert [key for key in whole if not whole[key].equals(cut[key])] == []


_NAMES = [f"{number:03}of{LOTS:03}.parquet" for number in range(LOTS)]


def test_each_lot_has_files_of_its_own_and_what_concerns_the_whole_day_has_one(pair: Pair) -> None:
    tables = open_lake(pair.cut)
    of_images = BRONZE_IMAGES.name, embeddings_name("colours"), DUPLICATE_IMAGES.name, GOLD_IMAGES.name
    assert [_files(tables, each) for each in of_images] == [_NAMES] * len(of_images)
    assert _files(tables, DAILY_SUMMARY.name) == [f"{DAY}.parquet"]
    assert _files(open_lake(pair.whole), BRONZE_IMAGES.name) == [f"{DAY}.parquet"]


def test_every_check_of_a_day_in_lots_passes_that_passes_of_a_whole_day(pair: Pair) -> None:
    whole, cut = (
        {(each.check_name, each.asset_key, each.passed) for each in run.get_asset_check_evaluations()}
        for run in pair.runs
    )
    assert whole == cut


def test_a_day_in_lots_that_is_current_is_left_alone(
    pair: Pair, execute_days: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    before = _written(pair.cut)
    assert execute_days(pair.cut, DAY).success
    assert _written(pair.cut) == before


def test_a_day_stays_cut_as_it_was_whatever_the_setting_says_now(
    pair: Pair, settings_for: Callable[..., Settings], execute_days: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    before = _written(pair.cut)
    assert execute_days(settings_for(pair.cut.root, lots=2), DAY).success
    assert _written(pair.cut) == before


def test_sql_sees_the_lots_of_a_day_as_one(pair: Pair) -> None:
    counts = []
    for settings in (pair.whole, pair.cut):
        tables = open_lake(settings)
        counts.append(query(tables, lake_tables(tables, "colours"), "SELECT day, count(*) FROM gold_images GROUP BY 1"))
    assert sorted(counts[0].rows()) == sorted(counts[1].rows())


def test_machines_share_a_day_by_its_lots(
    feed_files: tuple[SampleFile, ...],
    settings_for: Callable[..., Settings],
    define: Callable[[Settings], dg.Definitions],
    execute_days: Callable[..., dg.ExecuteInProcessResult],
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
    tmp_path: Path,
    pair: Pair,
) -> None:
    settings = _lake(tmp_path, feed_files, settings_for, land, draw_picture, LOTS)
    with dg.DagsterInstance.ephemeral() as instance:
        reports = [run_lots(define(settings), instance, DAY, lots) for lots in ("2-3", "0-1")]
        refused = [run_lots(define(settings), instance, DAY, lots) for lots in ("4", "3-4")]
    assert [each.problems for each in reports] == [(), ()]
    assert all("has 4 lots, 0 to 3" in each.problems[0] for each in refused)
    assert len(_files(open_lake(settings), "silver_images")) == LOTS
    assert execute_days(settings, DAY, NEXT).success
    mine, whole = _rows(settings), _rows(pair.whole)
    assert [key for key in whole if not whole[key].equals(mine[key])] == []


def test_an_image_is_erased_from_the_lot_that_has_it(
    feed_files: tuple[SampleFile, ...],
    settings_for: Callable[..., Settings],
    execute_days: Callable[..., dg.ExecuteInProcessResult],
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
    tmp_path: Path,
) -> None:
    settings = _lake(tmp_path, feed_files, settings_for, land, draw_picture, LOTS)
    assert execute_days(settings, DAY, NEXT).success
    tables = open_lake(settings)
    image_id = ImageId(tables.read(GOLD_IMAGES, DAY)["image_id"][0])
    erase(tables, find_remains(tables, image_id), "a test")
    assert image_id not in tables.read(GOLD_IMAGES, DAY)["image_id"]
    assert len(day_lots(tables, DAY)) == LOTS
    assert execute_days(settings, DAY, NEXT).success
    assert image_id not in tables.read(BRONZE_IMAGES, DAY)["image_id"]


def test_one_file_of_duplicates_of_a_day_in_lots_gives_way_to_those_of_its_lots(
    pair: Pair, execute_days: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    tables, before = open_lake(pair.cut), _rows(pair.cut)
    rows = tables.read(DUPLICATE_IMAGES, DAY)
    for key in tables.keys(DUPLICATE_IMAGES.name, DAY):
        tables.store.delete(key)
    tables.replace(DUPLICATE_IMAGES, DAY, rows.clear())
    assert execute_days(pair.cut, DAY).success
    assert _files(tables, DUPLICATE_IMAGES.name) == _NAMES
    assert _rows(pair.cut)[DUPLICATE_IMAGES.name, f"{DAY}"].equals(before[DUPLICATE_IMAGES.name, f"{DAY}"])
