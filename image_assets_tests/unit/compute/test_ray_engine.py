"""What a cluster does beyond the contract of all engines: actors are lost, devices compute."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path
from types import ModuleType

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from image_assets.cli.examinations_elsewhere import examine_engine
from image_assets.compute.engine import Done, Engine, EngineParams, Failed
from image_assets.compute.opening import open_devices, open_engine
from image_assets.errors import ConfigurationError, RejectionReason, StoreUnavailableError
from image_assets.settings import Settings

PARAMS = EngineParams(workers=2, worker_memory_bytes=256 * 1024**2, batch_size=8)

pytestmark = pytest.mark.usefixtures("ray_here")


@pytest.fixture
def engine() -> Iterator[Engine]:
    with open_engine("ray", PARAMS, is_lake_shared=False) as engine:
        yield engine


def wait_until_gone(pid: int) -> None:
    give_up_at = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < give_up_at, f"{pid} is still there"
        time.sleep(0.01)


def test_limits_and_blame_are_those_of_worker_processes(engine: Engine, poison: ModuleType) -> None:
    items = [*range(20), "kill_itself", "devour_memory", *range(20)]
    reasons = {str(each.item): each.error.reason for each in engine.map(poison.obey, items) if isinstance(each, Failed)}
    assert reasons == {
        "kill_itself": RejectionReason.WORKER_CRASHED,
        "devour_memory": RejectionReason.OUT_OF_MEMORY,
    }


def test_what_a_library_says_comes_with_its_item(engine: Engine, poison: ModuleType) -> None:
    assert {each.item: each.said for each in engine.map(poison.complain, [1, 2])} == {1: "about 1\n", 2: "about 2\n"}


def test_the_items_of_a_lost_actor_have_one_outcome_each_all_the_same(
    engine: Engine, poison: ModuleType, tmp_path: Path
) -> None:
    outcomes = list(engine.map(partial(poison.kill_the_foreman_once, tmp_path), range(200)))
    assert (tmp_path / "killed").exists()
    assert sorted(each.item for each in outcomes if isinstance(each, Done)) == list(range(200))


def test_actors_that_are_lost_again_and_again_end_the_stream(engine: Engine, poison: ModuleType) -> None:
    with pytest.raises(ConfigurationError, match=r"5 actors in a row were lost .*what is installed there"):
        list(engine.map(poison.kill_the_foreman, count()))


def test_a_broken_world_says_on_which_node_and_in_which_function(engine: Engine, poison: ModuleType) -> None:
    with pytest.raises(StoreUnavailableError) as raised:
        list(engine.map(poison.lose_storage, [1]))
    notes = "".join(raised.value.__notes__)
    assert "lose_storage" in notes
    assert "On the node " in notes


def test_no_worker_outlives_the_engine(engine: Engine, poison: ModuleType) -> None:
    pids = {each.result for each in islice(engine.map(poison.own_pid, range(100)), 50)}
    engine.close()
    for pid in pids:
        wait_until_gone(pid)
    with pytest.raises(RuntimeError, match="the engine is closed"):
        next(engine.map(poison.negate, [1]))


def test_a_second_stream_at_once_is_refused(engine: Engine, poison: ModuleType) -> None:
    first = engine.map(poison.negate, count())
    next(first)
    with pytest.raises(RuntimeError, match="close the engine's other stream first"):
        next(engine.map(poison.negate, [1]))


def test_a_device_does_a_stream_in_batches(poison: ModuleType) -> None:
    devices = open_devices("auto", is_lake_shared=False)
    words = [f"word {number}" for number in range(600)]
    try:
        outcomes = list(devices.stream(poison.in_upper_case, [*words, ""]))
    finally:
        devices.close()
    assert sorted(each.result for each in outcomes if isinstance(each, Done)) == sorted(map(str.upper, words))
    assert [each.error.reason for each in outcomes if isinstance(each, Failed)] == [RejectionReason.EMPTY]


def test_a_gpu_that_no_node_has_is_told_of(poison: ModuleType) -> None:
    with pytest.raises(ConfigurationError, match="no node of the Ray cluster has what the work needs"):
        next(iter(open_devices("cuda", is_lake_shared=False).stream(poison.in_upper_case, ["a"])))


def test_doctor_counts_what_the_cluster_has() -> None:
    settings = Settings(_env_file=None, engine="ray")
    assert examine_engine(settings) == "1 nodes of a Ray cluster with the same versions: 2 processors, 0 GPUs"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("", "RAY_ADDRESS is not set: it names the head of the cluster"),
        ("ray://10.0.0.4:10001", "RAY_ADDRESS is ray://10.0.0.4:10001: it names"),
        ("127.0.0.1:9", "cannot join the Ray cluster at RAY_ADDRESS=127.0.0.1:9"),
    ],
)
def test_a_cluster_that_is_not_named_or_not_there_is_told_of(address: str, told: str) -> None:
    program = "from image_assets.compute.cluster.nodes import look_around; look_around(is_lake_shared=True)"
    there = {**os.environ, "RAY_ADDRESS": address}
    done = subprocess.run([sys.executable, "-c", program], env=there, capture_output=True, text=True, check=False)
    assert f"ConfigurationError: {told}" in done.stderr
