"""Bodies that are read before the framework parses them, which would wait for good: JSON, and forms of pages."""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request
from starlette.datastructures import FormData
from starlette.types import Message, Receive

from image_assets.serving.held_bodies import HeldBodies, HeldBody, hold_pieces

_MOST_FIELDS: Final = 200
_MOST_BYTES: Final = 2**20
_BODY: Final = "image_assets.body"
"""In the scope of a request: its body, once it is read."""


async def posted_body(request: Request, held: HeldBody) -> bytes:
    """The body of a request, which is read once.

    Raises:
        Problem: 408, 413 or 503; see `hold_pieces`.
    """
    if _BODY not in request.scope:
        pieces = hold_pieces(request, held, _MOST_BYTES)
        request.scope[_BODY] = b"".join([piece async for piece in pieces])
    body: bytes = request.scope[_BODY]
    return body


async def posted_form(request: Request, bodies: HeldBodies, caller: str) -> FormData:
    """The fields of a body that is a form; see `posted_body`."""
    with bodies.one() as held:
        return await _form_of(request, await posted_body(request, held.of(caller)))


async def form_in(request: Request, pieces: AsyncIterator[bytes]) -> FormData:
    """The fields of a form that comes in pieces."""
    return await _form_of(request, b"".join([piece async for piece in pieces]))


def received(body: bytes) -> Receive:
    """How a body that has come whole is received."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return receive


async def _form_of(request: Request, body: bytes) -> FormData:
    return await Request(request.scope, received(body)).form(max_files=0, max_fields=_MOST_FIELDS)
