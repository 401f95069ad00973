"""People decide, a training of its own process learns from it, and gold shows what the new classifier says."""

import io
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.challenges import challenge_of_champion
from image_assets.steps.classification.champion import read_champion
from image_assets.steps.classification.training_runs import Outcome, TrainingRun, read_training
from image_assets.steps.search.conditions import parse_condition
from image_assets.steps.search.gallery import Wanted, open_gallery
from image_assets.tables.gold import GOLD_IMAGES

DAY = date(2026, 3, 14)
LABELS = {"zig": (220, 30, 30), "zag": (30, 30, 220)}
"""Words that no encoder knows, each of one colour."""

Start = Callable[..., subprocess.Popen[str]]


@dataclass(frozen=True)
class Taught:
    """A folder whose lake has a day of decided images, and the training that followed."""

    home: Path
    before: pl.DataFrame
    told: str
    result: dict[str, object]
    code: int

    @property
    def tables(self) -> ParquetTables:
        return ParquetTables(LocalObjectStore(self.home / "data" / "lake"))

    @property
    def training(self) -> TrainingRun:
        run = read_training(self.tables.store, datetime.now(UTC))
        assert run is not None
        return run


def draw(colour: tuple[int, int, int], number: int) -> bytes:
    noise = np.random.default_rng(number).integers(-30, 30, (12, 16, 3))
    picture = Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    picture.resize((320, 240), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


def land(home: Path) -> str:
    """Two pictures each of twelve people; the decisions on them as a table."""
    rows = ["file,label"]
    for number in range(24):
        label = list(LABELS)[number % 2]
        folder = home / "data" / "lake" / "landing" / DAY.isoformat() / f"user{number // 2}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(draw(LABELS[label], number))
        rows.append(f"{number}.jpg,{label}")
    return "\n".join(rows)


def gold_of(home: Path) -> pl.DataFrame:
    return pl.read_parquet(home / "data" / "lake" / "tables" / GOLD_IMAGES.name / f"{DAY}.parquet")


@pytest.fixture(scope="module")
def taught(start: Start, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Taught:
    home = tmp_path_factory.mktemp("loop")
    shutil.copy(repository / "dagster.yaml", home)
    (home / "labels.csv").write_text(land(home))

    def call(*arguments: str) -> tuple[int, str, str]:
        process = start(
            "image-assets", *arguments, folder=home, IMAGE_ASSETS_START_DAY=str(DAY), IMAGE_ASSETS_WORKERS="1"
        )
        out, errors = process.communicate(timeout=250)
        return process.returncode, out, errors

    code, _, errors = call("run", "--day", DAY.isoformat())
    assert code == 0, errors
    before = gold_of(home)
    code, _, errors = call("label", "--file", "labels.csv")
    assert code == 0, errors
    code, out, errors = call("train", "--follow", "--json")
    assert out, errors
    return Taught(home, before, errors, json.loads(out), code)


def test_a_training_is_told_stage_by_stage_and_ends_with_the_comparison(taught: Taught) -> None:
    assert (taught.code, taught.result["outcome"]) == (0, "promoted")
    told = [line.partition(":")[0] for line in taught.told.splitlines()]
    stages = ["decisions", "training set", "fit", "challenger against champion", "promotion", "predictions"]
    assert [each for each in told if each in stages] == stages
    assert "24 images decided by 1 person, 24 of them not learnt yet" in taught.told
    assert "24 images of 1 days predicted anew, 24 of them as something else" in taught.told


def test_gold_and_gallery_show_what_the_new_classifier_says(taught: Taught) -> None:
    champion = read_champion(taught.tables.store)
    assert champion is not None
    rows = gold_of(taught.home)
    assert set(taught.before["predicted_label"]).isdisjoint(LABELS)
    assert rows["model_version"].unique().to_list() == [champion.model_version]
    assert rows.filter(pl.col("predicted_label") == pl.col("label")).height == 24
    gallery = open_gallery(taught.tables)
    assert gallery.count(Wanted((parse_condition("predicted_label=zig"),), with_duplicates=True)) == 12


def test_the_comparison_is_kept_with_the_version(taught: Taught) -> None:
    kept = challenge_of_champion(taught.tables)
    assert kept is not None
    assert kept.is_promoted
    assert taught.result["challenger"] == kept.challenger == taught.training.challenger


def test_ctrl_c_leaves_the_training_going_and_the_same_command_comes_back_to_it(taught: Taught, start: Start) -> None:
    former = taught.training.training_id
    variables = {"IMAGE_ASSETS_START_DAY": str(DAY), "IMAGE_ASSETS_WORKERS": "1"}
    left = start("image-assets", "train", "--follow", folder=taught.home, **variables)
    give_up_at = time.monotonic() + 120
    while taught.training.training_id == former or not taught.training.process:
        assert left.poll() is None, left.communicate()
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    left.send_signal(signal.SIGINT)
    out, _ = left.communicate(timeout=60)
    assert (left.returncode, "to come back: image-assets train --follow" in out) == (130, True)
    begun = taught.training
    assert begun.is_under_way
    back = start("image-assets", "train", "--follow", folder=taught.home, **variables)
    out, errors = back.communicate(timeout=250)
    assert (back.returncode, "began this training at" in out) == (0, True), errors
    assert (taught.training.training_id, taught.training.outcome) == (begun.training_id, Outcome.UNCHANGED)
    assert challenge_of_champion(taught.tables) is not None
