"""A service and runs say the same of a lake that is not there, and the same word of a person heals both."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from image_assets_tests.serving.conftest import DAYS

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

RUN = "run", "--day", f"{DAYS[0]}", "--lots", "0"


def is_well(lake: "Lake", *command: str) -> bool:
    """Or it says what to do."""
    done = lake.command(*command)
    assert done.returncode == 0 or "image-assets run --create" in done.stderr.replace("\n", " "), done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("content", [None, "", '{"lake_id": "another"}'])
@pytest.mark.parametrize("command", ["serve", "run"])
def test_what_a_person_takes_for_the_lake_is_it_for_the_service_and_for_runs(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], content: str | None, command: str
) -> None:
    assert is_well(own_lake, *RUN)
    mark = own_lake.root / "lake.json"
    mark.unlink()
    if content is not None:
        mark.write_text(content)
    assert not is_well(own_lake, *RUN)
    if command == "serve":
        serve_lake(own_lake, "--create")
        assert is_well(own_lake, *RUN)
    else:
        assert is_well(own_lake, *RUN, "--create")
        serve_lake(own_lake)


def test_a_service_does_not_start_where_runs_worked_on_a_lake_that_is_away(own_lake: "Lake") -> None:
    assert is_well(own_lake, *RUN)
    own_lake.root.rename(own_lake.root.with_name("away"))
    assert not is_well(own_lake, "serve", "--port", "0")
    assert not own_lake.root.exists()
