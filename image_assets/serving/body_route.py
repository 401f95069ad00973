"""Routes whose body FastAPI parses, JSON or a form: it would read that of whoever sends one, however slowly."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from image_assets.serving.callers import BEARER, Needs, see_again
from image_assets.serving.posted import posted_body, received
from image_assets.serving.problems import documented
from image_assets.serving.service import service_of


class BodyRoute(APIRoute):
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
                body = await posted_body(request, held.of(caller.name))
                await see_again(service, caller)
                return await handle(Request(request.scope, received(body)))

        return handling
