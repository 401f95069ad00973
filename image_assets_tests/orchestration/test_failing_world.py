"""A broken world stops a run with words, and harms nothing that was there."""

import errno
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from image_assets.errors import StoreUnavailableError, TableError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.daily import explained
from image_assets.settings import Settings
from image_assets.tables.gold import GOLD_IMAGES

FIRST, BROKEN, LAST = (date(2026, 3, number) for number in (14, 15, 16))

ExecuteDays = Callable[..., dg.ExecuteInProcessResult]
TablesOf = Callable[[Settings], ParquetTables]
DrawPicture = Callable[[int], bytes]


def cut_in_half(root: Path) -> Path:
    file = root / "tables" / "silver_images" / f"{BROKEN}.parquet"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return file


@dataclass(frozen=True)
class BrokenRun:
    """A run of three days over a lake in which one day's file of silver is cut in half."""

    result: dg.ExecuteInProcessResult
    instance: dg.DagsterInstance
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@pytest.fixture(scope="module")
def broken_run(
    copy_full: Callable[[], Settings], execute_days: ExecuteDays, read_made: Callable[[Path], dict[str, Any]]
) -> Iterator[BrokenRun]:
    settings = copy_full()
    cut_in_half(settings.root)
    before = read_made(settings.root)
    with dg.DagsterInstance.ephemeral() as instance:
        result = execute_days(settings, FIRST, LAST, instance)
        yield BrokenRun(result, instance, before, read_made(settings.root))


def failure_of(run: dg.ExecuteInProcessResult) -> dg.DagsterEvent:
    (failed,) = [event for event in run.all_events if event.is_step_failure]
    return failed


def words_of(run: dg.ExecuteInProcessResult) -> str:
    told = failure_of(run).step_failure_data.user_failure_data
    assert told is not None
    return str(told.description)


def test_a_corrupt_table_file_fails_the_step_that_reads_it(broken_run: BrokenRun) -> None:
    assert failure_of(broken_run.result).step_key == "derivatives"


def test_the_failure_names_the_day_the_file_and_the_remedy(broken_run: BrokenRun) -> None:
    words = words_of(broken_run.result)
    parts = [
        f"{BROKEN}: ",
        f"/tables/silver_images/{BROKEN}.parquet cannot be read as Parquet",
        f"restore the file or delete it and run its day again: image-assets run --day {BROKEN}",
    ]
    assert [part for part in parts if part not in words] == []


def test_the_failure_names_no_day_that_is_well(broken_run: BrokenRun) -> None:
    assert FIRST.isoformat() not in words_of(broken_run.result)


def test_the_other_days_of_the_run_are_recorded(broken_run: BrokenRun) -> None:
    recorded = broken_run.instance.get_materialized_partitions(dg.AssetKey("silver_images"))
    assert recorded == {FIRST.isoformat(), LAST.isoformat()}


def test_what_the_other_days_report_is_recorded_too(broken_run: BrokenRun) -> None:
    (record,) = broken_run.instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("thumbnails"), asset_partitions=[LAST.isoformat()]), limit=10
    ).records
    assert record.asset_materialization is not None
    assert {"seen", "outcome"} <= record.asset_materialization.metadata.keys()


def test_nothing_that_needs_the_failed_step_runs(broken_run: BrokenRun) -> None:
    started = {event.step_key for event in broken_run.result.all_events if event.is_step_start}
    needless = {step for step in started if step.startswith(("bronze_images", "image_text"))}
    assert started - needless == {"derivatives"}


def test_the_files_of_the_failed_day_stay_as_they_were(broken_run: BrokenRun) -> None:
    files = [path for path in broken_run.before if path.endswith(f"{BROKEN}.parquet") and "bronze" not in path]
    assert [path for path in files if broken_run.after.get(path) != broken_run.before[path]] == []


@pytest.fixture(scope="module")
def day_after_a_damaged_one(
    copy_full: Callable[[], Settings], execute_days: ExecuteDays, land: Callable[..., Path], draw_picture: DrawPicture
) -> tuple[Settings, dg.ExecuteInProcessResult]:
    """The last day gets a file again that came on the day before, whose file of silver is cut in half."""
    settings = copy_full()
    land(settings.root, LAST, "again.jpg", draw_picture(0))
    cut_in_half(settings.root)
    return settings, execute_days(settings, LAST)


def test_a_damaged_earlier_day_stops_a_later_one_before_its_duplicates(
    day_after_a_damaged_one: tuple[Settings, dg.ExecuteInProcessResult],
) -> None:
    _, run = day_after_a_damaged_one
    assert failure_of(run).step_key == "duplicate_images"
    assert f"delete it and run its day again: image-assets run --day {BROKEN}" in words_of(run)
    assert not {event.step_key for event in run.all_events if event.is_step_start} & {"gold_images", "daily_report"}


