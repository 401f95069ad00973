"""The code location as Dagster's own tools load it."""

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from image_assets.definitions import build_definitions
from image_assets.settings import Settings

Start = Callable[..., subprocess.Popen[str]]

LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus locationOrLoadError { __typename } } } } }
"""
ASSETS = "{ assetNodes { groupName assetKey { path } } }"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, question: str | None = None) -> Any:
    data = json.dumps({"query": question}).encode() if question else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def wait_for(url: str, server: subprocess.Popen[str]) -> None:
    give_up_at = time.monotonic() + 90
    while server.poll() is None and time.monotonic() < give_up_at:
        try:
            ask(f"{url}/server_info")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    server.kill()
    raise AssertionError("".join(server.communicate()))


@pytest.fixture(scope="module")
def webserver(repository: Path, new_home: Callable[[], Path], start: Start) -> Iterator[str]:
    """The address of a webserver in a folder that holds nothing but the two YAML files of the repository."""
    home, port = new_home(), str(free_port())
    shutil.copy(repository / "workspace.yaml", home)
    with start("dagster-webserver", "-p", port, folder=home, DAGSTER_HOME=str(home)) as server:
        wait_for(f"http://127.0.0.1:{port}", server)
        yield f"http://127.0.0.1:{port}"
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)


def test_the_webserver_knows_every_asset_and_its_group(webserver: str) -> None:
    nodes = ask(f"{webserver}/graphql", ASSETS)["data"]["assetNodes"]
    specs = build_definitions(Settings(root=Path("lake"))).resolve_all_asset_specs()
    assert {node["assetKey"]["path"][0]: node["groupName"] for node in nodes} == {
        spec.key.to_user_string(): spec.group_name for spec in specs
    }


def test_the_webserver_loads_the_location_without_an_error(webserver: str) -> None:
    (location,) = ask(f"{webserver}/graphql", LOCATIONS)["data"]["workspaceOrError"]["locationEntries"]
    assert location == {
        "name": "image_assets",
        "loadStatus": "LOADED",
        "locationOrLoadError": {"__typename": "RepositoryLocation"},
    }
