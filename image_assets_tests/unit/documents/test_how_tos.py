"""The how-tos speak of files that are there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HOW_TOS = sorted((ROOT / "docs" / "how-to").glob("*.md"))
EXAMPLES = {"steps/borders.py"}


def files_named_in(text: str) -> Iterator[Path]:
    for name in re.findall(r"`(?:image_assets/)?([\w/]+\.(?:py|yaml))`", text):
        if "/" in name and name not in EXAMPLES:
            yield (ROOT if name.startswith(("benchmarks/", "image_assets_tests/")) else ROOT / "image_assets") / name


@pytest.mark.parametrize("page", HOW_TOS, ids=lambda page: page.stem)
def test_every_source_file_that_is_named_is_there(page: Path) -> None:
    assert [path for path in files_named_in(page.read_text()) if not path.is_file()] == []


@pytest.mark.parametrize("page", HOW_TOS, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [page.parent / link for link in re.findall(r"\]\(([^):#]+)\)", page.read_text())]
    assert [link for link in links if not link.exists()] == []
