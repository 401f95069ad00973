"""The how-to on stages is true: its blocks, put into a copy of the package, are a stage that a day runs through."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HOW_TO = ROOT / "docs" / "how-to" / "add-a-stage.md"

FOLLOWS = '''
"""What nobody had to say of the new stage."""

from pathlib import Path

import pytest

from image_assets.opening import day_stages
from image_assets.tables.documentation import document_tables

NEW = "image_seasons"


@pytest.fixture(scope="module")
def definitions(define, settings_for):
    return define(settings_for(Path("nowhere")))


@pytest.fixture(scope="module")
def specs(definitions):
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_gold_waits_for_its_asset(specs):
    reads = {name: {dep.asset_key.to_user_string() for dep in specs[name].deps} for name in (NEW, "gold_images")}
    assert reads[NEW] == {"image_embeddings"}
    assert NEW in reads["gold_images"]


def test_its_checks_are_there(definitions):
    declared = [spec for check in definitions.asset_checks for spec in check.check_specs]
    found = {spec.name for spec in declared if spec.asset_key.to_user_string() == NEW}
    assert found == {"schema", "conservation"}


def test_its_columns_say_what_they_are_made_from(specs):
    columns = {column.name: column.tags for column in specs[NEW].metadata["dagster/column_schema"].columns}
    assert columns["season"] == {"image_embeddings": "embedding"}


def test_the_plan_knows_it(settings_for, tables_of, tmp_path):
    settings = settings_for(tmp_path, encoder="builtin")
    planned = {stage.stage.name: stage for stage in day_stages(settings, tables_of(settings))}
    assert planned["seasons"].upstream == "image_embeddings/builtin"


def test_it_is_documented():
    assert "## image_seasons" in document_tables()
'''


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the package and what tests of orchestration share; the weights are those of the original."""
    shutil.copytree(ROOT / "image_assets", tmp_path / "image_assets", ignore=shutil.ignore_patterns("builtin"))
    (tmp_path / "image_assets/models/builtin").symlink_to(ROOT / "image_assets/models/builtin")
    tests = tmp_path / "image_assets_tests" / "orchestration"
    (tests / "assets").mkdir(parents=True)
    shutil.copy(ROOT / "image_assets_tests/orchestration/conftest.py", tests)
    shutil.copy(ROOT / "image_assets_tests/conftest.py", tmp_path / "image_assets_tests")
    shutil.copytree(
        ROOT / "image_assets_tests/servers", tests.parent / "servers", ignore=shutil.ignore_patterns("azurite")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def blocks(text: str) -> Iterator[tuple[str, str, str]]:
    """Language, file and content of each block, without the indentation of the list it stands in."""
    for indent, language, block in re.findall(r"^( *)```(python|diff)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE):
        first, content = "".join(line.removeprefix(indent) for line in block.splitlines(keepends=True)).split("\n", 1)
        yield language, first.removeprefix("# "), content


def apply(folder: Path, language: str, name: str, content: str) -> None:
    file = folder / name
    if language == "python":
        assert not file.exists()
        file.write_text(content)
        return
    text = file.read_text()
    for change in content.split("@@\n"):
        lines = change.splitlines(keepends=True)
        before, after = ("".join(line[1:] or line for line in lines if line[0] != sign) for sign in "+-")
        assert text.count(before) == 1, f"{name} has these lines {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    file.write_text(text)


def test_the_blocks_of_the_how_to_are_a_stage_of_the_day(copy: Path) -> None:
    for language, name, content in blocks(HOW_TO.read_text()):
        apply(copy, language, name, content)
    (copy / "image_assets_tests/orchestration/assets/test_what_follows.py").write_text(FOLLOWS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "image_assets_tests"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "6 passed" in done.stdout) == (0, True), done.stdout + done.stderr
