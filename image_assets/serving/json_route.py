"""Routes whose body is JSON, which FastAPI parses: it would read the body of whoever sends one, however slowly."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from image_assets.serving.callers import BEARER, Needs
from image_assets.serving.held_bodies import hold_pieces
from image_assets.serving.problems import documented
from image_assets.serving.service import service_of

_MOST_BYTES: Final = 2**20


class JsonRoute(APIRoute):
    """A route that looks at the key before it reads a body, and reads no body that is too long or comes too slowly."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.body_field:
            self.responses = {**documented((408,)), **self.responses}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle
        (guard,) = (each.call for each in self.dependant.dependencies if isinstance(each.call, Needs))

        async def handling(request: Request) -> Response:
            service = await service_of(request)
            caller = await guard.admit(request, service, await BEARER(request))
            with service.bodies.one() as held:
                pieces = hold_pieces(request, held.of(caller.name), _MOST_BYTES)
                body = b"".join([piece async for piece in pieces])
                return await handle(Request(request.scope, _sending(body)))

        return handling


def _sending(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return receive
