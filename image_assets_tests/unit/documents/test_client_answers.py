"""What the client says of answers is what the service describes, field by field."""

import json
from pathlib import Path
from typing import Any, is_typeddict

import pytest

import image_assets
from image_assets.client import answers

_SCHEMAS = json.loads((Path(image_assets.__file__).parents[1] / "docs" / "openapi.json").read_text())["components"][
    "schemas"
]
_TYPES = {name: each for name, each in vars(answers).items() if is_typeddict(each)}


@pytest.mark.parametrize("name", _TYPES)
def test_an_answer_has_the_fields_that_the_service_describes(name: str) -> None:
    told: dict[str, Any] = _SCHEMAS[name]["properties"]
    assert _TYPES[name].__annotations__.keys() | _inherited(_TYPES[name]) == told.keys()


def _inherited(answer: Any) -> set[str]:
    return {*answer.__required_keys__, *answer.__optional_keys__}
