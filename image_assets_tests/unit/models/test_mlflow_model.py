"""The script that MLflow runs to serve a classifier."""

import runpy
import warnings
from pathlib import Path

import pytest

from image_assets.models import mlflow_registry

# MLflow's import warns of its own code; of ours it warns whatever is ignored.
pytestmark = pytest.mark.filterwarnings("ignore")


def test_mlflow_has_nothing_to_say_about_type_hints() -> None:
    mlflow_registry.import_mlflow()
    with warnings.catch_warnings(record=True) as told:
        runpy.run_path(str(Path(mlflow_registry.__file__).with_name("mlflow_model.py")))
    assert [str(each.message) for each in told if "hint" in str(each.message)] == []
