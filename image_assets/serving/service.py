"""What a running service holds, opened once and shared by all requests."""

import threading
import time
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Final

from fastapi import Depends, Request

from image_assets.access.keys import KeyRing
from image_assets.access.links import LinkSigner, open_signer
from image_assets.ids import ImageId
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.checkpoint_description import describe_checkpoint
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.opening import open_encoder, open_lake
from image_assets.serving.inference.inference import Inference
from image_assets.serving.limits import RateLimits, RateParams
from image_assets.settings import Settings
from image_assets.steps.questions.image_location import Location, locate

_SECRETS_LAST_S: Final = 60.0


class Service:
    """The lake and what is kept of it in memory; `close` ends what it started.

    Attributes:
        is_local: whether nobody but this machine's users can reach it: without any key its owner may do everything.
        inference: what models compute.
    """

    def __init__(self, settings: Settings, *, is_local: bool) -> None:
        self.is_local = is_local
        self.tables: ParquetTables = open_lake(settings)
        self.keys = KeyRing(self.tables.store)
        self.limits = RateLimits()
        self._settings = settings
        self.inference = Inference(self.tables, lambda: open_encoder(settings), lambda: self.settings, self.locate)
        self._opening = threading.Lock()
        self._signer: LinkSigner | None = None
        self._signer_opened_at = 0.0

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._settings

    @property
    def store(self) -> ObjectStore:
        """The lake's objects."""
        return self.tables.store

    @property
    def rates(self) -> RateParams:
        """How much may be asked for."""
        return RateParams(self.settings.rate_limit, self.settings.rate_limit_all)

    @property
    def links(self) -> LinkSigner:
        """Signs links and marks of pages, with the secrets of a minute ago at most."""
        with self._opening:
            if self._signer is None or time.monotonic() - self._signer_opened_at > _SECRETS_LAST_S:
                self._signer, self._signer_opened_at = open_signer(self.store), time.monotonic()
            return self._signer

    def now(self) -> datetime:
        """The time by which keys and links expire."""
        return datetime.now(UTC)

    @cached_property
    def encoder(self) -> EncoderDescription:
        """Whose vectors the lake is searched with; nothing is loaded for it."""
        return describe_checkpoint(locate_checkpoint(self._settings.encoder, self._settings.encoder_revision))

    def locate(self, image_id: ImageId) -> Location | None:
        """Where an image is; None when the lake has never seen it."""
        return locate(self.tables, image_id)

    def open(self) -> None:
        """Begin what runs beside requests."""
        self.inference.open()

    def close(self) -> None:
        """End what runs beside requests."""
        self.inference.close()


def service_of(request: Request) -> Service:
    """The service that a request has reached."""
    service: Service = request.app.state.service
    return service


ServiceHere = Annotated[Service, Depends(service_of)]
"""The type of a route's parameter that is the service."""
