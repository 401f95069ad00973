"""A classifier as a few plain files; nothing in them is code, so that they can be damaged but do no damage."""

import hashlib
from collections.abc import Mapping
from typing import Final

from image_assets.errors import ModelError
from image_assets.models.classifiers.classifier import Classifier
from image_assets.models.classifiers.linear_classifier import WEIGHTS_FILE, LinearClassifier

_VERSION_DIGITS: Final = 8


def load_classifier(files: Mapping[str, bytes], device: str = "auto") -> Classifier:
    """The classifier whose `files` these are; only those that need a device import torch.

    Raises:
        ModelError: a file is missing or damaged.
    """
    if WEIGHTS_FILE in files:
        return LinearClassifier.from_files(files)
    from image_assets.models.classifiers.fine_tuned import NETWORK_FILE, FineTunedClassifier

    if NETWORK_FILE in files:
        return FineTunedClassifier.from_files(files, device)
    raise ModelError(f"these are no files of a classifier: {', '.join(sorted(files)) or 'none at all'}")


def version_of_files(trainer: str, files: Mapping[str, bytes]) -> str:
    """Names a classifier by what it is, such as `head-3f9a01c2`: learning the same again is the same version."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\n{len(files[name])}\n".encode())
        digest.update(files[name])
    return f"{trainer}-{digest.hexdigest()[:_VERSION_DIGITS]}"
