"""A day of a lake, pictures for it, and worker processes."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from image_assets.compute.engine import EngineParams, ProcessEngine

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario


@pytest.fixture(scope="session")
def scenarios() -> Iterator[ModuleType]:
    # pytest's importlib mode leaves test folders off the path: see unit/compute/conftest.py.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2])
        yield importlib.import_module("scenario")


@pytest.fixture
def scenario(scenarios: ModuleType, tmp_path: Path) -> "Scenario":
    made: Scenario = scenarios.Scenario(tmp_path / "lake")
    return made


@pytest.fixture(scope="session")
def paint(scenarios: ModuleType) -> Callable[..., bytes]:
    """See `scenario.paint`."""
    function: Callable[..., bytes] = scenarios.paint
    return function


@pytest.fixture(scope="session")
def workers() -> Iterator[ProcessEngine]:
    """Processes that may die; started by the first test that needs them."""
    with ProcessEngine(EngineParams(workers=1, item_timeout_s=60)) as engine:
        yield engine
