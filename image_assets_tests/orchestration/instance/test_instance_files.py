"""The repository's dagster.yaml and workspace.yaml, as Dagster itself reads them."""

import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import PoolGranularity
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin
from dagster._core.workspace.load import location_origins_from_yaml_paths

import image_assets

REPOSITORY = Path(image_assets.__file__).parents[1]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The current folder; it holds a copy of dagster.yaml."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("here")
        shutil.copy(REPOSITORY / "dagster.yaml", folder)
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def instance_here(here: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(here)) as instance:
        yield instance


def test_the_gpu_has_one_slot_for_each_step(instance_here: dg.DagsterInstance) -> None:
    pools = instance_here.get_concurrency_config().pool_config
    assert (pools.default_pool_limit, pools.pool_granularity) == (1, PoolGranularity.OP)


def test_no_two_runs_of_the_queue_begin_with_one_day(instance_here: dg.DagsterInstance) -> None:
    queue = instance_here.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.tag_concurrency_limits == [
        {"key": key, "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
        for key in ("dagster/partition", "dagster/asset_partition_range_start")
    ]


def test_what_steps_log_reaches_the_event_log(instance_here: dg.DagsterInstance) -> None:
    assert "image_assets" in instance_here.managed_python_loggers


def test_a_crashed_run_gives_its_slots_back(instance_here: dg.DagsterInstance) -> None:
    assert instance_here.run_monitoring_enabled
    assert instance_here.get_settings("run_monitoring")["free_slots_after_run_end_seconds"] == 60


def test_a_crashed_run_is_started_again_but_a_failed_step_is_not(instance_here: dg.DagsterInstance) -> None:
    assert instance_here.run_retries_enabled
    assert not instance_here.get_settings("run_retries")["retry_on_asset_or_op_failure"]


def test_no_telemetry_is_sent(instance_here: dg.DagsterInstance) -> None:
    assert not instance_here.telemetry_enabled


def test_everything_that_dagster_keeps_lies_below_the_data_folder(
    instance_here: dg.DagsterInstance, here: Path
) -> None:
    @dg.op
    def keep() -> int:
        return 1

    @dg.job
    def keeping() -> None:
        keep()

    assert keeping.execute_in_process(instance=instance_here).success
    assert sorted(path.name for path in here.iterdir()) == ["dagster.yaml", "data"]


def test_the_workspace_names_the_module_of_the_definitions() -> None:
    (origin,) = location_origins_from_yaml_paths([str(REPOSITORY / "workspace.yaml")])
    assert isinstance(origin, ManagedGrpcPythonEnvCodeLocationOrigin)
    assert (origin.location_name, origin.loadable_target_origin.module_name) == (
        "image_assets",
        "image_assets.definitions",
    )


def test_the_workspace_and_the_project_name_the_same_location() -> None:
    (origin,) = location_origins_from_yaml_paths([str(REPOSITORY / "workspace.yaml")])
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["dagster"]
    assert project == {"module_name": "image_assets.definitions", "code_location_name": origin.location_name}
