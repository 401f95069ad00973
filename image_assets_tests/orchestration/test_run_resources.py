"""What assets are given lives as long as the run, and starts when it is needed."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import dagster as dg
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from image_assets.compute.engine import Failed, Outcome
from image_assets.definitions import build_definitions, usual_resources
from image_assets.errors import RejectionReason, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.orchestration.resources import LoggedProgress, WorkersResource
from image_assets.settings import Settings


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.fixture
def workers() -> WorkersResource:
    return WorkersResource(workers=2, image_timeout_s=30, worker_memory_mb=1024)


@pytest.fixture
def before() -> set[int]:
    return children()


def test_no_worker_starts_before_there_is_work(before: set[int], workers: WorkersResource) -> None:
    with dg.build_resources({"workers": workers}) as resources:
        assert resources.workers.engine is not None
        assert children() == before


def test_workers_start_with_the_first_work(before: set[int], workers: WorkersResource) -> None:
    with dg.build_resources({"workers": workers}) as resources:
        assert [outcome.result for outcome in resources.workers.engine.map(len, ["four"])] == [4]
        assert children() > before


def test_workers_are_kept_for_the_next_work(workers: WorkersResource) -> None:
    with dg.build_resources({"workers": workers}) as resources:
        list(resources.workers.engine.map(len, ["four"]))
        working = children()
        list(resources.workers.engine.map(len, ["five!"]))
        assert children() == working


def test_the_limits_in_the_settings_are_those_of_the_workers(
    settings_for: Callable[..., Settings], tmp_path: Path, before: set[int]
) -> None:
    settings = settings_for(tmp_path, workers=3, image_timeout_s=1.5, worker_memory_mb=256)
    with dg.build_resources({"workers": usual_resources(settings)["workers"]}) as resources:
        slept = list(resources.workers.engine.map(time.sleep, [0.0, 20.0]))
        sorted_in_memory = list(resources.workers.engine.map(median, [range(3), range(2**24)]))
        list(resources.workers.engine.map(time.sleep, [0.1] * 60))
        assert len(children() - before) == 3
    assert verdicts(slept) == [None, RejectionReason.TIMEOUT]
    assert verdicts(sorted_in_memory) == [None, RejectionReason.OUT_OF_MEMORY]


def verdicts(outcomes: Iterable[Outcome[Any, Any]]) -> list[RejectionReason | None]:
    """Why an item was rejected, those that were not first."""
    return sorted((each.error.reason if isinstance(each, Failed) else None for each in outcomes), key=bool)


def test_no_worker_outlives_the_resource(before: set[int], workers: WorkersResource) -> None:
    with dg.build_resources({"workers": workers}) as resources:
        list(resources.workers.engine.map(len, ["four"]))
    assert children() == before


def test_no_worker_outlives_a_run_that_failed(
    before: set[int], full_copy: Settings, execute_days: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    day = date(2026, 3, 15)
    (full_copy.root / "tables" / "silver_images" / f"{day}.parquet").write_bytes(b"PAR1 no more")
    assert not execute_days(full_copy, day).success
    assert children() == before


class Recorder:
    """Shows progress to the test: what was tracked and every call."""

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[int, int]]] = {}

    def track(self, what: str, unit: str = "images") -> Callable[[int, int], None]:
        return lambda done, total: self.calls.setdefault(what, []).append((done, total))


def test_progress_is_told_from_nothing_to_everything(
    settings_for: Callable[..., Settings], tmp_path: Path, land: Callable[..., Path]
) -> None:
    day, recorder = date(2026, 3, 15), Recorder()
    land(tmp_path, day, "no-image.jpg", b"no image")
    job = build_definitions(settings_for(tmp_path), progress=recorder).resolve_job_def("daily_images")
    job.execute_in_process(partition_key=day.isoformat(), asset_selection=[dg.AssetKey("bronze_images")])
    assert recorder.calls == {f"bronze_images {day}": [(0, 1), (1, 1)]}


def test_progress_in_the_log_is_a_line_every_ten_seconds(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 500.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with caplog.at_level(logging.INFO):
        tell = LoggedProgress().track("thumbnails")
        for done in range(0, 1_001, 10):
            tell(done, 1_000)
            now += 0.25
    assert caplog.messages == [
        "thumbnails: 400 of 1000 images, 40 images/s",
        "thumbnails: 800 of 1000 images, 40 images/s",
    ]


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    before = children()
    yield
    assert children() == before


def test_a_run_makes_no_lake_in_the_place_of_one_that_went_away(
    settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = settings_for(tmp_path / "lake")
    key, there = ObjectKey("landing/2026-03-14/a.jpg"), tmp_path / "lake"

    @dg.op(required_resource_keys={"lake"})
    def write_twice(context: dg.OpExecutionContext) -> None:
        store = context.resources.lake.tables.store
        store.write(key, b"before")
        there.rename(tmp_path / "away")
        with pytest.raises(StoreUnavailableError, match="bring back the storage"):
            store.write(key, b"after")

    @dg.job(resource_defs={"lake": usual_resources(settings)["lake"]})
    def writing() -> None:
        write_twice()

    assert writing.execute_in_process().success
    assert not there.exists()
