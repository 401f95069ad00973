"""How a test process ends: DuckDB's bindings print pages of leak reports when it is torn down with torch loaded.

And how examples are judged: by what comes out, not by how long it takes on a busy machine; and servers for all tests.
"""

import os
import sys

import pytest
from hypothesis import settings

from image_assets_tests.servers.clouds import azurite, s3_server

__all__ = ["azurite", "s3_server"]

settings.register_profile("by result alone", deadline=None)
settings.load_profile("by result alone")

_status = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if _status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_status])
