"""A lake in a cloud through the daily job, from landing to gold, beside the same lake in a folder."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import product
from pathlib import Path

import dagster as dg
import duckdb
import httpx
import polars as pl
import pytest

from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.sql import query
from image_assets.lake.warehouse import refresh_warehouse
from image_assets.opening import open_lake, open_search
from image_assets.orchestration.resources import LakeResource
from image_assets.settings import Settings
from image_assets.steps.search.gallery import Order, Wanted
from image_assets.steps.search.image_search import ImageSearch
from image_assets.steps.vectors.embeddings import lake_tables
from image_assets.tables.gold import GOLD_IMAGES
from image_assets_tests.orchestration.conftest import ColourEncoder
from image_assets_tests.servers.clouds import Cloud, use
from image_assets_tests.servers.equality import differences

DAY = date(2026, 3, 15)


@dataclass(frozen=True)
class Twins:
    """The settings of two lakes with the same uploads, and the runs that filled them."""

    here: Settings
    there: Settings
    runs: tuple[dg.ExecuteInProcessResult, ...]


@pytest.fixture(scope="module")
def twins(
    azurite: Cloud,
    settings_for: Callable[..., Settings],
    execute_days: Callable[..., dg.ExecuteInProcessResult],
    draw_picture: Callable[[int], bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Twins]:
    """One lake in a folder, one in a cloud."""
    with pytest.MonkeyPatch.context() as patch:
        use(azurite, patch)
        here = settings_for(tmp_path_factory.mktemp("here"))
        there = settings_for(azurite.new_root(), storage_endpoint=azurite.params.endpoint)
        uploads = {f"ann/{number}.jpg": draw_picture(number) for number in range(3)} | {"bob/bad.jpg": b"no picture"}
        for settings, (name, data) in product((here, there), uploads.items()):
            open_lake(settings).store.write(ObjectKey(f"{object_keys.landing_prefix(DAY)}/{name}"), data)
        with dg.DagsterInstance.ephemeral() as instance:
            yield Twins(here, there, tuple(execute_days(each, DAY, None, instance) for each in (here, there)))


@pytest.fixture(scope="module")
def copied(twins: Twins) -> Settings:
    """The settings of the lake in a cloud."""
    return twins.there


@pytest.fixture(scope="module")
def search(copied: Settings) -> ImageSearch:
    return open_search(copied, ColourEncoder())


def test_every_object_and_every_row_is_that_of_a_lake_in_a_folder(twins: Twins) -> None:
    assert [run.success for run in twins.runs] == [True, True]
    here, there = open_lake(twins.here), open_lake(twins.there)
    assert differences(here, there) == []
    assert there.read(GOLD_IMAGES, DAY).height == 3


def test_days_that_have_not_changed_are_not_written_again(
    copied: Settings, execute_days: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    store = open_lake(copied).store
    before = {info.key: info.version for info in store.list(object_keys.TABLES)}
    with dg.DagsterInstance.ephemeral() as instance:
        assert execute_days(copied, DAY, None, instance).success
    assert {info.key: info.version for info in store.list(object_keys.TABLES)} == before


def test_sql_reads_the_tables_where_they_are(twins: Twins) -> None:
    asked = "SELECT day, count(*) AS images, sum(width_px) AS width FROM gold_images GROUP BY day ORDER BY day"
    there, here = (query(open_lake(each), [GOLD_IMAGES], asked) for each in (twins.there, twins.here))
    assert there["images"].to_list() == [3]
    assert there.equals(here)


def test_lists_are_those_of_gold(copied: Settings, search: ImageSearch) -> None:
    page = search.list_images(Wanted(), Order.NEWEST, 100, None, ["image_id"], ["state"])
    assert page.total == query(open_lake(copied), [GOLD_IMAGES], "SELECT * FROM gold_images").height


def test_who_opens_the_lake_next_begins_with_what_the_first_has_sent(copied: Settings, search: ImageSearch) -> None:
    search.list_images(Wanted(), Order.NEWEST, 1, None, ["image_id"], [])
    store = open_lake(copied).store
    sent = store.version(object_keys.GALLERY)
    again = open_search(copied, ColourEncoder())
    assert again.list_images(Wanted(), Order.NEWEST, 1, None, ["image_id"], []).rows.height == 1
    assert sent is not None
    assert store.version(object_keys.GALLERY) == sent


def test_the_warehouse_holds_copies_for_who_has_no_access_there(copied: Settings, tmp_path: Path) -> None:
    tables = open_lake(copied)
    schemas = lake_tables(tables, "colours")
    assert refresh_warehouse(tables, schemas, [])
    assert not refresh_warehouse(tables, schemas, [])
    tables.store.fetch(object_keys.WAREHOUSE, tmp_path / "warehouse.duckdb")
    with duckdb.connect(tmp_path / "warehouse.duckdb", read_only=True) as database:
        found = database.sql("SELECT image_id FROM gold_images ORDER BY image_id").pl()
    assert found["image_id"].to_list() == tables.read(GOLD_IMAGES, DAY)["image_id"].sort().to_list()


def test_a_damaged_file_is_told_apart_from_a_cloud_that_does_not_answer(copied: Settings) -> None:
    tables = open_lake(copied)
    key = ObjectKey("tables/damaged/2026-03-14.parquet")
    tables.store.write(key, b"no Parquet")
    assert not tables.is_parquet(key)
    assert tables.is_parquet(ObjectKey("tables/damaged/2026-03-15.parquet"))
    tables.store.delete(key)


def test_a_table_can_be_rewritten_where_it_is(copied: Settings) -> None:
    tables = open_lake(copied)
    key = ObjectKey("tables/numbers/2026-03-14.parquet")
    with tables.store.writing(key) as path:
        pl.DataFrame({"number": [1, 2, 3]}).write_parquet(path)
    tables.remove_rows(key, pl.col("number") == 2)
    assert tables.scan_files([key])["number"].to_list() == [1, 3]
    tables.store.delete(key)


def test_a_report_is_opened_by_a_link(copied: Settings, tmp_path: Path) -> None:
    opener, opened = tmp_path / "xdg-open", tmp_path / "opened"
    opener.write_text(f'#!/bin/sh\necho "$1" > {opened}.part; mv {opened}.part {opened}\n')
    opener.chmod(0o755)
    there = {"IMAGE_ASSETS_ROOT": str(copied.root), "IMAGE_ASSETS_STORAGE_ENDPOINT": str(copied.storage_endpoint)}
    environment = {**os.environ, **there, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "image_assets", "report", "--day", str(DAY), "--open"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not opened.exists() and time.monotonic() < end:
        time.sleep(0.05)
    answer = httpx.get(opened.read_text().strip())
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")


def test_a_step_sees_what_others_changed_since_the_step_before(azurite: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    use(azurite, monkeypatch)
    root, table = azurite.new_root(), ObjectKey("tables/a/2026-03-15.parquet")
    others = open_lake(Settings(root=root, storage_endpoint=azurite.params.endpoint)).store

    @dg.op(out=dg.Out(io_manager_key="kept"))
    def first(lake: LakeResource) -> bytes:
        others.write(table, b"former")
        found = lake.tables.store.copies([table])[table].data
        others.write(table, b"later")
        return found

    @dg.op(out=dg.Out(io_manager_key="kept"))
    def second(lake: LakeResource, former: bytes) -> tuple[bytes, bytes]:
        return former, lake.tables.store.copies([table])[table].data

    @dg.job
    def steps() -> None:
        second(first())

    lake = LakeResource(root=str(root), storage_endpoint=azurite.params.endpoint)
    run = steps.execute_in_process(resources={"lake": lake, "kept": dg.mem_io_manager})
    assert run.output_for_node("second") == (b"former", b"later")
