"""Every audit passes a good day and finds what is wrong with a bad one."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.ids import ObjectKey
from image_assets.steps.audits.day_audits import audit_derivatives, audit_schema, audit_stage, audit_uploads
from image_assets.steps.images.landing import list_landing
from image_assets.steps.images.silver import DERIVED_TABLES
from image_assets.tables.catalogue import TABLES
from image_assets.tables.images import (
    BRONZE_IMAGES,
    PREVIEW_MAX_SIDE_PX,
    SILVER_IMAGES,
    SILVER_MAX_SIDE_PX,
    THUMBNAIL_MAX_SIDE_PX,
    THUMBNAILS,
    WATERMARKED_PREVIEWS,
)
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_of
from image_assets.tables.table import Table

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]

LATER = datetime.max.replace(tzinfo=UTC)
FILES = {
    SILVER_IMAGES: ("cleansed_path", SILVER_MAX_SIDE_PX),
    THUMBNAILS: ("thumbnail_path", THUMBNAIL_MAX_SIDE_PX),
    WATERMARKED_PREVIEWS: ("preview_path", PREVIEW_MAX_SIDE_PX),
}
EACH = pytest.mark.parametrize("table", DERIVED_TABLES, ids=lambda table: table.name)


@pytest.fixture(scope="module")
def good_day(scenarios: ModuleType, paint: Paint, tmp_path_factory: pytest.TempPathFactory) -> "Scenario":
    """Two images and a refused file, all steps run."""
    scenario: Scenario = scenarios.Scenario(tmp_path_factory.mktemp("good") / "lake")
    scenario.land("anna/a.jpg", paint("red", size=(640, 480)))
    scenario.land("anna/b.jpg", paint("blue"))
    scenario.land("anna/note.jpg", b"not an image")
    scenario.run()
    return scenario


@pytest.fixture
def audited(good_day: "Scenario", scenario: "Scenario") -> "Scenario":
    """A copy of the good day, to be spoilt."""
    shutil.copytree(good_day.root, scenario.root)
    return scenario


def file_problems(scenario: "Scenario", table: Table) -> tuple[str, ...]:
    column, max_side_px = FILES[table]
    return audit_derivatives(scenario.tables, table, column, max_side_px, scenario.day).problems


def a_file(scenario: "Scenario", table: Table) -> ObjectKey:
    return ObjectKey(str(scenario.rows(table)[0][FILES[table][0]]))


def stage_problems(scenario: "Scenario", upstream: Table, stage: Table) -> tuple[str, ...]:
    return audit_stage(scenario.tables, upstream.name, stage.name, scenario.day).problems


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_good_day_obeys_its_schemas(audited: "Scenario", table: Table) -> None:
    audit = audit_schema(audited.tables, table, audited.day)
    assert audit.problems == ()
    assert audit.examined == len(audited.rows(table))


def test_a_good_day_has_lost_nothing(audited: "Scenario") -> None:
    audit = audit_uploads(audited.tables, audited.day, LATER)
    assert (audit.examined, audit.problems) == (3, ())
    for stage in DERIVED_TABLES:
        assert stage_problems(audited, BRONZE_IMAGES, stage) == ()
    assert stage_problems(audited, SILVER_IMAGES, audited.embeddings) == ()


@EACH
def test_a_good_day_has_good_files(audited: "Scenario", table: Table) -> None:
    assert file_problems(audited, table) == ()


def test_a_missing_table_is_found(scenario: "Scenario") -> None:
    (problem,) = audit_schema(scenario.tables, BRONZE_IMAGES, scenario.day).problems
    assert "materialize bronze_images" in problem


def test_a_damaged_table_is_found(audited: "Scenario") -> None:
    with audited.store.writing(ObjectKey("tables/silver_images/2026-10-01.parquet")) as path:
        path.write_bytes(b"damaged")
    (problem,) = audit_schema(audited.tables, SILVER_IMAGES, audited.day).problems
    assert "cannot be read as Parquet" in problem


def test_a_row_that_was_spoilt_by_hand_is_found(audited: "Scenario") -> None:
    rows = audited.tables.read(SILVER_IMAGES, audited.day)
    audited.rewrite(SILVER_IMAGES, rows.with_columns(brightness_ratio=pl.lit(7.0, pl.Float32)))
    (problem,) = audit_schema(audited.tables, SILVER_IMAGES, audited.day).problems
    assert "brightness_ratio" in problem


def test_a_vector_that_is_not_of_unit_length_is_found(audited: "Scenario") -> None:
    rows = audited.tables.read(audited.embeddings, audited.day)
    audited.rewrite(audited.embeddings, rows.with_columns(pl.col("embedding") * 2))
    (problem,) = audit_schema(audited.tables, audited.embeddings, audited.day).problems
    assert "unit_length" in problem


def test_an_upload_that_was_not_taken_in_is_found(audited: "Scenario", paint: Paint) -> None:
    audited.land("anna/late.jpg", paint())
    (problem,) = audit_uploads(audited.tables, audited.day, LATER).problems
    assert problem == f"{audited.uri('anna/late.jpg')} is neither accepted nor rejected: run the day again"


def test_an_upload_that_came_after_the_day_was_taken_in_is_not_missed_yet(audited: "Scenario", paint: Paint) -> None:
    audited.land("anna/late.jpg", paint())
    (late,) = (file for file in list_landing(audited.store, audited.day).files if file.name == "late.jpg")
    assert audit_uploads(audited.tables, audited.day, late.arrived_at).problems == ()


def test_an_old_file_that_came_in_time_is_not_taken_for_a_late_one(audited: "Scenario", paint: Paint) -> None:
    os.utime(audited.land("anna/late.jpg", paint()), (2**32, 2**32))
    assert len(audit_uploads(audited.tables, audited.day, datetime.now(UTC) + timedelta(hours=1)).problems) == 1


@pytest.mark.parametrize("table", [BRONZE_IMAGES, rejections_of(BRONZE_IMAGES)], ids=lambda table: table.name)
def test_a_row_that_was_lost_at_the_door_is_found(audited: "Scenario", table: Table) -> None:
    audited.rewrite(table, audited.tables.read(table, audited.day)[1:])
    (problem,) = audit_uploads(audited.tables, audited.day, LATER).problems
    assert "neither accepted nor rejected" in problem


def test_an_upload_that_is_accepted_and_rejected_is_found(audited: "Scenario") -> None:
    rejected = audited.tables.read(rejections_of(BRONZE_IMAGES), audited.day)
    uri = audited.uri("anna/a.jpg")
    audited.rewrite(rejections_of(BRONZE_IMAGES), pl.concat([rejected, rejected.with_columns(source_uri=pl.lit(uri))]))
    (problem,) = audit_uploads(audited.tables, audited.day, LATER).problems
    assert problem == f"{uri} is both accepted and rejected"


def test_an_upload_that_is_accepted_twice_is_found(audited: "Scenario") -> None:
    rows = audited.tables.read(BRONZE_IMAGES, audited.day)
    audited.rewrite(BRONZE_IMAGES, pl.concat([rows, rows[:1]]))
    assert audit_uploads(audited.tables, audited.day, LATER).problems == ("1 images are accepted twice",)


def test_a_file_that_left_the_landing_zone_is_no_problem(audited: "Scenario") -> None:
    audited.path("anna/a.jpg").unlink()
    assert audit_uploads(audited.tables, audited.day, LATER).problems == ()


def test_uploads_of_a_day_that_never_ran_are_all_missing(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    assert len(audit_uploads(scenario.tables, scenario.day, LATER).problems) == 1


@EACH
def test_a_row_that_was_lost_between_layers_is_found(audited: "Scenario", table: Table) -> None:
    rows = audited.tables.read(table, audited.day)
    audited.rewrite(table, rows[1:])
    (problem,) = stage_problems(audited, BRONZE_IMAGES, table)
    assert problem == f"{rows['image_id'][0]} is neither accepted nor rejected: run the day again"


@EACH
def test_a_row_without_an_upstream_image_is_found(audited: "Scenario", table: Table) -> None:
    bronze = audited.tables.read(BRONZE_IMAGES, audited.day)
    audited.rewrite(BRONZE_IMAGES, bronze[1:])
    (problem,) = stage_problems(audited, BRONZE_IMAGES, table)
    assert problem == f"{bronze['image_id'][0]} has no upstream image"


def test_a_vector_that_was_lost_is_found(audited: "Scenario") -> None:
    audited.rewrite(audited.embeddings, audited.tables.read(audited.embeddings, audited.day)[:0])
    assert len(stage_problems(audited, SILVER_IMAGES, audited.embeddings)) == 2


def test_an_image_that_is_a_row_and_a_rejection_is_found(audited: "Scenario") -> None:
    rejected = audited.tables.read(REJECTED_IMAGES, audited.day)
    name = audited.tables.read(SILVER_IMAGES, audited.day)["image_id"][0]
    audited.rewrite(rejections_of(SILVER_IMAGES), rejected.with_columns(item=pl.lit(name), image_id=pl.lit(name)))
    (problem,) = stage_problems(audited, BRONZE_IMAGES, SILVER_IMAGES)
    assert problem == f"{name} is both accepted and rejected"


@EACH
def test_a_file_that_went_is_found(audited: "Scenario", table: Table) -> None:
    key = a_file(audited, table)
    audited.store.delete(key)
    (problem,) = file_problems(audited, table)
    assert problem.startswith(f"{key}: cannot read")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"no image",
    "a piece": lambda data: data[:40],
}


@EACH
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))
def test_a_file_that_is_no_image_any_more_is_found(
    audited: "Scenario", table: Table, damage: Callable[[bytes], bytes]
) -> None:
    key = a_file(audited, table)
    audited.store.write(key, damage(audited.store.read(key)))
    (problem,) = file_problems(audited, table)
    assert problem.startswith(f"{key}: ")


def test_half_a_jpeg_is_found(audited: "Scenario") -> None:
    key = a_file(audited, SILVER_IMAGES)
    data = audited.store.read(key)
    audited.store.write(key, data[: len(data) // 2])
    assert len(file_problems(audited, SILVER_IMAGES)) == 1


@EACH
def test_a_file_with_exif_is_found(audited: "Scenario", paint: Paint, table: Table) -> None:
    row = audited.rows(table)[0]
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"
    kind = "WEBP" if table is THUMBNAILS else "JPEG"
    audited.store.write(a_file(audited, table), paint(size=(row["width_px"], row["height_px"]), kind=kind, exif=exif))
    (problem,) = file_problems(audited, table)
    assert "holds" in problem


@EACH
@pytest.mark.parametrize("tail", [b"\0", b"a whole ZIP archive"])
def test_bytes_behind_an_image_are_found(audited: "Scenario", table: Table, tail: bytes) -> None:
    key = a_file(audited, table)
    audited.store.write(key, audited.store.read(key) + tail)
    (problem,) = file_problems(audited, table)
    assert "bytes behind the image" in problem


@EACH
def test_a_second_picture_behind_an_image_is_found(audited: "Scenario", paint: Paint, table: Table) -> None:
    key = a_file(audited, table)
    audited.store.write(key, audited.store.read(key) + paint())
    (problem,) = file_problems(audited, table)
    assert "bytes behind the image" in problem


@EACH
def test_a_file_of_another_size_than_its_row_says_is_found(audited: "Scenario", paint: Paint, table: Table) -> None:
    kind = "WEBP" if table is THUMBNAILS else "JPEG"
    audited.store.write(a_file(audited, table), paint(size=(10, 10), kind=kind))
    (problem,) = file_problems(audited, table)
    assert "10 x 10 px, its row says" in problem


@EACH
def test_a_file_that_is_larger_than_allowed_is_found_even_when_its_row_admits_it(
    audited: "Scenario", table: Table
) -> None:
    largest = max(max(row["width_px"], row["height_px"]) for row in audited.rows(table))
    audit = audit_derivatives(audited.tables, table, FILES[table][0], largest - 1, audited.day)
    (problem,) = audit.problems
    assert f"allowed are {largest - 1}" in problem


def test_of_many_files_a_few_are_read_and_others_in_their_turn(audited: "Scenario") -> None:
    keys = [ObjectKey(str(row["thumbnail_path"])) for row in audited.rows(THUMBNAILS)]
    audited.store.delete(keys[-1])
    column, max_side_px = FILES[THUMBNAILS]
    audits = [
        audit_derivatives(audited.tables, THUMBNAILS, column, max_side_px, audited.day, at_most=1, turn=turn)
        for turn in range(len(keys))
    ]
    assert [audit.examined for audit in audits] == [1] * len(keys)
    assert [bool(audit.problems) for audit in audits] == [False] * (len(keys) - 1) + [True]
