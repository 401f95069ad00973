"""Damage of every kind through the real commands: found, told with a remedy that works, and healed."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from image_assets.errors import StorageError, TableError
from image_assets.lake.opening import open_tables
from image_assets.settings import load_settings
from image_assets.steps.audits.table_audits import audit_tables
from image_assets.tables.catalogue import TABLES
from image_assets.tables.upkeep import DAMAGED_ORIGINALS

Invoke = Callable[..., Result]

FOLDERS = ("bronze", "silver", "thumbnail", "watermarked")
MADE = (
    "bronze_images",
    "silver_images",
    "thumbnails",
    "watermarked_previews",
    "image_embeddings/builtin",
    "gold_images",
)
# A copied upload is another file to the lake, and says so in these.
_OF_A_RUN = ("processed_at", "input_version")
SOME_REJECTED = 2


@pytest.fixture
def lake(damaged_home: Path) -> Path:
    return damaged_home / "lake"


def objects(lake: Path) -> dict[str, bytes]:
    found = [path for folder in FOLDERS for path in (lake / folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(lake)): path.read_bytes() for path in found}


def rows(lake: Path, day: date) -> dict[str, list[dict[str, object]]]:
    tables = {name: pl.read_parquet(lake / f"tables/{name}/{day}.parquet") for name in MADE}
    return {name: table.drop(_OF_A_RUN).sort("image_id").to_dicts() for name, table in tables.items()}


def some(lake: Path, folder: str, number: int = 0) -> Path:
    return sorted(path for path in (lake / folder).rglob("*") if path.is_file())[number]


def garble(path: Path) -> None:
    """Zeros instead of the second third; the size stays."""
    data = path.read_bytes()
    third = len(data) // 3
    path.write_bytes(data[:third] + bytes(third) + data[2 * third :])


def all_rows(path: Path) -> list[dict[str, object]]:
    return sorted(pl.read_parquet(path).drop(_OF_A_RUN, strict=False).to_dicts(), key=repr)


def garble_columns(path: Path) -> None:
    """Zeros instead of the second half of a table's pages: footer and first columns stay. An empty table is cut."""
    data = path.read_bytes()
    if not pl.read_parquet(path).height:
        path.write_bytes(data[:-4])
        return
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    path.write_bytes(data[: end // 2] + bytes(end - end // 2) + data[end:])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_run_by_itself_heals_whatever_is_gone_or_short(invoke: Invoke, lake: Path, yesterday: date) -> None:
    before = objects(lake), rows(lake, yesterday)
    for number, folder in enumerate(FOLDERS):
        some(lake, folder).unlink()
        cut(some(lake, folder, number % 2))
    chunk = lake / f"tables/_checkpoints/silver_images/{yesterday}/half.parquet"
    chunk.parent.mkdir(parents=True, exist_ok=True)
    chunk.write_bytes((lake / f"tables/silver_images/{yesterday}.parquet").read_bytes()[:-300])
    assert invoke("run", "--day", str(yesterday)).exit_code == SOME_REJECTED
    assert (objects(lake), rows(lake, yesterday)) == before
    assert not chunk.exists()


def test_a_repair_heals_what_rotted_and_kept_its_size(invoke: Invoke, lake: Path, yesterday: date) -> None:
    before = objects(lake), rows(lake, yesterday)
    for number, folder in enumerate(FOLDERS):
        garble(some(lake, folder, number % 3))
    scrubbed = invoke("scrub", "--all").exception
    assert isinstance(scrubbed, StorageError)
    assert str(scrubbed) == f"4 files of 1 days are damaged: image-assets repair --day {yesterday}"
    result = invoke("repair", "--day", str(yesterday), "--yes")
    assert (result.exit_code, "restored from " in result.output, result.output.count("made again")) == (0, True, 3)
    assert (objects(lake), rows(lake, yesterday)) == before
    assert "0 damaged" in invoke("scrub", "--all").output


def test_a_lost_original_is_told_everywhere_until_it_is_back(invoke: Invoke, lake: Path, yesterday: date) -> None:
    shutil.rmtree(lake / "landing")
    original = some(lake, "bronze")
    data = original.read_bytes()
    garble(original)
    lost = invoke("repair", "--yes", "--no-run").exception
    assert "cannot be brought back" in str(lost)
    assert f"image-assets erase {original.stem}" in str(lost)
    remedy = f"image-assets repair --day {yesterday}"
    assert f"{yesterday}: 1 originals are gone or damaged: {remedy}" in invoke("status").output
    doctor = invoke("doctor")
    assert (doctor.exit_code, remedy in doctor.output) == (1, True)
    original.write_bytes(data)
    assert invoke(*remedy.split()[1:], "--no-run").exit_code == 0
    whole = invoke("status")
    assert (whole.exit_code, "gone or damaged" in whole.output) == (0, False)


def test_a_dry_run_says_what_would_be_done_and_does_nothing(invoke: Invoke, lake: Path) -> None:
    for folder in FOLDERS:
        garble(some(lake, folder))
    before = objects(lake)
    result = invoke("repair", "--dry-run")
    assert (result.exit_code, "4 damaged files" in result.output) == (0, True)
    assert objects(lake) == before


def test_whoever_says_no_repairs_nothing(invoke: Invoke, lake: Path) -> None:
    garble(some(lake, "silver"))
    before = objects(lake)
    assert invoke("repair").exit_code == 1
    assert objects(lake) == before


def test_a_whole_lake_is_whole(invoke: Invoke, full_home: Path) -> None:
    result = invoke("repair")
    assert (result.exit_code, "12 files read" in result.output, "0 damaged" in result.output) == (0, True, True)


def test_every_table_that_is_garbled_outside_its_key_is_found_and_the_remedy_heals_it(
    invoke: Invoke, lake: Path, yesterday: date
) -> None:
    day_files = sorted((lake / "tables").rglob(f"{yesterday}.parquet"))
    damaged = [path for path in day_files if path.parent.name != "bronze_images" or "_rejections" in path.parts]
    before = {path: all_rows(path) for path in day_files}
    for path in damaged:
        garble_columns(path)
    audit = audit_tables(open_tables(load_settings().lake_params), [*TABLES, DAMAGED_ORIGINALS])
    assert [str(path) for path in damaged if not any(str(path) in problem for problem in audit.problems)] == []
    assert invoke("doctor").exit_code == 1
    stopped = invoke("run", "--day", str(yesterday))
    remedy = f"restore the file or delete it and run its day again: image-assets run --day {yesterday}"
    assert (stopped.exit_code, remedy in " ".join(stopped.output.split())) == (1, True)
    for path in damaged:
        path.unlink()
    assert invoke("run", "--day", str(yesterday)).exit_code == SOME_REJECTED
    assert {path: all_rows(path) for path in day_files} == before
    assert "table files can be read" in invoke("doctor").output


def test_a_scrub_names_a_table_that_cannot_be_read(invoke: Invoke, lake: Path, yesterday: date) -> None:
    (lake / f"tables/bronze_images/{yesterday}.parquet").write_bytes(b"no table")
    refused = invoke("scrub").exception
    assert isinstance(refused, TableError)
    assert f"{yesterday}.parquet cannot be read as Parquet" in str(refused)
