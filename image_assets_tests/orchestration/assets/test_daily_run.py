"""The daily job over good days: what it makes, what it reports, and that it does nothing twice."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from PIL import Image

from image_assets.lake.object_keys import report_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.metadata.counts import column_schema
from image_assets.samples.feed import SampleFile
from image_assets.settings import Settings
from image_assets.steps.vectors.embeddings import stored_embeddings
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_of
from image_assets.tables.table import Table

FEED_DAY, DRAWN_DAY, OTHER_DRAWN_DAY, EMPTY_DAY = (date(2026, 3, number) for number in (14, 15, 16, 17))
DAYS = [FEED_DAY, DRAWN_DAY, OTHER_DRAWN_DAY, EMPTY_DAY]
DERIVED = ["silver_images", "thumbnails", "watermarked_previews", "image_embeddings"]
ENRICHED = ["image_tags", "image_moderation", "image_captions"]
INCREMENTS = ["bronze_images", *DERIVED, *ENRICHED, "gold_images"]
ASSETS = [*INCREMENTS, "rejected_images", "daily_summary"]
OTHERS = ["image_text", "image_predictions", "duplicate_images", "daily_report"]
MATERIALIZATIONS = [(asset, day) for asset in ASSETS for day in DAYS]

Metadata = dict[tuple[str, str], dict[str, Any]]
MetadataOf = Callable[[dg.ExecuteInProcessResult], Metadata]
ExecuteDays = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def shown(first_run: dg.ExecuteInProcessResult, metadata_of: MetadataOf) -> Metadata:
    return metadata_of(first_run)


@pytest.fixture
def tables(settings: Settings, tables_of: Callable[[Settings], ParquetTables]) -> ParquetTables:
    return tables_of(settings)


@pytest.fixture(scope="module")
def second_run(
    settings: Settings, first_run: dg.ExecuteInProcessResult, execute_days: ExecuteDays, read_made: Callable[..., Any]
) -> Iterator[tuple[dg.ExecuteInProcessResult, Any, Any]]:
    """The same days again: the run, and what lay below the root before and after it."""
    assert first_run.success
    before = read_made(settings.root)
    with dg.DagsterInstance.ephemeral() as instance:
        yield execute_days(settings, FEED_DAY, EMPTY_DAY, instance), before, read_made(settings.root)


def test_a_run_over_several_days_succeeds(first_run: dg.ExecuteInProcessResult) -> None:
    assert first_run.success


def failed_checks(run: dg.ExecuteInProcessResult) -> set[str]:
    """Names of the failed checks that stop a run."""
    checks = run.get_asset_check_evaluations()
    return {each.check_name for each in checks if not each.passed and each.severity == dg.AssetCheckSeverity.ERROR}


def test_every_check_of_a_good_run_passes(first_run: dg.ExecuteInProcessResult) -> None:
    assert failed_checks(first_run) == set()


def test_a_day_with_far_fewer_uploads_than_those_before_is_a_warning(first_run: dg.ExecuteInProcessResult) -> None:
    checks = [check for check in first_run.get_asset_check_evaluations() if check.check_name == "volume"]
    (volume,) = (check for check in checks if check.partition == str(EMPTY_DAY))
    assert (volume.passed, volume.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert f"{EMPTY_DAY}: 0 uploads, usually 3" in str(volume.metadata["what"].value)
    assert volume.metadata["ratio_to_usual"].value == 0


def test_a_run_executes_every_check_of_its_assets(
    first_run: dg.ExecuteInProcessResult, define: Callable[[Settings], dg.Definitions], settings: Settings
) -> None:
    executed = {check.asset_check_key for check in first_run.get_asset_check_evaluations()}
    made = {event.asset_key for event in first_run.all_events if event.is_step_materialization}
    declared = {spec.key for each in define(settings).asset_checks or () for spec in each.check_specs}
    assert executed == {key for key in declared if key.asset_key in made}


def test_every_check_has_a_result_for_every_day_of_the_run(first_run: dg.ExecuteInProcessResult) -> None:
    found: dict[dg.AssetCheckKey, list[str | None]] = {}
    for check in first_run.get_asset_check_evaluations():
        found.setdefault(check.asset_check_key, []).append(check.partition)
    assert {key: days for key, days in found.items() if days != [str(day) for day in DAYS]} == {}


def test_a_run_over_several_days_records_each_asset_once_per_day(first_run: dg.ExecuteInProcessResult) -> None:
    made = [
        event.step_materialization_data.materialization
        for event in first_run.all_events
        if event.is_step_materialization
    ]
    recorded = [(each.asset_key.to_user_string(), each.partition) for each in made]
    assert len(recorded) == len(set(recorded))
    assert {(asset, day.isoformat()) for asset, day in MATERIALIZATIONS} <= set(recorded)


def test_every_materialization_and_the_report_lead_to_the_days_gallery(shown: Metadata, settings: Settings) -> None:
    address = f"http://images.example/?day={FEED_DAY}"
    told = {asset: metadata for (asset, day), metadata in shown.items() if day == FEED_DAY.isoformat()}
    assert {asset for asset, metadata in told.items() if metadata["gallery"] != address} == set()
    report = settings.root / report_key(FEED_DAY, "report.html")
    assert f'<a href="{address}">' in report.read_text(encoding="utf-8")


def test_accepted_and_rejected_add_up_to_seen(shown: Metadata) -> None:
    told = {asset: shown[asset, FEED_DAY.isoformat()] for asset in INCREMENTS}
    assert [name for name, each in told.items() if each["accepted"] + each["rejected"] != each["seen"]] == []
    assert [name for name, each in told.items() if not each["accepted"]] == []


def test_bronze_sees_every_upload(shown: Metadata, feed_files: tuple[SampleFile, ...]) -> None:
    assert shown["bronze_images", FEED_DAY.isoformat()]["seen"] == len(feed_files)


@pytest.mark.parametrize(
    "table", [BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS], ids=lambda t: t.name
)
def test_the_counts_shown_are_those_of_the_tables(shown: Metadata, tables: ParquetTables, table: Table) -> None:
    counts = shown[table.name, FEED_DAY.isoformat()]
    stored = tables.read(table, FEED_DAY).height, tables.read(rejections_of(table), FEED_DAY).height
    assert (counts["accepted"], counts["rejected"]) == stored


def test_the_row_count_shown_is_that_of_the_file_shown(shown: Metadata) -> None:
    told = {(asset, day): shown[asset, day.isoformat()] for asset, day in MATERIALIZATIONS}
    stored = {key: pl.read_parquet(each["dagster/uri"], columns=["day"]) for key, each in told.items()}
    assert {key: each["dagster/partition_row_count"] for key, each in told.items()} == {
        key: rows.height for key, rows in stored.items()
    }


def test_everything_is_computed_the_first_time(shown: Metadata) -> None:
    counts = shown["silver_images", DRAWN_DAY.isoformat()]
    assert (counts["computed"], counts["reused"], counts["outcome"]) == (3, 0, "3 computed, 0 newly rejected, 0 reused")


def test_each_upload_is_rejected_for_the_reason_that_the_sample_says(
    first_run: dg.ExecuteInProcessResult, tables: ParquetTables, feed_files: tuple[SampleFile, ...]
) -> None:
    rejected = tables.read(REJECTED_IMAGES, FEED_DAY).get_column("reason").cast(str).to_list()
    assert sorted(rejected) == sorted(file.expected for file in feed_files if file.expected)


def test_each_reason_of_rejection_is_counted(shown: Metadata, tables: ParquetTables) -> None:
    reasons = tables.read(rejections_of(BRONZE_IMAGES), FEED_DAY).get_column("reason").cast(str)
    counted = {
        name: count
        for name, count in shown["bronze_images", FEED_DAY.isoformat()].items()
        if name.startswith("rejected_")
    }
    assert counted == {f"rejected_{reason}": count for reason, count in reasons.value_counts().iter_rows()}


def test_the_rejected_files_are_listed(shown: Metadata, tables: ParquetTables) -> None:
    listed = shown["bronze_images", FEED_DAY.isoformat()]["rejects"]
    details = tables.read(rejections_of(BRONZE_IMAGES), FEED_DAY).get_column("detail")
    assert [detail for detail in details if detail[:40] not in listed] == []


def test_vectors_that_were_computed_say_where_and_how(shown: Metadata) -> None:
    computed, nothing_to_do = (shown["image_embeddings", day.isoformat()] for day in (DRAWN_DAY, EMPTY_DAY))
    names = ("device", "precision", "batch_size", "device_memory_mb")
    assert [computed[name] for name in names] == ["cpu", "fp32", 8, 3]
    assert not set(names) & set(nothing_to_do)


def test_the_contact_sheet_is_one_picture_inside_markdown(shown: Metadata) -> None:
    sheet = shown["thumbnails", FEED_DAY.isoformat()]["contact_sheet"]
    assert re.fullmatch(r"!\[\d+ of \d+\]\(data:image/jpeg;base64,[A-Za-z0-9+/=]+\)", sheet)


def test_the_contact_sheet_is_small(shown: Metadata) -> None:
    assert len(shown["thumbnails", FEED_DAY.isoformat()]["contact_sheet"]) < 60_000


def test_the_contact_sheet_can_be_decoded(shown: Metadata) -> None:
    encoded = shown["thumbnails", DRAWN_DAY.isoformat()]["contact_sheet"].partition("base64,")[2].rstrip(")")
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (8 * 96, 96)


def test_the_encoder_of_the_vectors_is_shown(shown: Metadata) -> None:
    told = shown["image_embeddings", FEED_DAY.isoformat()]
    assert (told["encoder"], told["revision"], told["dimension"]) == ("colours", "1", 3)


def test_the_columns_of_the_vectors_are_shown(
    shown: Metadata, tables: ParquetTables, settings: Settings, define: Callable[[Settings], dg.Definitions]
) -> None:
    table = stored_embeddings(tables, "colours")
    assert table is not None
    assert shown["image_embeddings", FEED_DAY.isoformat()]["dagster/column_schema"] == column_schema(
        table, define(settings).resolve_assets_def("image_embeddings").get_asset_spec()
    )


def test_a_day_without_files_says_so(shown: Metadata) -> None:
    assert {shown[asset, EMPTY_DAY.isoformat()]["outcome"] for asset in INCREMENTS} == {"empty: no images on this day"}


def test_a_day_without_files_has_empty_tables(first_run: dg.ExecuteInProcessResult, tables: ParquetTables) -> None:
    assert (tables.read(BRONZE_IMAGES, EMPTY_DAY).height, tables.read(REJECTED_IMAGES, EMPTY_DAY).height) == (0, 0)


def test_a_second_run_says_unchanged(second_run: Any, metadata_of: MetadataOf) -> None:
    told = metadata_of(second_run[0])
    outcomes = {(name, day): told[name, str(day)]["outcome"] for name, day in MATERIALIZATIONS if day != EMPTY_DAY}
    assert [key for key, outcome in outcomes.items() if not outcome.startswith("unchanged")] == []


def test_a_second_run_does_not_keep_the_pictures_again(second_run: Any, metadata_of: MetadataOf) -> None:
    names = {name for described in metadata_of(second_run[0]).values() for name in described}
    assert names.isdisjoint({"contact_sheet", "blurriest_then_darkest"})


def test_a_second_run_writes_nothing(second_run: Any) -> None:
    _, before, after = second_run
    assert after == before


def test_a_second_run_passes_every_check(second_run: Any) -> None:
    assert failed_checks(second_run[0]) == set()


def test_thumbnails_can_be_made_alone(
    full_copy: Settings, execute_days: ExecuteDays, instance: dg.DagsterInstance, metadata_of: MetadataOf
) -> None:
    for path in (full_copy.root / "tables" / "thumbnails").iterdir():
        path.unlink()
    run = execute_days(full_copy, DRAWN_DAY, instance=instance, assets=["thumbnails"])
    assert [(key, counts["computed"]) for key, counts in metadata_of(run).items()] == [
        (("thumbnails", DRAWN_DAY.isoformat()), 3)
    ]


def test_a_late_file_is_computed_and_nothing_else_is(
    full_copy: Settings,
    execute_days: ExecuteDays,
    metadata_of: MetadataOf,
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
) -> None:
    land(full_copy.root, DRAWN_DAY, "late.jpg", draw_picture(99))
    run = execute_days(full_copy, DRAWN_DAY)
    counts = metadata_of(run)["silver_images", DRAWN_DAY.isoformat()]
    assert (counts["computed"], counts["reused"]) == (1, 3)


@pytest.mark.parametrize("day", ["2025-12-31", "2099-01-01", "someday"])
def test_a_day_outside_the_partitions_is_refused_by_dagster(
    settings: Settings, define: Callable[[Settings], dg.Definitions], day: str
) -> None:
    job = define(settings).resolve_job_def("daily_images")
    with pytest.raises(dg.DagsterUnknownPartitionError, match=day):
        job.execute_in_process(partition_key=day)


def test_the_shipped_encoder_embeds_a_day(
    full_copy: Settings, execute_days: ExecuteDays, metadata_of: MetadataOf
) -> None:
    run = execute_days(full_copy.model_copy(update={"encoder": "builtin"}), DRAWN_DAY)
    assert run.success
    assert metadata_of(run)["image_embeddings", DRAWN_DAY.isoformat()]["computed"] == 3
