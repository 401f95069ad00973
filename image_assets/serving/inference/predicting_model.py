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
        is_fresh = tuple(classes) == self._classes and time.monotonic() < self._chosen_at + _FRESH_S
        return self._current if is_fresh else None

    def choose(self, classes: Sequence[str]) -> Predictor:
        """The choice; what loading a classifier or reading the lake raises."""
        with self._choosing:
            if found := self.fresh(classes):
                return found
            model = choose_model(self._tables, self._encoder, classes, self._device)
            former = self._current
            if former is None or former.model.version != model.version:
                self._current = Predictor(model, model.load())
            else:
                self._current = Predictor(model, former.classifier)
            self._classes, self._chosen_at = tuple(classes), time.monotonic()
            return self._current
