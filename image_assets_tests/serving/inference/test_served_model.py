"""A model is loaded once it is needed; one that cannot be loaded says why, and is tried again later."""

import gc
import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from image_assets.errors import ModelError
from image_assets.serving.inference.served_model import ModelPhase, ServedModel

if TYPE_CHECKING:
    from pathlib import Path

    from image_assets.models.encoders.encoder import ImageEncoder


class Opener:
    """Opens an encoder, when its files are there."""

    def __init__(self, encoder: "ImageEncoder") -> None:
        self.encoder, self.is_there, self.tries = encoder, False, 0

    def __call__(self) -> "ImageEncoder":
        self.tries += 1
        if not self.is_there:
            raise ModelError("no weights: image-assets models fetch")
        return self.encoder


@pytest.fixture
def opener(scenarios: ModuleType) -> Opener:
    return Opener(scenarios.ColourMeans())


def test_a_model_is_not_loaded_before_it_is_needed(opener: Opener) -> None:
    assert (ServedModel(opener, 1).phase, opener.tries) == (ModelPhase.NOT_LOADED, 0)


def test_a_model_that_cannot_be_loaded_says_why_and_is_not_tried_for_everybody(opener: Opener) -> None:
    model = ServedModel(opener, 1)
    for _ in range(3):
        with pytest.raises(ModelError, match="image-assets models fetch"):
            model.ensure_loaded()
    assert (model.phase, opener.tries) == (ModelPhase.FAILED, 1)


def test_a_model_is_tried_again_later(opener: Opener) -> None:
    model = ServedModel(opener, 1, retry_after_s=0)
    with pytest.raises(ModelError):
        model.ensure_loaded()
    opener.is_there = True
    model.ensure_loaded()
    model.ensure_loaded()
    assert (model.phase, model.problem, opener.tries) == (ModelPhase.OK, None, 2)


def test_what_is_loaded_is_not_looked_through_for_garbage_again(opener: Opener) -> None:
    opener.is_there = True
    gc.unfreeze()
    ServedModel(opener, 1).ensure_loaded()
    assert len(gc.get_objects()) < gc.get_freeze_count() / 10


def test_a_service_starts_and_answers_without_torch(tmp_path: "Path") -> None:
    program = """
import sys
from pathlib import Path
from fastapi.testclient import TestClient
from image_assets.serving.application import create_app
from image_assets.settings import Settings
with TestClient(create_app(Settings(root=Path(sys.argv[1])))) as client:
    assert client.get("/health").status_code == 200
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
