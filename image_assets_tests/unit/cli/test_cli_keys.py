"""`image-assets keys`: what is printed of keys."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Invoke = Callable[..., Result]


@pytest.fixture
def lines(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The list of two keys in a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("IMAGE_ASSETS_ROOT", str(tmp_path))
    for roles in (["--role", "upload", "--until", "2100-01-01"], ["--role", "review", "--role", "read"]):
        assert invoke("keys", "add", "web-shop-checkout", *roles).exit_code == 0
    return invoke("keys", "list").output.splitlines()


def test_keys_are_a_table_in_a_terminal_of_80_columns(lines: list[str]) -> None:
    assert len([line for line in lines if line.startswith("┃")]) == 1
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if "│ web-shop-checkout │" in line]) == 2


def test_whose_images_a_key_uploads_is_told_where_it_is_another_name(invoke: Invoke, lines: list[str]) -> None:
    invoke("keys", "add", "shop", "--role", "upload", "--user", "anna")
    names = [line.split("│")[2].strip() for line in invoke("keys", "list").output.splitlines() if "│" in line]
    assert [name for name in names if name] == ["web-shop-checkout", "web-shop-checkout", "shop, uploads as", "anna"]
