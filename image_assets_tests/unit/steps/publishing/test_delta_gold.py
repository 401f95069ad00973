"""What lies in Delta tables is what the lake has, day by day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from image_assets.errors import ConfigurationError
from image_assets.ids import ImageId
from image_assets.publishing.delta_table import DailyDeltaTable
from image_assets.steps.images.certificates import copies_of
from image_assets.steps.publishing.delta_copy import DeltaCopy
from image_assets.steps.publishing.delta_gold import DELTA_TABLES, publish_delta, tidy_delta
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.gold import GOLD_IMAGES
from image_assets_tests.soak.own_disk import OwnDisk, own_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from image_assets_tests.scenario import Scenario


@pytest.fixture
def lake(scenario: "Scenario", paint: "Callable[..., bytes]") -> "Scenario":
    """A day of three photos."""
    for colour in ("red", "green", "blue"):
        scenario.land(f"anna/{colour}.png", paint(colour, size=(64, 64), kind="PNG"))
    scenario.run()
    return scenario


def publish(lake: "Scenario", place: Path) -> dict[str, int | None]:
    """Rows that were written, by table."""
    done = publish_delta(lake.tables, lake.day, lake.encoder.description, str(place))
    return {each.name: each.rows for each in done}


def rows(place: Path, name: str) -> pl.DataFrame:
    return pl.read_delta(str(place / name)).sort("image_id")


def versions(place: Path) -> list[int]:
    return [DeltaTable(str(place / name)).version() for name in DELTA_TABLES]


def test_a_day_is_there_with_all_its_columns(lake: "Scenario", tmp_path: Path) -> None:
    publish(lake, tmp_path)
    gold = lake.tables.read(GOLD_IMAGES, lake.day).sort("image_id")
    found = rows(tmp_path, GOLD_IMAGES.name)
    assert (
        found.select("image_id", "state", "tags", "width_px", "top_labels").rows()
        == gold.select("image_id", pl.col("state").cast(pl.String), "tags", "width_px", "top_labels").rows()
    )
    assert set(found.columns) == set(gold.columns)
    vectors = rows(tmp_path, IMAGE_EMBEDDINGS)
    assert vectors["embedding"].list.len().to_list() == [lake.encoder.description.dimension] * 3
    assert vectors["encoder"].unique().to_list() == [lake.encoder.description.name]


def test_every_engine_may_read_it(lake: "Scenario", tmp_path: Path) -> None:
    publish(lake, tmp_path)
    assert [DeltaTable(str(tmp_path / name)).protocol().min_reader_version for name in DELTA_TABLES] == [1, 1, 1]


def test_what_is_there_already_is_not_written_again(lake: "Scenario", tmp_path: Path) -> None:
    publish(lake, tmp_path)
    before = versions(tmp_path)
    assert publish(lake, tmp_path) == dict.fromkeys(DELTA_TABLES)
    assert versions(tmp_path) == before


def test_a_day_that_changes_is_replaced_whole_and_others_stay(
    lake: "Scenario", paint: "Callable[..., bytes]", scenarios: "Callable[..., object]", tmp_path: Path
) -> None:
    other = type(lake)(lake.root, lake.day + timedelta(days=1))
    other.land("ben/one.png", paint("green", size=(80, 64), kind="PNG"))
    other.run()
    publish(other, tmp_path)
    publish(lake, tmp_path)
    lake.land("anna/late.png", paint("red", size=(64, 90), kind="PNG"))
    lake.run()
    publish(lake, tmp_path)
    counts = rows(tmp_path, GOLD_IMAGES.name).group_by("day").len().sort("day")["len"].to_list()
    assert counts == [4, 1]


def test_days_that_come_at_once_are_all_there(lake: "Scenario", tmp_path: Path) -> None:
    table, gold = DailyDeltaTable(str(tmp_path), "gold"), lake.tables.read(GOLD_IMAGES, lake.day)
    days = [lake.day + timedelta(days=number) for number in range(6)]
    table.replace_day(days[0], "first", gold)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda day: table.replace_day(day, "1", gold.with_columns(day=pl.lit(day))), days))
    assert rows(tmp_path, "gold").group_by("day").len()["len"].to_list() == [3] * 6


def test_what_was_erased_is_gone_and_after_tidying_from_the_files_too(lake: "Scenario", tmp_path: Path) -> None:
    publish(lake, tmp_path)
    gone = lake.tables.read(GOLD_IMAGES, lake.day)["image_id"][0]
    erase(lake.tables, find_remains(lake.tables, gone), "ticket 7")
    publish(lake, tmp_path)
    assert [gone in rows(tmp_path, name)["image_id"] for name in DELTA_TABLES] == [False] * 3

    def files() -> int:
        return sum(gone in pl.read_parquet(path)["image_id"] for path in tmp_path.rglob("part-*.parquet"))

    assert files() > 0
    tidy_delta(str(tmp_path), keep_hours=0)
    assert files() == 0
    assert rows(tmp_path, GOLD_IMAGES.name).height == 2


def test_an_erasure_reaches_the_tables_and_says_how_long_former_versions_hold_the_image(
    lake: "Scenario", tmp_path: Path
) -> None:
    publish(lake, tmp_path)
    gone = lake.tables.read(GOLD_IMAGES, lake.day)["image_id"][0]
    certificate = erase(lake.tables, find_remains(lake.tables, gone), "ticket 7", [DeltaCopy(str(tmp_path), 36)])
    (told,) = copies_of(lake.tables, lake.day, gone).to_dicts()
    assert certificate["erased_at"].null_count() == 0
    assert [(gone in rows(tmp_path, name)["image_id"], rows(tmp_path, name).height) for name in DELTA_TABLES][::2] == [
        (False, 2)
    ] * 2
    assert (told["rows_removed"], told["place"]) == (2, f"Delta tables ({tmp_path})")
    assert "former versions, until delta_upkeep finds them older than 36 hours" in told["remains"]


def test_an_erasure_where_nothing_was_published_removes_nothing(lake: "Scenario", tmp_path: Path) -> None:
    assert DeltaCopy(str(tmp_path), 36).erase(ImageId("0" * 32), lake.day).rows == 0


def test_files_of_a_writer_that_died_are_no_rows(lake: "Scenario", tmp_path: Path) -> None:
    publish(lake, tmp_path)
    (part,) = (tmp_path / GOLD_IMAGES.name).rglob("part-*.parquet")
    part.with_name("part-00000-left-behind.snappy.parquet").write_bytes(part.read_bytes())
    assert rows(tmp_path, GOLD_IMAGES.name).height == 3


def test_a_table_of_an_older_version_gets_the_new_columns(lake: "Scenario", tmp_path: Path) -> None:
    gold = lake.tables.read(GOLD_IMAGES, lake.day)
    former = gold.select("image_id", day=pl.lit(lake.day - timedelta(days=1)))
    DailyDeltaTable(str(tmp_path), GOLD_IMAGES.name).replace_day(lake.day - timedelta(days=1), "old", former)
    publish(lake, tmp_path)
    assert rows(tmp_path, GOLD_IMAGES.name).group_by("day").agg(pl.col("state").count()).sort("day")[
        "state"
    ].to_list() == [0, 3]


def test_another_kind_of_table_in_the_place_is_told_and_stays(lake: "Scenario", tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / GOLD_IMAGES.name), pl.DataFrame({"image_id": [1], "day": ["x"]}))
    with pytest.raises(ConfigurationError, match=r"gold_images.*IMAGE_ASSETS_DELTA"):
        publish(lake, tmp_path)
    assert DeltaTable(str(tmp_path / GOLD_IMAGES.name)).version() == 0


def test_a_damaged_file_of_a_table_is_told(lake: "Scenario", tmp_path: Path) -> None:
    publish(lake, tmp_path)
    for part in (tmp_path / GOLD_IMAGES.name).rglob("part-*.parquet"):
        part.write_bytes(b"no rows" * 1000)
    with pytest.raises(ConfigurationError, match=r"gold_images cannot be read.*IMAGE_ASSETS_DELTA"):
        DailyDeltaTable(str(tmp_path), GOLD_IMAGES.name).rows(lake.day)


def test_tidying_what_is_not_there_does_nothing(tmp_path: Path) -> None:
    assert {(each.compacted, each.removed) for each in tidy_delta(str(tmp_path), 0).values()} == {(0, 0)}


@pytest.fixture
def disk(tmp_path: Path) -> "Iterator[OwnDisk]":
    """One whose power can be cut."""
    with own_disk(tmp_path / "disk") as disk:
        if disk is None:
            pytest.skip("this user may mount no disk")
        yield disk


def test_what_was_published_and_erased_is_so_after_a_power_cut(lake: "Scenario", disk: OwnDisk) -> None:
    place = disk.folder / "gold"
    publish(lake, place)
    disk.lose_power()
    disk.come_back()
    published = rows(place, GOLD_IMAGES.name).get_column("image_id").to_list()
    assert len(published) == 3
    assert DeltaCopy(str(place), 1).erase(ImageId(published[0]), lake.day).rows
    disk.lose_power()
    disk.come_back()
    assert rows(place, GOLD_IMAGES.name).get_column("image_id").to_list() == published[1:]
