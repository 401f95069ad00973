"""The script that MLflow runs to serve a classifier."""

import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from image_assets.models.classifiers import mlflow_registry
from image_assets.models.classifiers.linear_classifier import LinearClassifier

# MLflow's import warns of its own code; of ours it warns whatever is ignored.
pytestmark = pytest.mark.filterwarnings("ignore")


def run_script() -> dict[str, Any]:
    return runpy.run_path(str(Path(mlflow_registry.__file__).with_name("mlflow_model.py")))


def test_mlflow_has_nothing_to_say_about_type_hints() -> None:
    mlflow_registry.import_mlflow()
    with warnings.catch_warnings(record=True) as told:
        run_script()
    assert [str(each.message) for each in told if "hint" in str(each.message)] == []


def test_what_is_served_says_what_the_classifier_says(tmp_path: Path) -> None:
    from mlflow.pyfunc.model import PythonModelContext

    weights = np.array([[2, 0], [0, 2], [0, 0]], np.float32)
    classifier = LinearClassifier(("cat", "dog"), weights, np.array([0, 1], np.float32))
    for name, data in classifier.files().items():
        (tmp_path / name).write_bytes(data)
    served, context = run_script()["StoredClassifier"](), PythonModelContext({"classifier": str(tmp_path)}, {})
    served.load_context(context)
    vectors = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_array_equal(served.predict(context, vectors), classifier.probabilities(list(vectors)))
