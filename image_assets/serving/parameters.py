"""Parameters of a request: what a route does not know, or cannot do as it is meant, is refused, not passed over."""

from http import HTTPStatus
from typing import Final

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from image_assets.serving.problems import Kind, Problem

_INVALID: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request")
_ELSEWHERE: Final = (params.Path, params.Header, params.Cookie)
_NAMED, _SHOWN = 3, 40
_ONCE: Final = "Idempotency-Key"


def check_parameters(request: Request) -> None:
    """See that the route knows every parameter of the address.

    Raises:
        Problem: 422 that names those it knows.
    """
    if not request.query_params:
        return
    known = parameters_of(request.scope["route"])
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        there = f"there are {', '.join(known)}" if known else "there is none"
        faults = [{"pointer": f"/query/{name[:_SHOWN]}", "detail": f"No such parameter: {there}."} for name in unknown]
        told = ", ".join(repr(name[:_SHOWN]) for name in unknown[:_NAMED])
        raise Problem(_INVALID, f"No parameter of this address is called {told}: {there}.", more={"errors": faults})


def check_headers(request: Request) -> None:
    """Raises `Problem`, 422, for one request under several keys: it would be done again under the other."""
    if len(set(request.headers.getlist(_ONCE))) > 1:
        raise Problem(_INVALID, f"There are several headers {_ONCE}: a request has one.")


def parameters_of(route: APIRoute) -> list[str]:
    """The names that a route knows in its address, in the order of the alphabet."""
    found = get_flat_params(route.dependant)
    return sorted({each.alias for each in found if not isinstance(each.field_info, _ELSEWHERE)})
