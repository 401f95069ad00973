"""The record of trainings and the registry of models, kept by MLflow: a local file by default, any server by setting.

MLflow is where people look and compare. Nothing here is needed to predict: a champion's files are kept elsewhere too.
"""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Final

import numpy as np

from image_assets.errors import ModelError
from image_assets.models.classifiers.classifier import Classifier, Reads

EXPERIMENT: Final = "image_assets"
REGISTERED_MODEL: Final = "image_assets-classifier"
CHAMPION_ALIAS: Final = "champion"
VERSION_TAG: Final = "model_version"

_RUN_NAME_TAG, _NOTE_TAG = "mlflow.runName", "mlflow.note.content"
_ABOUT: Final = (
    "Categories of product photos, trained by `image-assets train`. The alias `champion` follows the lake's choice, "
    "which `image-assets classifier promote` and `rollback` change; moving the alias here changes nothing there."
)

_ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # By default a server that is down is tried for minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
_SCRIPT: Final = Path(__file__).with_name("mlflow_model.py")


@dataclass(frozen=True, slots=True)
class Tracking:
    """Where trainings are recorded.

    Attributes:
        uri: an address, or `sqlite:///` and a file.
        artifacts: where files of a local experiment go; None leaves it to the server.
    """

    uri: str
    artifacts: str | None


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What MLflow keeps of a training besides the model.

    Attributes:
        name: the classifier's version; the run is called like it.
        description: a sentence for people.
        parameters: chosen or given.
        metrics: finite numbers.
        files: pictures and tables by name.
    """

    name: str
    description: str
    parameters: Mapping[str, str | float]
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]


def import_mlflow() -> ModuleType:
    """MLflow without its telemetry and with an end to its patience; takes seconds the first time."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow

    return mlflow


@contextmanager
def answering(tracking: Tracking) -> Iterator[None]:
    """Turn MLflow's errors into `ModelError` with what to do."""
    mlflow = import_mlflow()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (mlflow.MlflowException, SQLAlchemyError, OSError) as problem:
        raise ModelError(
            f"MLflow at {tracking.uri} cannot be used: {problem}; start it or set IMAGE_ASSETS_MLFLOW_TRACKING_URI. "
            "Predictions do not need it"
        ) from problem


def prepare_experiment(tracking: Tracking) -> None:
    """Make the experiment if it is not there; a local one keeps its files beside its database."""
    mlflow = import_mlflow()
    with answering(tracking):
        client = mlflow.MlflowClient(tracking.uri)
        if client.get_experiment_by_name(EXPERIMENT) is None:
            client.create_experiment(EXPERIMENT, artifact_location=tracking.artifacts)


def register_classifier(
    tracking: Tracking, classifier: Classifier, input_size: tuple[int, ...], record: TrainingRecord
) -> str:
    """Log the model, with its signature and record, into the active run; the number of its version in the registry."""
    mlflow = import_mlflow()
    with answering(tracking), TemporaryDirectory() as folder, warnings.catch_warnings():
        # MLflow would like type hints and examples to find the signature out from; it is given one.
        warnings.simplefilter("ignore", UserWarning)
        files = _written(Path(folder), classifier.files())
        mlflow.log_params(dict(record.parameters))
        mlflow.log_metrics(dict(record.metrics))
        mlflow.set_tags({VERSION_TAG: record.name, _RUN_NAME_TAG: record.name, _NOTE_TAG: record.description})
        for name, data in record.files.items():
            mlflow.log_artifact(str(_write(Path(folder) / name, data)))
        logged = mlflow.pyfunc.log_model(
            name="classifier",
            python_model=str(_SCRIPT),
            artifacts={"classifier": str(files)},
            signature=_signature(classifier, input_size),
            # Stated, because finding them out would run the model in another process.
            pip_requirements=[f"image-assets=={version('image-assets')}"],
            registered_model_name=REGISTERED_MODEL,
        )
        number = str(logged.registered_model_version)
        client = mlflow.MlflowClient(tracking.uri)
        client.update_registered_model(REGISTERED_MODEL, _ABOUT)
        client.update_model_version(REGISTERED_MODEL, number, record.description)
        client.set_model_version_tag(REGISTERED_MODEL, number, VERSION_TAG, record.name)
        return number


def set_champion(tracking: Tracking, number: str) -> None:
    """Point the alias `champion` at a version of the registry."""
    mlflow = import_mlflow()
    with answering(tracking):
        mlflow.MlflowClient(tracking.uri).set_registered_model_alias(REGISTERED_MODEL, CHAMPION_ALIAS, number)


def _signature(classifier: Classifier, input_size: tuple[int, ...]) -> object:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    dtype = np.dtype(np.float32 if classifier.reads is Reads.EMBEDDING else np.uint8)
    inputs = Schema([TensorSpec(dtype, (-1, *input_size))])
    return ModelSignature(inputs, Schema([TensorSpec(np.dtype(np.float32), (-1, len(classifier.labels)))]))


def _written(folder: Path, files: Mapping[str, bytes]) -> Path:
    target = folder / "classifier"
    target.mkdir()
    for name, data in files.items():
        _write(target / name, data)
    return target


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
