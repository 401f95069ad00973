"""Days of a lake that a test lands, runs and decides on step by step."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def scenarios() -> Iterator[ModuleType]:
    # See unit/steps/conftest.py.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2])
        yield importlib.import_module("scenario")
