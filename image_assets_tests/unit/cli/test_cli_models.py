"""`image-assets models`: which encoders there are to choose from."""

from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest
from click.testing import Result

from image_assets.models.encoders.catalogue import CATALOGUE, REFERENCE

Invoke = Callable[..., Result]


@pytest.fixture
def lines(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is printed where nothing was ever downloaded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("IMAGE_ASSETS_ENCODER", REFERENCE)
    return invoke("models").output.splitlines()


def test_every_encoder_of_the_catalogue_is_listed_with_its_licence(lines: list[str]) -> None:
    for entry in CATALOGUE:
        (line,) = [line for line in lines if f"│ {entry.name} " in line]
        assert entry.licence in line


def test_it_says_what_is_in_use_and_what_is_here(lines: list[str]) -> None:
    assert lines[0].strip() == f"Encoders; in use: {REFERENCE}"
    assert [line.split()[1] for line in lines if line.rstrip().endswith("yes              │")] == [
        "builtin",
        "builtin-small",
    ]
