"""How a test process ends: DuckDB's bindings print pages of leak reports when it is torn down with torch loaded.

And how examples are judged: by what comes out, not by how long it takes on a busy machine; and servers for all tests.
"""

import importlib
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from image_assets_tests.servers.clouds import azurite, azurite_for_identities, azurite_queues, s3_server
from image_assets_tests.servers.ray_cluster import ray_here

if TYPE_CHECKING:
    from image_assets_tests.servers.postgres import PostgresServer

__all__ = ["azurite", "azurite_for_identities", "azurite_queues", "ray_here", "s3_server"]

settings.register_profile("by result alone", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=5_000)
settings.load_profile("by result alone")

# pytest-xdist tells its workers a width of the terminal, which a console that is made meanwhile has for good.
for size in ("COLUMNS", "LINES"):
    os.environ.pop(size, None)

SERVERS = Path(__file__).parent / "servers"
_status = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if _status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_status])


@pytest.fixture(scope="session")
def postgres() -> ModuleType:
    """How servers are started."""
    # pytest's importlib mode leaves test folders off the path: see unit/compute/conftest.py.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SERVERS)
        module = importlib.import_module("postgres")
    if module.PACKAGE is None:
        pytest.skip(module.MISSING)
    return module


@pytest.fixture(scope="session")
def postgres_server(postgres: ModuleType) -> Iterator["PostgresServer"]:
    """A real PostgreSQL for all tests."""
    with postgres.running_server() as server:
        server.execute("CREATE EXTENSION vector")
        yield server


@pytest.fixture
def postgres_url(postgres_server: "PostgresServer") -> Iterator[Callable[..., str]]:
    """The URL of an empty schema of its own, for a user and a password; made in the one database, which is quick."""
    schema = f"test_{uuid.uuid4().hex[:12]}"
    postgres_server.execute(f"CREATE SCHEMA {schema}")
    yield lambda **who: f"{postgres_server.url(**who)}&options=-csearch_path%3D{schema},public"
    postgres_server.execute(f"DROP SCHEMA {schema} CASCADE")
