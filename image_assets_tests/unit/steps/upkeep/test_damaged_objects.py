"""A row is current only while its object is there: what can be made again is, and a lost original keeps its row."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.imaging.derivatives import DerivativeParams, ThumbnailParams
from image_assets.imaging.inspect import InspectParams
from image_assets.steps.images.landing import list_landing
from image_assets.steps.images.silver import DERIVED_TABLES
from image_assets.steps.increment.recipe import version_of
from image_assets.steps.questions.plan import plan_day
from image_assets.steps.questions.stages import daily_stages
from image_assets.tables.images import BRONZE_IMAGES, PATH_COLUMNS, SILVER_IMAGES, THUMBNAILS
from image_assets.tables.table import Table

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
Damage = Callable[[Path], object]

ALL = (BRONZE_IMAGES, *DERIVED_TABLES)
EACH_DERIVED = pytest.mark.parametrize("table", DERIVED_TABLES, ids=lambda table: table.name)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def garble(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:20] + bytes(len(data) - 20))


MISSING_OR_SHORT = pytest.mark.parametrize("damage", [Path.unlink, cut, lambda path: path.write_bytes(b"")])
ANY_DAMAGE = pytest.mark.parametrize("damage", [Path.unlink, cut, garble])


@pytest.fixture(scope="module")
def good(scenarios: ModuleType, paint: Paint, tmp_path_factory: pytest.TempPathFactory) -> "Scenario":
    scenario: Scenario = scenarios.Scenario(tmp_path_factory.mktemp("good") / "lake")
    for colour in ("red", "blue"):
        scenario.land(f"anna/{colour}.jpg", paint(colour, size=(640, 480)))
    scenario.take_in()
    scenario.derive()
    return scenario


@pytest.fixture
def day(good: "Scenario", scenario: "Scenario") -> "Scenario":
    """A copy of the good day; to spare its uploads another version, its rows tell the same versions."""
    shutil.copytree(good.root, scenario.root)
    know_uploads(scenario)
    return scenario


@pytest.fixture
def purged(day: "Scenario") -> "Scenario":
    """The uploads have left the landing zone."""
    shutil.rmtree(day.root / "landing")
    return day


def know_uploads(day: "Scenario") -> None:
    versions = {file.source_uri: version_of(file.version) for file in list_landing(day.store, day.day).files}
    rows = day.tables.read(BRONZE_IMAGES, day.day)
    day.rewrite(BRONZE_IMAGES, rows.with_columns(input_version=pl.col("source_uri").replace(versions)))


def an_object(day: "Scenario", table: Table) -> Path:
    return day.root / str(day.rows(table)[0][PATH_COLUMNS[table.name]])


def objects(day: "Scenario") -> dict[str, bytes]:
    folders = ("bronze", "silver", "thumbnail", "watermarked")
    return {str(path.relative_to(day.root)): path.read_bytes() for name in folders for path in files(day.root / name)}


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def told(day: "Scenario", table: Table) -> list[dict[str, object]]:
    """Rows without the time at which they were made."""
    return [{name: value for name, value in row.items() if name != "processed_at"} for row in day.rows(table)]


@EACH_DERIVED
@MISSING_OR_SHORT
def test_a_derivative_that_is_gone_or_short_is_made_again_and_nothing_else_is(
    day: "Scenario", table: Table, damage: Damage
) -> None:
    before, rows = objects(day), {each: told(day, each) for each in DERIVED_TABLES}
    damage(an_object(day, table))
    reports = day.derive()
    assert {name: report.computed for name, report in reports.items() if report.computed} == {table.name: 1}
    assert objects(day) == before
    assert {each: told(day, each) for each in DERIVED_TABLES} == rows
    assert all(report.is_unchanged for report in day.derive().values())


@MISSING_OR_SHORT
def test_an_original_whose_upload_is_still_there_is_taken_in_again(day: "Scenario", damage: Damage) -> None:
    before, rows = objects(day), told(day, BRONZE_IMAGES)
    damage(an_object(day, BRONZE_IMAGES))
    assert day.take_in().computed == 1
    assert (objects(day), told(day, BRONZE_IMAGES)) == (before, rows)
    assert day.take_in().is_unchanged


@MISSING_OR_SHORT
def test_a_lost_original_whose_upload_has_left_keeps_its_row_and_what_was_made_of_it(
    purged: "Scenario", damage: Damage
) -> None:
    damage(an_object(purged, BRONZE_IMAGES))
    assert purged.take_in().is_unchanged
    assert all(report.is_unchanged for report in purged.derive().values())


@ANY_DAMAGE
def test_a_lost_original_keeps_its_row_under_another_recipe(purged: "Scenario", damage: Damage) -> None:
    rows = told(purged, BRONZE_IMAGES)
    damage(an_object(purged, BRONZE_IMAGES))
    report = purged.take_in(limits=InspectParams(max_bytes=10_000_000))
    assert (report.accepted, report.rejected) == (2, 0)
    kept = [{**row, "recipe_version": "any"} for row in told(purged, BRONZE_IMAGES)]
    assert kept == [{**row, "recipe_version": "any"} for row in rows]
    assert purged.take_in(limits=InspectParams(max_bytes=10_000_000)).is_unchanged


def test_an_upload_that_rotted_where_it_lies_does_not_replace_the_image(day: "Scenario") -> None:
    rows = told(day, BRONZE_IMAGES)
    garble(day.path("anna/red.jpg"))
    know_uploads(day)
    day.take_in(limits=InspectParams(max_bytes=10_000_000))
    assert [row["image_id"] for row in told(day, BRONZE_IMAGES)] == [row["image_id"] for row in rows]
    assert day.reasons() == {}


def test_an_upload_that_rotted_where_it_lies_is_judged_by_its_original(day: "Scenario") -> None:
    garble(day.path("anna/red.jpg"))
    know_uploads(day)
    assert day.take_in(limits=InspectParams(max_pixels=100)).rejected == 2
    assert set(day.reasons().values()) == {"too_many_pixels"}


def test_a_lost_original_whose_upload_rotted_too_keeps_its_row(day: "Scenario") -> None:
    for row in day.rows(BRONZE_IMAGES):
        (day.root / str(row["raw_path"])).unlink()
    for name in ("red", "blue"):
        garble(day.path(f"anna/{name}.jpg"))
    know_uploads(day)
    assert day.take_in().is_unchanged


def test_of_a_garbled_original_nothing_is_made(purged: "Scenario") -> None:
    path = an_object(purged, BRONZE_IMAGES)
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    an_object(purged, THUMBNAILS).unlink()
    assert purged.derive()[THUMBNAILS.name].rejected == 1
    assert set(purged.reasons(THUMBNAILS).values()) == {"unreadable"}
    assert purged.derive()[SILVER_IMAGES.name].is_unchanged


def test_what_cannot_be_made_again_is_a_rejection_that_later_runs_survive(purged: "Scenario") -> None:
    an_object(purged, BRONZE_IMAGES).unlink()
    an_object(purged, SILVER_IMAGES).unlink()
    report = purged.derive()[SILVER_IMAGES.name]
    assert (report.accepted, report.rejected) == (1, 1)
    assert all(report.is_unchanged for report in purged.derive().values())


def test_a_missing_object_is_missing_in_a_plan_and_a_former_recipe_is_stale(day: "Scenario") -> None:
    an_object(day, THUMBNAILS).unlink()
    stages = daily_stages(day.params)[:2]
    needs = {need.table: (need.missing, need.stale) for need in plan_day(day.tables, stages, day.day)}
    assert needs[THUMBNAILS.name] == (1, 0)
    day.derive(DerivativeParams(thumbnail=ThumbnailParams(quality=20)))
    needs = {need.table: (need.missing, need.stale) for need in plan_day(day.tables, stages, day.day)}
    assert needs[THUMBNAILS.name] == (0, 2)


def test_a_silver_image_that_rotted_is_not_encoded(day: "Scenario") -> None:
    path = an_object(day, SILVER_IMAGES)
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)
    assert (day.embed().rejected, set(day.reasons(day.embeddings).values())) == (1, {"unreadable"})
