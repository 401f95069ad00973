"""What MLflow runs to serve a classifier: it stores this script and the plain files, no pickled object."""

from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from image_assets.models.classifiers.classifier import Classifier, Probabilities
from image_assets.models.classifiers.classifier_files import load_classifier

FILES = "classifier"


# Untyped in some of the releases that are supported.
class StoredClassifier(PythonModel):  # type: ignore[misc, unused-ignore]
    """Embeddings or pixels in, probabilities out."""

    _classifier: Classifier

    def load_context(self, context: PythonModelContext) -> None:
        """Read the files once."""
        folder = Path(context.artifacts[FILES])
        self._classifier = load_classifier({path.name: path.read_bytes() for path in folder.iterdir()})

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow passes it by name
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,  # noqa: ARG002 - as above
    ) -> Probabilities:
        """One row of probabilities per row of the input; MLflow takes any other hint than this for a signature."""
        return self._classifier.probabilities(list(model_input))


set_model(StoredClassifier())
