"""Functions that workers can import."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def poison() -> Iterator[ModuleType]:
    # Workers import functions by name along this process's sys.path. Test modules have no such name (pytest's
    # importlib mode), so the functions are a plain top-level module in a folder of their own.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent / "functions")
        yield importlib.import_module("poison")
