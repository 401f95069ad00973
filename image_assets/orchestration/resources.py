"""What assets are given: the lake, worker processes, the GPU with its encoder, and a place to show progress."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

import dagster as dg
from pydantic import PrivateAttr

from image_assets.compute.arenas import share_arenas
from image_assets.compute.engine import Engine, EngineParams
from image_assets.compute.opening import EngineName, open_devices, open_engine
from image_assets.lake.lake_mark import LakeGuard
from image_assets.lake.opening import LakeParams, open_tables
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.address import RemoteRoot, parse_root
from image_assets.lake.remote.glance import Glance
from image_assets.lake.remote.params import StorageParams
from image_assets.models.encoders.encoder import EncoderDescription, ImageEncoder, Placement
from image_assets.orchestration.runs.at_work import PROCESS_TAG, at_work, this_process
from image_assets.orchestration.runs.kept_open import kept_open
from image_assets.orchestration.runs.known_lake import begin_with_known
from image_assets.orchestration.runs.turns import take_turns
from image_assets.steps.vectors.encoding import Encode, encode_here, encode_there

if TYPE_CHECKING:
    from image_assets.compute.cluster.ray_engine import RayDevices

_LOG_EVERY_S = 10.0
_STORAGE = StorageParams()
_log = logging.getLogger(__name__)


class LakeResource(dg.ConfigurableResource[ParquetTables]):
    """The lake below one root."""

    root: str
    archive_root: str | None = None
    history_keep: int = 1
    storage_endpoint: str | None = None
    storage_timeout_s: float = _STORAGE.timeout_s
    storage_retries: int = _STORAGE.retries
    storage_retry_s: float = _STORAGE.retry_s
    _guard: LakeGuard | None = PrivateAttr(default=None)
    _glance: Glance | None = PrivateAttr(default=None)
    _tables: ParquetTables | None = PrivateAttr(default=None)

    @property
    def tables(self) -> ParquetTables:
        """The lake's tables; its objects are behind `tables.store`. A step sees nothing of what former ones saw."""
        if self._glance is None:
            return self._open()
        self._glance.end()
        if self._tables is None:
            self._tables = self._open()
        return self._tables

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """A run changes the lake of its beginning, and makes no other in its place; no cloud's place can be empty."""
        if context.run is None or context.instance is None:
            return
        share_arenas()
        self._glance, root = Glance(), parse_root(self.root)
        if not isinstance(root, RemoteRoot):
            self._guard = LakeGuard()
            begin_with_known(self._guard, self.tables.store, context.instance, root)

    def _open(self) -> ParquetTables:
        archive = parse_root(self.archive_root) if self.archive_root else None
        params = LakeParams(parse_root(self.root), archive, self.history_keep, self._storage)
        return open_tables(params, self._guard, self._glance)

    @property
    def _storage(self) -> StorageParams:
        return StorageParams(self.storage_endpoint, self.storage_timeout_s, self.storage_retries, self.storage_retry_s)


@contextmanager
def _at_work(context: dg.InitResourceContext) -> Iterator[None]:
    """Show that a run is at work, and have its steps wait for their turn; a resource can be had without a run, too."""
    if context.instance is None or context.run is None:
        yield
        return
    if context.run.tags.get(PROCESS_TAG) != this_process():
        context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: this_process()})
    take_turns(context.instance)
    with at_work(context.instance, context.run.run_id), kept_open(context.instance, context.run.run_id):
        yield


class WorkersResource(dg.ConfigurableResource[Engine]):
    """Worker processes, here or on all nodes of a cluster; they start on first use and live as long as the run."""

    workers: int
    image_timeout_s: float
    worker_memory_mb: int
    runs_on: EngineName = "processes"
    is_lake_shared: bool = False
    _engine: Engine | None = PrivateAttr(default=None)

    @property
    def engine(self) -> Engine:
        """The run's engine."""
        if self._engine is None:
            params = EngineParams(self.workers, self.image_timeout_s, self.worker_memory_mb * 2**20)
            self._engine = open_engine(self.runs_on, params, is_lake_shared=self.is_lake_shared)
        return self._engine

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Engine]:
        """Show for the time of a run that it is at work."""
        with _at_work(context), super().yield_for_execution(context) as workers:
            yield workers

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Stop the workers."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


class EncoderResource(dg.ConfigurableResource[ImageEncoder]):
    """The device for inference and the encoder on it; the process loads its model once, when it has to compute."""

    encoder_name: str
    encoder_revision: str | None
    device: str
    precision: str
    batch_size: int | None
    execution: str = "eager"
    runs_on: EngineName = "processes"
    is_lake_shared: bool = False
    _encoder: ImageEncoder | None = PrivateAttr(default=None)
    _devices: "RayDevices | None" = PrivateAttr(default=None)

    @property
    def encoder(self) -> ImageEncoder:
        """The encoder; found anew by each run, because a folder may hold other weights by then."""
        if self._encoder is None:
            self._encoder = self._opener()
        return self._encoder

    @property
    def encode(self) -> Encode:
        """Where the vectors of a day are computed: by the encoder of this process, or on the devices of a cluster."""
        if self.runs_on == "processes":
            return encode_here
        if self._devices is None:
            self._devices = open_devices(self.device, is_lake_shared=self.is_lake_shared)
        return partial(encode_there, self._devices, self._opener)

    @property
    def _opener(self) -> Callable[[], ImageEncoder]:
        # Imported here, because a code location has to load fast.
        from image_assets.models.encoders.lazy_encoder import open_encoder

        placement = Placement(self.device, self.precision, self.batch_size, self.execution)
        return partial(open_encoder, self.encoder_name, self.encoder_revision, placement)

    @property
    def description(self) -> EncoderDescription:
        """Facts about the encoder, for who computes nothing with it."""
        return self.encoder.description

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[ImageEncoder]:
        """Show for the time of a run that it is at work."""
        with _at_work(context), super().yield_for_execution(context) as gpu:
            yield gpu

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Forget which checkpoint it was, and give the devices of a cluster back."""
        self._encoder = None
        if self._devices is not None:
            self._devices.close()
            self._devices = None


class Progress(Protocol):
    """Where long work shows how far it is."""

    def track(self, what: str, unit: str = "images") -> Callable[[int, int], None]:
        """A function to be told the units done and the units to do."""
        ...


class LoggedProgress:
    """A line in the log every ten seconds."""

    def track(self, what: str, unit: str = "images") -> Callable[[int, int], None]:
        """See `Progress`."""
        started = last = time.monotonic()

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if done and now - last >= _LOG_EVERY_S:
                last = now
                _log.info("%s: %d of %d %s, %.0f %s/s", what, done, total, unit, done / (now - started), unit)

        return tell
