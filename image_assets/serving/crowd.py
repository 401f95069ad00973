"""How many requests are answered at once, more of which would make each slower than asking again; and until when."""

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from image_assets.serving.problems import Kind, answer

_MOST: Final = 500
_FULL: Final = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-at-once")
_ENDING: Final = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "service-ends")
_ALWAYS: Final = {"/health"}
_NETWORK_BITS: Final = 64


@dataclass(slots=True)
class UnderWay:
    """The requests that a service answers.

    Attributes:
        of: how many they are, by whence they come.
        is_ending: whether they are the last.
    """

    of: Counter[str] = field(default_factory=Counter)
    is_ending: bool = False

    @property
    def count(self) -> int:
        """How many they are."""
        return self.of.total()

    @contextmanager
    def one(self, origin: str) -> Iterator[None]:
        """Count a request while it is answered."""
        self.of[origin] += 1
        try:
            yield
        finally:
            self.of[origin] -= 1
            if not self.of[origin]:
                del self.of[origin]


class Crowd:
    """Middleware: a request too many, or too late, is told so at once; whether the service is alive is always said.

    No address takes more than a quarter of the places, so that others find some whatever it does.
    """

    def __init__(self, app: ASGIApp, under_way: UnderWay, most: int = _MOST) -> None:
        self._app, self._under_way, self._most, self._share = app, under_way, most, most // 4

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        if self._under_way.is_ending:
            told, headers = "The service ends: try again, another may answer.", {"Connection": "close"}
            await answer(_ENDING, told, {"Retry-After": "5", **headers})(scope, receive, send)
            return
        origin = origin_of(scope["client"][0] if scope.get("client") else "")
        if refusal := self._refusal(origin):
            await answer(_FULL, refusal, {"Retry-After": "2"})(scope, receive, send)
            return
        with self._under_way.one(origin):
            await self._app(scope, receive, send)

    def _refusal(self, origin: str) -> str:
        """Why a request finds no place; empty when it does."""
        if self._under_way.of[origin] >= self._share:
            return f"{self._share} requests from your address are being answered: try again."
        if self._under_way.count >= self._most:
            return f"{self._most} requests are being answered: try again."
        return ""


@lru_cache(4096)
def origin_of(address: str) -> str:
    """What one caller has: an address, or the network of one of IPv6, any number of which are his."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found), _NETWORK_BITS), strict=False))
