"""What clients are generated from, written down: a change of it shows in review; `make openapi` writes it again."""

import json
import sys
from pathlib import Path

from image_assets.serving.application import create_app
from image_assets.settings import Settings

DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_what_clients_rely_on_changes_only_where_it_is_written_down(tmp_path: Path) -> None:
    assert DOCUMENT.read_text() == description(tmp_path), "see what changed; if it is meant: make openapi"


def test_every_route_says_what_it_is_for(tmp_path: Path) -> None:
    operations = [each for path in json.loads(description(tmp_path))["paths"].values() for each in path.values()]
    assert all(each.get("description") and each["operationId"] and each["tags"] for each in operations)
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names)


def description(root: Path) -> str:
    """The whole document."""
    return json.dumps(create_app(Settings(root=root)).openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(description(Path("data/lake")))
