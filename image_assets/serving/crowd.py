"""How many requests are answered at once; more would make each of them slower than asking again."""

from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from image_assets.serving.problems import Kind, answer

_MOST: Final = 500
_FULL: Final = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-at-once")
_ALWAYS: Final = {"/health"}


class Crowd:
    """Middleware: a request too many is told so at once; whether the service is alive is always answered."""

    def __init__(self, app: ASGIApp, most: int = _MOST) -> None:
        self._app, self._most = app, most
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        if self._inside >= self._most:
            refusal = answer(_FULL, f"{self._most} requests are being answered: try again.", {"Retry-After": "2"})
            await refusal(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._inside -= 1
