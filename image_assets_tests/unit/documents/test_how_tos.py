"""Pages speak of files that are there."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
HOW_TOS = sorted((ROOT / "docs" / "how-to").glob("*.md"))
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
EXAMPLES = {"steps/images/borders.py"}


def files_named_in(text: str) -> Iterator[Path]:
    for name in re.findall(r"`(?:image_assets/)?([\w/]+\.(?:py|yaml))`", text):
        if "/" in name and name not in EXAMPLES:
            yield (ROOT if name.startswith(("benchmarks/", "image_assets_tests/")) else ROOT / "image_assets") / name


def test_every_source_file_that_a_how_to_names_is_there() -> None:
    named = [(page.name, path) for page in HOW_TOS for path in files_named_in(page.read_text())]
    assert [(page, path) for page, path in named if not path.is_file()] == []
    assert len({page for page, _ in named}) > 4


def test_every_link_leads_somewhere() -> None:
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^):#]+)\)", page.read_text())]
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []
    assert len(links) > 30
