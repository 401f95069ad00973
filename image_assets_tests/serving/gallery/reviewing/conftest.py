"""A lake in which much waits for people: 46 photos of which the model is unsure, some of them there twice or thrice."""

import io
import random
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from PIL import Image
from playwright.sync_api import Page

from image_assets.access.keys import add_key
from image_assets.access.roles import Role
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.steps.images.uploads import UploadFacts, add_upload
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.training import LABEL_ISSUES
from image_assets_tests.serving.conftest import REPOSITORY, Lake, Served

DAY = date(2026, 3, 20)
PEOPLE = ("ann", "bob", "cy")
LABELS = ("coat", "dress", "hat")
_PHOTOS = 46


def patchwork(seed: int, side_px: int = 400) -> bytes:
    """A photo that is like no other one."""
    chance = random.Random(seed)
    small = Image.new("RGB", (6, 6))
    small.putdata([tuple(chance.randrange(256) for _ in range(3)) for _ in range(36)])
    file = io.BytesIO()
    small.resize((side_px, side_px), Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def full_lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A day, run once; every second photo is taken for a dress."""
    folder = tmp_path_factory.mktemp("reviewing")
    shutil.copy(REPOSITORY / "dagster.yaml", folder)
    lake, now = Lake(folder), datetime.now(UTC)
    store = LocalObjectStore(lake.root)
    at = datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC)
    for number in range(_PHOTOS):
        add_upload(store, UploadFacts(DAY, "anna", f"{number:02}.png", at, None), patchwork(number))
    copies = [("bo", 0, 400), ("bo", 1, 300), ("cora", 1, 200)]
    for user, number, side_px in copies:
        label = "scarf" if user == "cora" else None
        add_upload(
            store, UploadFacts(DAY, user, f"copy-{number}.png", at.replace(hour=10), label), patchwork(number, side_px)
        )
    done = lake.command("run", "--day", str(DAY))
    assert done.returncode == 0, done.stderr
    gold = lake.tables.read(GOLD_IMAGES, DAY).sort("raw_name")
    number = pl.int_range(pl.len())
    label = pl.Series(LABELS).gather([place % 3 for place in range(gold.height)])
    told = gold.with_columns(
        predicted_label=label,
        confidence_ratio=(0.2 + number / 100).cast(pl.Float32),
        needs_review=pl.col("label").is_null(),
        top_labels=pl.concat_list(pl.struct(label=label, confidence_ratio=(0.2 + number / 100).cast(pl.Float32))),
        model_version=pl.lit("head-1"),
    )
    lake.tables.replace(GOLD_IMAGES, DAY, told.sort("image_id").cast(gold.schema))
    issue = told.filter(pl.col("label") == "scarf").select("image_id", "day", "label").row(0, named=True)
    found = [{**issue, "rank": 1, "kind": "noise", "suggested_label": "hat", "confidence_ratio": 0.96}]
    lake.tables.replace(LABEL_ISSUES, None, pl.DataFrame(found, schema=LABEL_ISSUES.schema.create_empty().schema))
    keys = {name: add_key(store, name, [Role.REVIEW], now)[1] for name in PEOPLE}
    return Lake(folder, keys)


@pytest.fixture
def asked(full_lake: Lake, tmp_path: Path, serve_lake: Callable[..., Served]) -> Served:
    """A copy of it, served without audits."""
    return serve_lake(copied(full_lake, tmp_path), audit_share="0")


def copied(lake: Lake, folder: Path) -> Lake:
    """A copy that a test may change."""
    own = Lake(folder, lake.keys)
    shutil.copytree(lake.root, own.root)
    shutil.copy(REPOSITORY / "dagster.yaml", own.folder)
    return own


@pytest.fixture
def sit_down(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Have a person sit down before a page of a service."""

    def sit(served: Served, who: str, path: str = "/review", **options: object) -> Page:
        page = open_page(served.url, key=served.lake.keys[who], **options)
        page.goto(path)
        return page

    return sit
