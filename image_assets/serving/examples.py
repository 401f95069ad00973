"""Examples in the service's description: requests that were sent, and what they were answered."""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

REQUEST, ANSWER = "request", "answer"
FILE: Final = "examples.json"
_FORM: Final = "multipart/form-data"
_TEXTS: Final = ("application/json", "text/plain")


@cache
def examples() -> dict[str, dict[str, Any]]:
    """By operation, what was sent and what was answered; where one of them is bytes, without it."""
    told: dict[str, dict[str, Any]] = json.loads(files("image_assets.serving").joinpath(FILE).read_text())
    return told


def add_examples(description: dict[str, Any]) -> None:
    """Put the examples into an OpenAPI description."""
    for methods in description["paths"].values():
        for operation in methods.values():
            its = examples().get(operation["operationId"], {})
            sent = operation.get("requestBody", {}).get("content", {})
            _put(sent, (*_TEXTS, _FORM), its.get(REQUEST))
            for status, answer in operation["responses"].items():
                if status.startswith("2"):
                    _put(answer.get("content", {}), _TEXTS, its.get(ANSWER))


def _put(content: dict[str, Any], names: tuple[str, ...], example: Any) -> None:
    """For the first of the media types that there is: the others are bytes."""
    name = next((name for name in names if name in content), None)
    if name and example is not None:
        content[name]["example"] = example
