"""What assets are given: the lake, worker processes, the GPU with its encoder, and a place to show progress."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import dagster as dg
from pydantic import PrivateAttr

from image_assets.compute.engine import Engine, EngineParams, ProcessEngine
from image_assets.lake.object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoder import ImageEncoder

_LOG_EVERY_S = 10.0
_log = logging.getLogger(__name__)


class LakeResource(dg.ConfigurableResource[ParquetTables]):
    """The lake below one root."""

    root: str

    @property
    def tables(self) -> ParquetTables:
        """The lake's tables; its objects are behind `tables.store`."""
        return ParquetTables(LocalObjectStore(Path(self.root)))


class WorkersResource(dg.ConfigurableResource[Engine]):
    """Worker processes; they start on first use and live as long as the run."""

    workers: int
    image_timeout_s: float
    worker_memory_mb: int
    _engine: ProcessEngine | None = PrivateAttr(default=None)

    @property
    def engine(self) -> Engine:
        """The run's engine."""
        if self._engine is None:
            limit = self.worker_memory_mb * 2**20
            self._engine = ProcessEngine(EngineParams(self.workers, self.image_timeout_s, limit))
        return self._engine

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Stop the workers."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


class GpuResource(dg.ConfigurableResource[ImageEncoder]):
    """The device for inference and the encoder on it; the model is loaded on first use."""

    encoder_name: str
    encoder_revision: str | None
    device: str
    precision: str
    batch_size: int
    _encoder: ImageEncoder | None = PrivateAttr(default=None)

    @property
    def encoder(self) -> ImageEncoder:
        """The encoder; torch is imported here, because a code location must load without it."""
        if self._encoder is None:
            from image_assets.models.transformers_encoder import load_encoder

            self._encoder = load_encoder(
                self.encoder_name,
                revision=self.encoder_revision,
                device=self.device,
                precision=self.precision,
                batch_size=self.batch_size,
            )
        return self._encoder

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Give the device's memory back."""
        self._encoder = None


class Progress(Protocol):
    """Where long work shows how far it is."""

    def track(self, what: str) -> Callable[[int, int], None]:
        """A function to be told the items done and the items to do."""
        ...


class LoggedProgress:
    """A line in the log every ten seconds."""

    def track(self, what: str) -> Callable[[int, int], None]:
        """See `Progress`."""
        started = last = time.monotonic()

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if done and now - last >= _LOG_EVERY_S:
                last = now
                _log.info("%s: %d of %d images, %.0f images/s", what, done, total, done / (now - started))

        return tell
