"""The encoder of a service: opened when it is first asked for, loaded when it first has to compute."""

import gc
import logging
import math
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Final

import numpy as np

from image_assets.errors import ImageAssetsError, ModelError
from image_assets.models.encoders.encoder import ImageEncoder

_log = logging.getLogger(__name__)
_RETRY_S: Final = 30.0
"""Loading takes seconds: a model that cannot be loaded is not tried for every request."""


class ModelPhase(StrEnum):
    """Where loading stands."""

    NOT_LOADED = "not_loaded"
    LOADING = "loading"
    OK = "ok"
    FAILED = "failed"


class ServedModel:
    """An encoder, whether it is loaded, and why not.

    Attributes:
        phase: where loading stands.
        problem: why it failed and what to do; None unless it did.
    """

    def __init__(
        self, open_encoder: Callable[[], ImageEncoder], torch_threads: int, *, retry_after_s: float = _RETRY_S
    ) -> None:
        self._open_encoder, self._torch_threads, self._retry_after_s = open_encoder, torch_threads, retry_after_s
        self._encoder: ImageEncoder | None = None
        self._opening = threading.Lock()
        self._failed_at = -math.inf
        self.phase = ModelPhase.NOT_LOADED
        self.problem: str | None = None

    @property
    def encoder(self) -> ImageEncoder:
        """The encoder, which may not be loaded yet; `ModelError` when its files are not there."""
        with self._opening:
            if self._encoder is None:
                try:
                    self._encoder = self._open_encoder()
                except ImageAssetsError as error:
                    self._fail(error)
                    raise
            return self._encoder

    @property
    def opened(self) -> ImageEncoder | None:
        """The encoder, if nothing has to be read for it."""
        return self._encoder

    def ensure_loaded(self) -> None:
        """Load it, in the thread that computes, unless that is done or failed a moment ago.

        Raises:
            ModelError: it cannot be loaded; it is tried again after half a minute.
        """
        if self.phase is ModelPhase.OK:
            return
        if time.monotonic() < self._failed_at + self._retry_after_s:
            raise ModelError(f"{self.problem} (tried again within {self._retry_after_s:g} s)")
        self.phase = ModelPhase.LOADING
        try:
            self._load()
        # The libraries of a model raise anything; whoever asked is told, and /ready.
        except Exception as error:
            self._fail(error)
            raise ModelError(f"the model cannot be loaded: {error}") from error
        self.phase, self.problem = ModelPhase.OK, None

    def _load(self) -> None:
        import torch  # takes seconds: not before something has to be computed

        # Threads of one pass wait for each other in a loop that takes the processor from decoding and answering.
        torch.set_num_threads(self._torch_threads)
        side_px = self.encoder.description.input_size_px
        # The first pass is many times slower than the next.
        self.encoder.encode_images([np.zeros((side_px, side_px, 3), np.uint8)])
        # Half a million objects of libraries and models stay: to look through them stops every thread for 0.2 s.
        gc.collect()
        gc.freeze()

    def _fail(self, error: Exception) -> None:
        _log.error("the model cannot be loaded: %s", error, exc_info=error)
        self.phase, self.problem, self._failed_at = ModelPhase.FAILED, str(error), time.monotonic()