def test_doing_what_the_later_day_says_heals_both_days(
    day_after_a_damaged_one: tuple[Settings, dg.ExecuteInProcessResult], execute_days: ExecuteDays, tables_of: TablesOf
) -> None:
    settings, _ = day_after_a_damaged_one
    (settings.root / "tables" / "silver_images" / f"{BROKEN}.parquet").unlink()
    assert execute_days(settings, BROKEN).success
    assert execute_days(settings, LAST).success
    assert tables_of(settings).read(GOLD_IMAGES, LAST)["is_duplicate"].sum() == 1


@pytest.mark.parametrize("table", ["duplicate_images", "gold_images"])
def test_no_later_day_reads_what_was_concluded_of_earlier_ones(
    full_copy: Settings, execute_days: ExecuteDays, land: Callable[..., Path], draw_picture: DrawPicture, table: str
) -> None:
    land(full_copy.root, LAST, "late.jpg", draw_picture(60))
    (full_copy.root / "tables" / table / f"{BROKEN}.parquet").write_bytes(b"PAR1 no more")
    steps = {event.step_key for event in execute_days(full_copy, LAST).all_events if event.is_step_failure}
    assert steps == set()


def test_deleting_the_file_as_advised_heals_the_day(full_copy: Settings, execute_days: ExecuteDays) -> None:
    cut_in_half(full_copy.root).unlink()
    assert execute_days(full_copy, BROKEN).success


def test_a_corrupt_table_file_fails_the_warehouse_in_words(
    full_copy: Settings, define: Callable[[Settings], dg.Definitions]
) -> None:
    file = cut_in_half(full_copy.root)
    run = define(full_copy).resolve_job_def("warehouse_refresh").execute_in_process(raise_on_error=False)
    assert str(file) in words_of(run)


@pytest.fixture(scope="module")
def run_without_model(
    copy_full: Callable[[], Settings],
    execute_days: ExecuteDays,
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
) -> dg.ExecuteInProcessResult:
    """A day with one late file; the folder that the encoder should be in is not there."""
    settings = copy_full()
    land(settings.root, BROKEN, "late.jpg", draw_picture(50))
    return execute_days(settings.model_copy(update={"encoder": str(settings.root / "no-model")}), BROKEN)


def test_a_missing_model_fails_the_embeddings(run_without_model: dg.ExecuteInProcessResult) -> None:
    assert failure_of(run_without_model).step_key == "image_embeddings"


def test_a_missing_model_is_named_with_the_setting_and_the_one_that_always_works(
    run_without_model: dg.ExecuteInProcessResult,
) -> None:
    words = words_of(run_without_model)
    assert [part for part in ("no-model", "IMAGE_ASSETS_ENCODER", "builtin") if part not in words] == []


def test_what_needs_no_model_is_made_without_one(
    run_without_model: dg.ExecuteInProcessResult, metadata_of: Callable[..., Any]
) -> None:
    made = metadata_of(run_without_model)
    counted = {asset: counts for (asset, _), counts in made.items() if "accepted" in counts}
    assert {asset: (counts["accepted"], counts["rejected"]) for asset, counts in counted.items()} == {
        "bronze_images": (4, 0),
        "silver_images": (4, 0),
        "thumbnails": (4, 0),
        "watermarked_previews": (4, 0),
    }


@pytest.fixture
def retry() -> dg.RetryRequested:
    """What is asked of Dagster while a storage does not answer."""
    with pytest.raises(dg.RetryRequested) as caught, explained():
        raise StoreUnavailableError("the disk does not answer; check the disk and run again")
    return caught.value


def test_a_storage_that_does_not_answer_is_tried_again_later(retry: dg.RetryRequested) -> None:
    assert (retry.max_retries, retry.seconds_to_wait) == (3, 15.0)


def test_after_the_last_retry_dagster_can_say_why(retry: dg.RetryRequested) -> None:
    assert isinstance(retry.__cause__, dg.Failure)
    assert "check the disk and run again" in (retry.__cause__.description or "")


def test_an_error_that_needs_a_person_is_not_tried_again() -> None:
    with pytest.raises(dg.Failure) as caught, explained():
        raise TableError("the table is broken; restore it")
    assert (caught.value.allow_retries, caught.value.description) == (False, "failed: the table is broken; restore it")


def test_a_bug_is_no_failure_in_words() -> None:
    with pytest.raises(OSError, match="not ours"), explained():
        raise OSError(errno.EIO, "not ours")
