"""How many requests are answered at once, more of which would make each slower than asking again; and until when."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from image_assets.serving.problems import Kind, answer

_MOST: Final = 500
_FULL: Final = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-at-once")
_ENDING: Final = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "service-ends")
_ALWAYS: Final = {"/health"}


@dataclass(slots=True)
class UnderWay:
    """The requests that a service answers.

    Attributes:
        count: how many they are.
        is_ending: whether they are the last.
    """

    count: int = 0
    is_ending: bool = False


class Crowd:
    """Middleware: a request too many, or too late, is told so at once; whether the service is alive is always said."""

    def __init__(self, app: ASGIApp, under_way: UnderWay, most: int = _MOST) -> None:
        self._app, self._under_way, self._most = app, under_way, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] in _ALWAYS:
            await self._app(scope, receive, send)
            return
        if self._under_way.is_ending:
            told, headers = "The service ends: try again, another may answer.", {"Connection": "close"}
            await answer(_ENDING, told, {"Retry-After": "5", **headers})(scope, receive, send)
            return
        if self._under_way.count >= self._most:
            refusal = answer(_FULL, f"{self._most} requests are being answered: try again.", {"Retry-After": "2"})
            await refusal(scope, receive, send)
            return
        self._under_way.count += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way.count -= 1
