"""A migration by the script itself, killed in its scan and in its run: nothing twice, nothing left out."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from image_assets.ids import image_id_of
from image_assets.samples.feed import generate_feed

DAY = datetime.now(UTC).date() - timedelta(days=3)
EMPTY, PHOTOS = 60_000, 24

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, and so many empty files that a scan takes some shards."""
    folder = tmp_path_factory.mktemp("source")
    feed = list(generate_feed([DAY], PHOTOS, seed=7))
    assert len(feed) == PHOTOS
    for number, file in enumerate(feed):
        (folder / f"{number % 5}").mkdir(exist_ok=True)
        (folder / f"{number % 5}" / f"{number}-{os.fsdecode(bytes([0xFF]))}\n").write_bytes(file.data)
    (folder / "many").mkdir()
    (folder / "many" / "0").touch()
    for number in range(1, EMPTY):
        os.link(folder / "many" / "0", folder / "many" / str(number))
    return folder


def kill_when(process: subprocess.Popen[str], is_time: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 200
    while not is_time():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up_at
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)


def finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=280)
    assert process.returncode in {0, 2}, output + errors
    return output


def rows(home: Path, pattern: str) -> list[tuple[object, ...]]:
    frames = [pl.read_parquet(path) for path in sorted((home / "data" / "lake").glob(pattern))]
    return pl.concat(frames).sort("path").rows() if frames else []


@pytest.mark.timeout(900)
def test_killed_in_its_scan_and_in_its_run_a_migration_ends_as_an_undisturbed_one(
    source: Path, new_home: Callable[[], Path], start: Start
) -> None:
    home, undisturbed = new_home(), new_home()
    arguments = "migrate", str(source), "--date", DAY.isoformat(), "--user", "ann", "--per-day", "10"
    finish(start("image-assets", *arguments, folder=undisturbed, IMAGE_ASSETS_START_DAY=DAY.isoformat()))
    ledger, manifests = "tables/source_entries/*/*.parquet", "landing/*/_manifests/*.parquet"

    def shards() -> int:
        return len([*(home / "data" / "lake").glob(ledger)])

    for wanted in (1, 2):
        process = start("image-assets", *arguments, folder=home, IMAGE_ASSETS_START_DAY=DAY.isoformat())
        kill_when(process, lambda wanted=wanted: shards() >= wanted)  # type: ignore[misc]
        assert rows(home, manifests) == []
    finish(start("image-assets", *arguments, folder=home, IMAGE_ASSETS_START_DAY=DAY.isoformat()))
    assert rows(home, ledger) == rows(undisturbed, ledger)
    assert rows(home, manifests) == rows(undisturbed, manifests)
    assert len(rows(home, ledger)) == EMPTY + PHOTOS

    run = start("image-assets", "run", "--pending", folder=home, IMAGE_ASSETS_START_DAY=DAY.isoformat())
    kill_when(run, lambda: any((home / "data" / "lake" / "bronze").rglob("*.*")))
    finish(start("image-assets", "run", "--pending", folder=home, IMAGE_ASSETS_START_DAY=DAY.isoformat()))
    taken, refused = took_in(home, "bronze_images"), took_in(home, "_rejections/bronze_images")
    registered = sorted(str(uri) for uri in column(home, manifests, "source_uri"))
    assert sorted([*taken["source_uri"], *refused["source_uri"]]) == registered
    assert all(row["image_id"] == image_id_of(row["source_uri"], row["sha256"]) for row in taken.iter_rows(named=True))


def column(home: Path, pattern: str, name: str) -> list[object]:
    files = sorted((home / "data" / "lake").glob(pattern))
    return [value for path in files for value in pl.read_parquet(path, columns=[name])[name]]


def took_in(home: Path, table: str) -> pl.DataFrame:
    """What became of every registered file."""
    files = (home / "data" / "lake" / "tables" / table).rglob("*.parquet")
    return pl.concat([pl.read_parquet(path, columns=["source_uri", "image_id", "sha256"]) for path in files])
