"""The whole way in a browser: photos are uploaded, found, decided on and learnt from, and gold shows it."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import copy
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from PIL import Image
from playwright.sync_api import Page, expect

from image_assets.access.keys import add_key
from image_assets.access.roles import Role
from image_assets.tables.gold import GOLD_IMAGES
from image_assets_tests.serving.conftest import REPOSITORY, Lake
from image_assets_tests.serving.gallery.conftest import wait_until

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Served

COLOURS = {"zig": (220, 30, 30), "zag": (30, 30, 220)}
"""Words that no encoder knows, each of one colour."""
PHOTOS, PEOPLE = 24, 6
CURRENT = "#asked > li:not([hidden])"


def photo(label: str, number: int) -> dict[str, object]:
    light = np.random.default_rng(number).uniform(0.2, 1, (6, 8, 1))
    picture = Image.fromarray((np.array(COLOURS[label]) * light).astype(np.uint8))
    file = io.BytesIO()
    picture.resize((320, 240), Image.Resampling.NEAREST).save(file, "JPEG")
    return {"name": f"{label}-{number:02}.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def test_from_upload_to_a_label_that_was_learnt(
    tmp_path: Path, serve_lake: Callable[..., "Served"], open_page: Callable[..., Page]
) -> None:
    copy(REPOSITORY / "dagster.yaml", tmp_path)
    lake, now = Lake(tmp_path), datetime.now(UTC)
    keys = {
        f"user{number}": add_key(lake.tables.store, f"user{number}", [Role.UPLOAD], now) for number in range(PEOPLE)
    }
    _, key = add_key(lake.tables.store, "owner", [Role.ADMIN], now)
    served = serve_lake(lake, audit_share="0", review_threshold="1")
    for number, (_, own) in enumerate(keys.values()):
        upload(open_page(served.url, key=own), range(number, PHOTOS, PEOPLE))
    day = now.date()
    done = lake.command("run", "--day", str(day))
    assert done.returncode == 0, done.stderr

    page = open_page(served.url, key=key)
    page.goto("/")
    page.get_by_label("Find images by words").fill("red")
    page.keyboard.press("Enter")
    expect(page.locator("#grid li").first).to_be_visible(timeout=60_000)
    first = page.locator("#grid li a").first.get_attribute("href") or ""
    assert name_of(page, first.split("/")[-1].split("?")[0]).startswith("zig")

    page.goto("/review")
    decided = decide_all(page)
    expect(page.locator("#unsent")).to_have_text("All sent", timeout=30_000)
    assert PHOTOS / 2 < decided <= PHOTOS, "copies of one photo are asked about once"

    page.goto("/training")
    expect(page.locator("#main")).to_contain_text(
        f"{decided} images were decided by 1 person; no classifier has learnt"
    )
    page.get_by_role("button", name="Train from decisions").click()
    expect(page.locator("#progress h2")).to_have_text("The last training: promoted", timeout=180_000)

    gold = lake.tables.read(GOLD_IMAGES, day)
    told = gold.select("predicted_label", pl.col("raw_name").str.head(3).alias("truth"))
    assert told.filter(pl.col("predicted_label") == pl.col("truth")).height == PHOTOS
    page.goto("/?predicted_label=zig")
    expect(page.locator("#grid li")).to_have_count(PHOTOS // 2, timeout=30_000)
    page.locator("#grid li a").first.click()
    expect(page.locator("#main")).to_contain_text("zig")
    page.go_back()
    expect(page.locator("#grid li")).to_have_count(PHOTOS // 2)


def upload(page: Page, numbers: range) -> None:
    page.goto("/upload")
    labels = list(COLOURS)
    page.locator("#files").set_input_files([photo(labels[number // PEOPLE % 2], number) for number in numbers])
    expect(page.locator("#sum")).to_have_text(f"{len(numbers)} of {len(numbers)} accepted", timeout=60_000)


def name_of(page: Page, image_id: str | None) -> str:
    """The file's name, which says what it shows."""
    said = page.request.get(f"/v1/images/{image_id}").json()
    return str(said["raw_name"])


def decide_all(page: Page) -> int:
    """Decide until nothing waits, and say how often that was."""
    decided = 0
    while not page.locator("#nothing").is_visible():
        decide(page)
        decided += 1
    return decided


def decide(page: Page) -> None:
    """Say of the picture what it shows: by its key once the class has one, before that by its name."""
    name = page.locator(CURRENT).get_attribute("data-image")
    label = name_of(page, name)[:3]
    button = page.locator(f"#classes button[value={label}]")
    if button.count():
        page.keyboard.press(button.locator("kbd").inner_text())
    else:
        page.keyboard.press("/")
        page.keyboard.type(label)
        page.keyboard.press("Enter")
    wait_until(page, "(name) => document.querySelector('#asked > li:not([hidden])')?.dataset.image !== name", name)
