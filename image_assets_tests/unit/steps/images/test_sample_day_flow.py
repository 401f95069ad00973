"""A day of the sample feed through all steps: nothing is lost and every refusal has the reason it must have."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from image_assets.compute.engine import ProcessEngine
from image_assets.ids import ObjectKey
from image_assets.imaging.privacy import find_metadata
from image_assets.lake.object_keys import table_key
from image_assets.lake.sql import query
from image_assets.samples.feed import SampleFile, generate_feed
from image_assets.samples.mishaps import MISHAPS
from image_assets.steps.audits.day_audits import audit_stage, audit_uploads
from image_assets.steps.images.silver import DERIVED_TABLES
from image_assets.steps.vectors.embeddings import lake_tables
from image_assets.tables.catalogue import TABLES
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

COUNT = 16
SAFE_KEY = re.compile(r"digests\.parquet|(bronze|silver|thumbnail|watermarked|tables)/[A-Za-z0-9_./-]+")


@pytest.fixture(scope="module")
def uploads(scenarios: ModuleType) -> list[SampleFile]:
    """The feed of the day, and one of every mishap made from its first photo."""
    feed = list(generate_feed([scenarios.DAY], COUNT, seed=2))
    photo = next(file.data for file in feed if file.kind == "photo")
    spoilt = [
        SampleFile(
            scenarios.DAY, "unlucky", f"{each.kind}.{each.extension}", each.spoil(photo), None, each.kind, each.reason
        )
        for each in MISHAPS
    ]
    return feed + spoilt


@pytest.fixture(scope="module")
def flow(
    scenarios: ModuleType, uploads: list[SampleFile], workers: ProcessEngine, tmp_path_factory: pytest.TempPathFactory
) -> "Scenario":
    """The day after every step; tests only look."""
    scenario: Scenario = scenarios.Scenario(tmp_path_factory.mktemp("flow") / "lake")
    for file in uploads:
        path = scenario.path(f"{file.user_id}/{file.filename}")
        path.write_bytes(file.data)
        if file.sidecar is not None:
            Path(f"{path}.json").write_bytes(file.sidecar)
    scenario.run(workers)
    return scenario


def test_every_refusal_has_the_reason_it_must_have_and_nothing_else_is_refused(
    flow: "Scenario", uploads: list[SampleFile]
) -> None:
    expected = {flow.uri(f"{file.user_id}/{file.filename}"): file.expected for file in uploads if file.expected}
    found = {row["source_uri"]: row["reason"] for row in flow.rows(REJECTED_IMAGES)}
    assert found == {uri: reason.value for uri, reason in expected.items()}
    assert len(found) >= len(MISHAPS)


def test_what_was_uploaded_is_in_gold_or_was_refused(flow: "Scenario", uploads: list[SampleFile]) -> None:
    source = {row["image_id"]: row["source_uri"] for row in flow.rows(BRONZE_IMAGES)}
    accounted = [source[row["image_id"]] for row in flow.rows(GOLD_IMAGES)]
    accounted += [row["source_uri"] for row in flow.rows(REJECTED_IMAGES)]
    assert sorted(accounted) == sorted(flow.uri(f"{file.user_id}/{file.filename}") for file in uploads)


def test_nothing_was_lost_between_the_layers(flow: "Scenario") -> None:
    assert audit_uploads(flow.tables, flow.day, datetime.max.replace(tzinfo=UTC)).problems == ()
    for stage in DERIVED_TABLES:
        assert audit_stage(flow.tables, BRONZE_IMAGES.name, stage.name, flow.day).problems == ()
    assert audit_stage(flow.tables, SILVER_IMAGES.name, flow.embeddings.name, flow.day).problems == ()


def test_the_numbers_of_the_day_add_up(flow: "Scenario", uploads: list[SampleFile]) -> None:
    counts = {(row["kind"], row["name"]): row["images"] for row in flow.rows(DAILY_SUMMARY)}
    reasons = Counter(file.expected.value for file in uploads if file.expected)
    assert counts["outcome", "seen"] == len(uploads)
    assert counts["outcome", "gold"] == len(uploads) - sum(reasons.values())
    assert {name: count for (kind, name), count in counts.items() if kind == "reason"} == dict(reasons)


def test_no_file_name_has_become_part_of_a_key(flow: "Scenario") -> None:
    keys = [key for key in flow.files() if not key.startswith("landing/")]
    assert [key for key in keys if not SAFE_KEY.fullmatch(key)] == []


def test_no_derivative_says_anything_besides_its_pixels(flow: "Scenario") -> None:
    for folder in ("silver", "thumbnail", "watermarked"):
        for info in flow.store.list(folder):
            assert find_metadata(flow.store.read(ObjectKey(info.key))) == [], info.key


def test_every_derivative_belongs_to_a_row(flow: "Scenario") -> None:
    columns = ["cleansed_path", "thumbnail_path", "preview_path"]
    known = {row[column] for row in flow.rows(GOLD_IMAGES) for column in columns}
    assert {info.key for folder in ("silver", "thumbnail", "watermarked") for info in flow.store.list(folder)} == known


def test_rows_are_in_the_order_of_their_keys(flow: "Scenario") -> None:
    for table in (*TABLES, flow.embeddings):
        keys = flow.tables.scan_files([table_key(table.name, flow.day)]).select(table.primary_key)
        if table is not DAILY_SUMMARY:  # Its kinds are in the order in which they are declared.
            assert keys.rows() == sorted(keys.rows())


def test_every_accepted_image_is_complete(flow: "Scenario") -> None:
    assert {row["state"] for row in flow.rows(GOLD_IMAGES)} == {"embedded"}


def test_the_whole_day_can_be_queried(flow: "Scenario") -> None:
    schemas = lake_tables(flow.tables, flow.encoder.description.name)
    sql = "SELECT count(*) AS images FROM gold_images JOIN image_embeddings USING (image_id)"
    assert query(flow.tables, schemas, sql).item() == len(flow.rows(GOLD_IMAGES))


def test_the_day_again_writes_no_byte(flow: "Scenario", workers: ProcessEngine) -> None:
    before = flow.files()
    flow.run(workers)
    assert flow.files() == before
