"""Which classifier a service predicts with: the champion is looked up again and again, and loaded when it changes."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.classifier import Classifier
from image_assets.models.encoders.encoder import ImageEncoder
from image_assets.steps.classification.predictions import Model, choose_model

_FRESH_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Predictor:
    """A model that was chosen, and its classifier."""

    model: Model
    classifier: Classifier


class PredictingModel:
    """The choice of `choose_model`, at most a second old; it reads the lake, so threads ask for it, not the loop."""

    def __init__(self, tables: ParquetTables, encoder: ImageEncoder, device: str) -> None:
        self._tables, self._encoder, self._device = tables, encoder, device
        self._current: Predictor | None = None
        self._classes: tuple[str, ...] = ()
        self._chosen_at = -_FRESH_S
        self._choosing = threading.Lock()

    def fresh(self, classes: Sequence[str]) -> Predictor | None:
        """The choice, if it need not be made again yet."""
        return self._of(classes) if time.monotonic() < self._chosen_at + _FRESH_S else None

    def choose(self, classes: Sequence[str]) -> Predictor:
        """The choice; while one thread makes it, others go on with the one before.

        Raises what reading the lake or loading a classifier raises.
        """
        if not self._choosing.acquire(blocking=self._of(classes) is None):
            return self._of(classes) or self.choose(classes)
        try:
            return self.fresh(classes) or self._chosen(classes)
        finally:
            self._choosing.release()

    def _chosen(self, classes: Sequence[str]) -> Predictor:
        model, former = choose_model(self._tables, self._encoder, classes, self._device), self._current
        is_same = former is not None and former.model.version == model.version
        chosen = Predictor(model, former.classifier if former and is_same else model.load())
        self._current, self._classes, self._chosen_at = chosen, tuple(classes), time.monotonic()
        return chosen

    def _of(self, classes: Sequence[str]) -> Predictor | None:
        return self._current if tuple(classes) == self._classes else None
