"""What MLflow runs to serve a classifier: it stores this script and the plain files, no pickled object."""

from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from image_assets.models.classifier import Classifier
from image_assets.models.classifier_files import load_classifier

FILES = "classifier"


class StoredClassifier(PythonModel):  # type: ignore[misc, unused-ignore]
    """Embeddings or pixels in, probabilities out."""

    _classifier: Classifier

    def load_context(self, context: PythonModelContext) -> None:
        """Read the files once."""
        folder = Path(context.artifacts[FILES])
        self._classifier = load_classifier({path.name: path.read_bytes() for path in folder.iterdir()})

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # noqa: ARG002
        """One row of probabilities per row of the input; MLflow takes type hints for a signature, so there are none."""
        return self._classifier.probabilities(model_input)


set_model(StoredClassifier())
