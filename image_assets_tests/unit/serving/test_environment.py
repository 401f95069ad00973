"""What a service does not change while it runs, because threads of its libraries read it."""

import subprocess
import sys

LOADING = """
import os
from pathlib import Path
from image_assets.opening import open_encoder
from image_assets.serving.server import settle_environment
from image_assets.settings import Settings
settle_environment()
before = set(os.environ)
open_encoder(Settings(root=Path("lake"))).encode_texts(["red dress"])
print(sorted(set(os.environ) - before))
"""


def test_a_model_that_is_loaded_adds_nothing_to_the_environment() -> None:
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
