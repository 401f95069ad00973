"""What no request and no answer goes without: headers that keep browsers from doing more than they are asked to."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_assets.serving.problems import Kind, answer

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
MORE: Final = "image_assets.headers"
"""In the scope of a request: headers that its answer has, whoever makes it."""
_SAFE: Final = {"GET", "HEAD", "OPTIONS"}
_OTHERS: Final = {"cross-site", "same-site"}
_NAME_IT: Final = "A page of another origin asks for a change: name it in IMAGE_ASSETS_CORS_ORIGINS."
_FOREIGN: Final = Kind(HTTPStatus.FORBIDDEN, "foreign-page")


class AnswerHeaders:
    """Middleware: every answer has the headers; a route's own stay."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""

        # An object, because layers below pass on copies of the scope.
        more: dict[str, str] = {}
        scope[MORE] = more

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(more)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # What may be kept says so itself.
                headers.setdefault("Cache-Control", "private, no-cache")
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


class HeadAsGet:
    """Middleware: whoever may GET may ask for the headers alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        # The server sends no body in answer to HEAD, whatever it is given.
        await self._app(scope, receive, send)


class OwnPagesOnly:
    """Middleware: a page of another origin changes nothing with the rights of whoever looks at it.

    A browser says where a request comes from (Fetch Metadata, Origin); a program with a key says neither, and needs to
    say nothing, because no page can make a browser send its key.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str] = ()) -> None:
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http" and scope["method"] not in _SAFE and self._is_foreign(Headers(scope=scope)):
            refusal = answer(_FOREIGN, _NAME_IT)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_foreign(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin in self._origins:
            return False
        site = headers.get("sec-fetch-site")
        if site is not None:
            # Of a form on a page that tells no referrer the origin is "null", though it is our own.
            return site in _OTHERS
        return origin is not None and urlsplit(origin).netloc != headers.get("host")
