"""A run that begins while the lake is away is told from a first day: those before it worked on a lake there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from image_assets.definitions import usual_resources
from image_assets.ids import ObjectKey
from image_assets.lake.lake_mark import settle_mark, take_for_lake
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.orchestration.runs.known_lake import known_lake, remember_lake
from image_assets.settings import Settings

Run = Callable[[], dg.ExecuteInProcessResult]
KEY = ObjectKey("bronze/a.jpg")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def run(settings_for: Callable[..., Settings], lake: Path, instance: dg.DagsterInstance) -> Run:
    """Write an object in a run, told by a Dagster that remembers."""
    lake_resource = usual_resources(settings_for(lake))["lake"]

    @dg.op(required_resource_keys={"lake"})
    def write(context: dg.OpExecutionContext) -> None:
        context.resources.lake.tables.store.write(KEY, b"a picture")

    @dg.job(resource_defs={"lake": lake_resource})
    def writing() -> None:
        write()

    return lambda: writing.execute_in_process(instance=instance, raise_on_error=False)


def words_of(result: dg.ExecuteInProcessResult) -> str:
    return "".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)


def test_a_first_run_begins_a_lake(run: Run, lake: Path) -> None:
    assert run().success
    assert (lake / KEY).is_file()


def test_a_run_that_begins_while_its_lake_is_away_leaves_nothing_in_its_place(run: Run, lake: Path) -> None:
    assert run().success
    away = lake.rename(lake.with_name("away"))
    failed = run()
    assert "there is no lake" in words_of(failed)
    assert "image-assets run --create" in words_of(failed)
    assert not lake.exists()
    away.rename(lake)
    assert run().success


def test_an_empty_mount_point_is_not_the_lake_that_runs_worked_on(run: Run, lake: Path) -> None:
    assert run().success
    lake.rename(lake.with_name("away"))
    lake.mkdir()
    assert not run().success
    assert list(lake.iterdir()) == []


def test_a_run_works_on_no_other_lake_that_lies_below_the_mount_point(run: Run, lake: Path) -> None:
    assert run().success
    lake.rename(lake.with_name("away"))
    settle_mark(LocalObjectStore(lake))
    assert "there is another lake" in words_of(run())
    assert not (lake / KEY).exists()


def test_a_lake_that_was_moved_is_known_by_its_mark_wherever_it_is_linked(run: Run, lake: Path) -> None:
    assert run().success
    lake.symlink_to(lake.rename(lake.with_name("larger")))
    assert run().success


def test_whoever_wants_another_lake_there_says_so(run: Run, lake: Path, instance: dg.DagsterInstance) -> None:
    assert run().success
    lake.rename(lake.with_name("former"))
    remember_lake(instance, lake, take_for_lake(LocalObjectStore(lake)).lake_id)
    assert run().success
    assert run().success
    assert (lake / KEY).is_file()


def test_a_lake_is_known_however_its_place_is_spelt(run: Run, lake: Path, instance: dg.DagsterInstance) -> None:
    assert run().success
    known = known_lake(instance, lake.parent / "elsewhere" / ".." / lake.name)
    assert known == settle_mark(LocalObjectStore(lake)).lake_id
