"""What clients are generated from, written down: a change of it shows in review; `make openapi` writes it again."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from image_assets.serving.application import ROUTERS, create_app
from image_assets.serving.examples import ANSWER, examples
from image_assets.settings import Settings

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
MODELS = {route.name: route.response_model for route in ROUTES if route.include_in_schema}
OPERATIONS = sorted(MODELS)
TEXTS = {"application/json", "text/plain", "multipart/form-data"}
BYTES = {"image/webp", "image/jpeg", "image/*", "application/octet-stream"}
DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_what_clients_rely_on_changes_only_where_it_is_written_down(tmp_path: Path) -> None:
    assert DOCUMENT.read_text() == description(tmp_path), "see what changed; if it is meant: make openapi"


def test_every_route_says_what_it_is_for(tmp_path: Path) -> None:
    found = [each for path in json.loads(description(tmp_path))["paths"].values() for each in path.values()]
    assert all(each.get("description") and each["operationId"] and each["tags"] for each in found)
    names = [each["operationId"] for each in found]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_shows_a_request_and_an_answer(name: str, tmp_path: Path) -> None:
    operation = operations(tmp_path)[name]
    sent = operation.get("requestBody", {}).get("content", {})
    answered = next(each for status, each in operation["responses"].items() if status.startswith("2"))["content"]
    for content in (sent, answered):
        texts = [each for media_type, each in content.items() if media_type in TEXTS]
        assert len(texts) == 0 or any("example" in each for each in texts)
        assert texts or set(content) <= BYTES


@pytest.mark.parametrize("name", [each for each in OPERATIONS if examples().get(each) and MODELS[each]])
def test_an_example_is_what_the_route_answers(name: str) -> None:
    told, shape = examples()[name][ANSWER], TypeAdapter(MODELS[name])
    known = shape.dump_python(shape.validate_python(told), mode="json", exclude_unset=True)
    assert json.loads(json.dumps(known)) == told


def operations(root: Path) -> dict[str, Any]:
    paths = json.loads(description(root))["paths"]
    return {each["operationId"]: each for methods in paths.values() for each in methods.values()}


def description(root: Path) -> str:
    """The whole document."""
    return json.dumps(create_app(Settings(root=root)).openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(description(Path("data/lake")))
