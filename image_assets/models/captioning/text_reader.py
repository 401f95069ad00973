"""Text in pictures (OCR): what it means to read it, and RapidOCR, whose models come with its package."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from image_assets.errors import ConfigurationError
from image_assets.imaging.pixels import RgbImage

_PACKAGES: Final = ("rapidocr", "onnxruntime")


@dataclass(frozen=True, slots=True)
class TextParams:
    """How carefully to read.

    Attributes:
        longest_side_px: the picture is brought to this before reading.
        least_confidence: 0..1; lines below are left out. Seams and prints are read as single letters.
    """

    longest_side_px: int = 960
    least_confidence: float = 0.75


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line: confidence 0..1, and an upright box whose edges are shares of the picture's width and height."""

    text: str
    confidence: float
    left: float
    top: float
    right: float
    bottom: float


class TextReader(Protocol):
    """Reads the text in a picture."""

    def read(self, image: RgbImage) -> list[TextLine]:
        """Lines from top to bottom."""
        ...


def reader_name(packages: Sequence[str] = _PACKAGES) -> str:
    """What reads, with the versions of its packages.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        return " ".join(f"{package} {version(package)}" for package in packages)
    except PackageNotFoundError as error:
        raise ConfigurationError(
            f"reading text needs {error.name}: pip install 'image-assets[ocr]', or set IMAGE_ASSETS_OCR=0"
        ) from error


class RapidOcrReader:
    """PP-OCR by RapidOCR on one thread of the CPU: any mix of Latin, Chinese and Japanese script, turned or not."""

    def __init__(self, params: TextParams) -> None:
        """Loads the models, which takes seconds; `ConfigurationError` when the extra is not installed."""
        reader_name()
        from rapidocr import RapidOCR

        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.max_side_len": params.longest_side_px,
                "Global.text_score": params.least_confidence,
                # One worker per core already fills the processor.
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, image: RgbImage) -> list[TextLine]:
        """See `TextReader`."""
        found: Any = self._engine(np.ascontiguousarray(image[:, :, ::-1]))
        if found.txts is None:
            return []
        rows, columns = image.shape[:2]
        return [
            _line(text, score, np.asarray(box) / (columns, rows))
            for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True)
            if text.strip()
        ]


def mean_confidence(lines: Sequence[TextLine]) -> float | None:
    """Mean over the letters, 0..1; None without text."""
    letters = sum(len(line.text) for line in lines)
    return sum(line.confidence * len(line.text) for line in lines) / letters if letters else None


def _line(text: str, score: float, corners: npt.NDArray[np.float64]) -> TextLine:
    (left, top), (right, bottom) = corners.min(axis=0).clip(0, 1), corners.max(axis=0).clip(0, 1)
    return TextLine(" ".join(text.split()), float(score), float(left), float(top), float(right), float(bottom))
