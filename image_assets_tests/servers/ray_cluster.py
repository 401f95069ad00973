"""Ray to test with: in this process, or as machines that are none; a start that fails is tried once more."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

T = TypeVar("T")

ENVIRONMENT = {
    # A busy machine needs longer than Ray's half a minute.
    "RAY_raylet_start_wait_time_s": "120",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Else a token is written into the home of whoever runs the tests.
    "RAY_AUTH_MODE": "disabled",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_REPOSITORY = Path(__file__).parents[2]
_STORE_BYTES = 80 * 2**20
_PATIENCE_S = 150
_CHILDREN_GO_S = 30


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    """A Ray of this process, with two processors."""
    ray = pytest.importorskip("ray")
    with pytest.MonkeyPatch.context() as patch, short_folder() as folder:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        options = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
        _twice(lambda: ray.init("local", log_to_driver=False, _temp_dir=str(folder), **options), ray.shutdown)
        yield
        ray.shutdown()


@dataclass
class Cluster:
    """Machines of Ray that are processes of this one."""

    folder: Path
    port: int
    environment: Mapping[str, str]
    nodes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start_head(self) -> None:
        ports = [f"--port={self.port}", f"--ray-client-server-port={_free_port()}"]
        self._start("--head", *ports, "--include-dashboard=false", f"--temp-dir={self.folder}")

    def start_node(self) -> "subprocess.Popen[bytes]":
        return self._start(f"--address={self.address}")

    def end(self) -> None:
        for node in reversed(self.nodes):
            kill_tree(node)

    def _start(self, *which: str) -> "subprocess.Popen[bytes]":
        return _twice(lambda: self._started(which), lambda: None)

    def _started(self, which: Sequence[str]) -> "subprocess.Popen[bytes]":
        options = ["--num-cpus=1", "--num-gpus=0", f"--object-store-memory={_STORE_BYTES}", "--disable-usage-stats"]
        # Ray's own choice of ports takes those of other servers of the machine.
        ports = ["--node-ip-address=127.0.0.1", "--min-worker-port=0", "--max-worker-port=0"]
        log = self.folder.with_suffix(f".{len(self.nodes)}.log")
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *which, *options, *ports, "--block"]
        with log.open("wb") as output:
            env = {**os.environ, **ENVIRONMENT, **self.environment, "PYTHONPATH": str(_REPOSITORY)}
            node = subprocess.Popen(command, env=env, stdout=output, stderr=output)
        self.nodes.append(node)
        _wait_for("Ray runtime started", log, node)
        return node


@contextmanager
def running_cluster(environment: Mapping[str, str]) -> Iterator[Cluster]:
    """A head with one processor; nodes are started by whoever wants them. All have this in their environment."""
    pytest.importorskip("ray")
    with short_folder() as folder:
        cluster = Cluster(folder / "ray", _free_port(), environment)
        try:
            cluster.start_head()
            yield cluster
        finally:
            cluster.end()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def short_folder() -> Iterator[Path]:
    """Paths of sockets have 107 bytes at most, and pytest's own folders are too deep for Ray's."""
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def kill_tree(process: "subprocess.Popen[bytes]") -> None:
    """As when a machine loses its power."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
        for each in [psutil.Process(process.pid), *children]:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
        psutil.wait_procs(children, _CHILDREN_GO_S)
    process.wait(_CHILDREN_GO_S)


def _twice(start: Callable[[], T], clean_up: Callable[[], object]) -> T:
    with suppress(RuntimeError, ray_errors()):
        return start()
    clean_up()
    try:
        return start()
    except (RuntimeError, ray_errors()) as error:
        pytest.skip(f"Ray did not start, twice: {error}")


def ray_errors() -> type[Exception]:
    """What Ray raises when it cannot start in time."""
    from ray.exceptions import RayError

    return RayError


def _wait_for(words: str, log: Path, node: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _PATIENCE_S
    while words not in (said := log.read_text(errors="replace")):
        ended = node.poll() is not None
        assert not (ended and "Error:" in said and "imed out" not in said), said
        if ended or time.monotonic() > end:
            kill_tree(node)
            raise RuntimeError(said[-2000:])
        time.sleep(0.1)
