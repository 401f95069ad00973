"""A day of a lake, pictures for it, and worker processes."""

import importlib
import shutil
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from image_assets.compute.engine import EngineParams, ProcessEngine
from image_assets.tables.duplicates import DUPLICATE_IMAGES

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
def _taught(scenarios: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen users with a red, a green and a blue picture each, labelled after their colour."""
    made: Scenario = scenarios.Scenario(tmp_path_factory.mktemp("taught") / "lake")
    for user, colour in product(range(15), scenarios.COLOURS):
        picture = scenarios.paint(colour, size=(40 + user, 48), kind="PNG")
        made.land(f"user-{user:02}/{colour}-{user:02}.png", picture, label=colour)
    made.take_in()
    made.derive()
    made.embed()
    # Plain pictures look alike; nobody takes them for duplicates here.
    made.tables.replace(DUPLICATE_IMAGES, made.day, DUPLICATE_IMAGES.schema.create_empty())
    return made.root


@pytest.fixture
def taught(scenarios: ModuleType, _taught: Path, tmp_path: Path) -> "Scenario":
    """A lake of its own with forty-five labelled and embedded pictures by fifteen users."""
    shutil.copytree(_taught, tmp_path / "taught")
    made: Scenario = scenarios.Scenario(tmp_path / "taught")
    return made


@pytest.fixture(scope="session")
def workers() -> Iterator[ProcessEngine]:
    """Processes that may die; started by the first test that needs them."""
    with ProcessEngine(EngineParams(workers=1, item_timeout_s=60)) as engine:
        yield engine
