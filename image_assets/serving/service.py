"""What a running service holds, opened once and shared by all requests."""

import logging
import threading
from functools import cached_property
from typing import Annotated

from fastapi import Depends, Request

from image_assets.access.keys import KeyRing
from image_assets.access.links import LinkSigner, open_signer
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.opening import open_encoder, open_lake
from image_assets.serving.inference.inference import Inference
from image_assets.serving.limits import RateLimits, RateParams
from image_assets.settings import Settings

_log = logging.getLogger(__name__)


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
        self.inference = Inference(self.tables, lambda: open_encoder(settings), lambda: self.settings)
        self._opening = threading.Lock()

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
        """Signs links and marks of pages."""
        with self._opening:
            return self._signer

    @cached_property
    def _signer(self) -> LinkSigner:
        return open_signer(self.store)

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
