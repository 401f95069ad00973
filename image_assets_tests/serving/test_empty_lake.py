"""Before anything was ever run: lists are empty, searches say so, and the service is ready for uploads."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from image_assets_tests.serving.conftest import REPOSITORY, Lake

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Served


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory, serve_for_module: Callable[..., "Served"]) -> "Served":
    """A lake that nobody has put anything into."""
    folder: Path = tmp_path_factory.mktemp("new")
    shutil.copy(REPOSITORY / "dagster.yaml", folder)
    return serve_for_module(Lake(folder), "--create")


def test_where_there_is_no_lake_none_is_served_unless_it_is_to_begin(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "dagster.yaml", tmp_path)
    lake = Lake(tmp_path)
    for _ in range(2):
        refused = lake.command("serve", "--port", "0")
        assert (refused.returncode, "--create" in refused.stderr) == (1, True), refused.stderr
        assert not [*lake.root.rglob("*")]
        lake.root.mkdir(parents=True, exist_ok=True)


def test_the_list_is_empty(new: "Served") -> None:
    told = new.ask("/v1/images?facets=label").json()
    assert (told["items"], told["estimated_total"], told["facets"]["label"]["values"]) == ([], 0, [])


def test_a_search_says_what_to_do(new: "Served") -> None:
    refused = new.ask("/v1/search?text=dress")
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:image-assets:problem:nothing-yet")
    assert "image-assets run" in refused.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/v1/reviews", "/v1/reviews/progress", "/v1/reviews/conflicts", "/v1/duplicates", "/v1/rejected", "/ready"]
)
def test_whatever_lists_something_lists_nothing(new: "Served", path: str) -> None:
    answer = new.ask(path)
    assert answer.status_code == 200, answer.text
