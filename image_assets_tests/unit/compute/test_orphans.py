"""However the parent ends, its workers end with it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psutil
import pytest

import image_assets.compute

SCRIPT = """
import sys
from functools import partial
sys.path[:0] = sys.argv[3:]
import poison
from pathlib import Path
from image_assets.compute.engine import EngineParams, ProcessEngine

with ProcessEngine(EngineParams(workers=2)) as engine:
    list(engine.map(partial(poison.hang_always, Path(sys.argv[1])), [sys.argv[2]] * 2))
"""


def start_parent(folder: Path, way_to_hang: str, poison: ModuleType) -> subprocess.Popen[str]:
    package_root = Path(image_assets.compute.__file__).parents[2]
    paths = [str(package_root), str(Path(poison.__file__).parent)]
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(folder), way_to_hang, *paths],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def pids_of_hanging_workers(folder: Path) -> list[int]:
    give_up_at = time.monotonic() + 60
    while len(files := list(folder.glob("*.pid"))) < 2:
        assert time.monotonic() < give_up_at, "the workers did not start"
        time.sleep(0.01)
    return [int(file.read_text()) for file in files]


def wait_until_gone(pid: int) -> None:
    give_up_at = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < give_up_at, f"worker {pid} is still there"
        time.sleep(0.01)


@pytest.fixture(params=["hang", "hang_holding_the_interpreter"])
def parent(request: pytest.FixtureRequest, tmp_path: Path, poison: ModuleType) -> Iterator[subprocess.Popen[str]]:
    with start_parent(tmp_path, request.param, poison) as parent:
        yield parent
        parent.kill()


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_die_with_their_parent(parent: subprocess.Popen[str], tmp_path: Path, way: signal.Signals) -> None:
    pids = pids_of_hanging_workers(tmp_path)
    parent.send_signal(way)
    parent.wait(60)
    for pid in pids:
        wait_until_gone(pid)


def test_ctrl_c_shows_one_traceback_and_none_of_the_workers(parent: subprocess.Popen[str], tmp_path: Path) -> None:
    pids_of_hanging_workers(tmp_path)
    parent.send_signal(signal.SIGINT)
    _, errors = parent.communicate(timeout=60)
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
