"""Where people come from: the command line opens the gallery for them."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served


def test_a_browser_is_opened_at_the_address_that_is_told(
    own_lake: "Lake", serve_lake: Callable[..., "Served"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener, opened = tmp_path / "xdg-open", tmp_path / "opened"
    opener.write_text(f'#!/bin/sh\necho "$1" > {opened}.new\nmv {opened}.new {opened}\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    served = serve_lake(own_lake, "--open")
    for _ in range(200):
        if opened.exists():
            break
        time.sleep(0.05)
    assert opened.read_text().strip() == served.url
