"""Listening: which addresses the service may be reached at, and the server that runs it."""

import asyncio
import os
import socket
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final, cast

import uvicorn
from fastapi import FastAPI

from image_assets.access.keys import KeyRing
from image_assets.errors import ConfigurationError
from image_assets.lake.lake_mark import holds_lake, settle_mark
from image_assets.opening import open_objects
from image_assets.serving.application import create_app
from image_assets.serving.bounded_headers import BoundedHeaders
from image_assets.serving.callers import is_loopback
from image_assets.serving.connections import room_for_connections
from image_assets.serving.observing.log_output import log_as_json
from image_assets.serving.service import Service
from image_assets.settings import Settings

_GRACE_S: Final = 10
"""For the requests under way; then they are cancelled, and get a second more."""
_LOOK_S: Final = 0.05
_BACKLOG: Final = 2_048
_UNSENT_BYTES: Final = 2**16
"""What the system keeps of an answer that its reader has no room for: more would hide how slowly he takes it."""


def check_there(settings: Settings) -> None:
    """See that there is a lake: where its storage is not mounted another would begin.

    Raises:
        ConfigurationError: there is none, or its keys are gone.
        StoreUnavailableError: a folder of it that is placed elsewhere is gone.
    """
    store = open_objects(settings)
    if not holds_lake(store):
        way_out = "bring back its storage, or begin one there: image-assets serve --create"
        raise ConfigurationError(f"there is no lake in {settings.root}: {way_out}")
    settle_mark(store)


def serve(settings: Settings, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Answer requests until the process is interrupted or terminated; `tell` is told the address.

    Raises:
        ConfigurationError: others can reach the address and nobody has a key, or something listens there already.
    """
    log_as_json()
    settle_environment()
    is_local = is_loopback(host)
    if not is_local:
        _check_keys(settings, host)
    app = create_app(settings, is_local=is_local)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        # Called like the class that it is of.
        http=cast("type[BoundedHeaders]", partial(BoundedHeaders, connections=room_for_connections())),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies) or None,
        timeout_graceful_shutdown=1,
    )
    listening = _bound(host, port)
    shown = f"[{host}]" if ":" in host else host
    tell(f"http://{shown}:{listening.getsockname()[1]}")
    _Server(config, app).run(sockets=[listening])


def settle_environment() -> None:
    """Set what PyTorch would set when a model is loaded, before there are other threads.

    The C library's list of variables must not grow while somebody reads it: DuckDB and polars do, from threads of their
    own, and the process would end in the middle of a request.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(tempfile.gettempdir(), f"torchinductor_{os.getuid()}")))


class _Server(uvicorn.Server):
    """Finishes what is under way, and tells whoever comes meanwhile that the service ends; uvicorn would not listen.

    Those who wait for the model are told at once, not when the grace is over.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._service: Service = app.state.service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn."""
        super().handle_exit(sig, frame)
        self._service.under_way.is_ending = True
        threading.Thread(target=self._service.inference.close, name="ending").start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                while self._service.under_way.count and not self.force_exit:
                    await asyncio.sleep(_LOOK_S)
        await super().shutdown(sockets)


def _check_keys(settings: Settings, host: str) -> None:
    ring = KeyRing(open_objects(settings))
    ring.refresh()
    if not ring.has_live_key(datetime.now(UTC)):
        way_out = "image-assets keys add NAME --role admin, or --host 127.0.0.1"
        raise ConfigurationError(f"others can reach {host}, and there is no key: {way_out}")


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections have it of the socket that they came to.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
    try:
        listening.bind((host, port))
        # From here on requests wait for the service instead of being refused.
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigurationError(f"cannot listen at {host}:{port}: {error.strerror}; --port takes another") from error
    return listening
