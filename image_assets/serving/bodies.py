"""Bodies of requests that are too large to be held: piece by piece, within a limit, and not slower than they may be."""

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from fastapi import Request

from image_assets.serving.problems import Kind, Problem

PIECE_BYTES: Final = 256 * 1024
_CLOSING: Final = {"Connection": "close"}
UNLIMITED: Final = 2**62
"""For routes whose bodies are bounded as they are read; see `BodyParams`."""
TOO_LARGE: Final = Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large")
_TOO_SLOW: Final = Kind(HTTPStatus.REQUEST_TIMEOUT, "too-slow")
CALLER_LEFT: Final = Kind(HTTPStatus.BAD_REQUEST, "caller-left")
_DIGEST: Final = Kind(HTTPStatus.BAD_REQUEST, "wrong-digest")
_SHA256: Final = re.compile(r"(?i:sha-256)=:([A-Za-z0-9+/]{43}=):")


@dataclass(frozen=True, slots=True)
class BodyParams:
    """What is taken.

    Attributes:
        max_bytes: of the whole body.
        least_bytes_per_s: a client that sends less is not waited for,
        window_s: measured over so many seconds of waiting.
    """

    max_bytes: int
    least_bytes_per_s: int = 1024
    window_s: float = 30.0


async def read_pieces(request: Request, params: BodyParams) -> AsyncIterator[bytes]:
    """The body in pieces of some size, the last of which may be short.

    Raises:
        Problem: 413 as soon as it is longer than allowed, 408 when it comes too slowly, 400 when its sender left or it
            is not what `Content-Digest` says (RFC 9530).
    """
    expected = expected_digest(request.headers.getlist("content-digest"))
    digest = hashlib.sha256() if expected else None
    _check_length(int(request.headers.get("content-length", 0)), params)
    piece, total = bytearray(), 0
    async for chunk in _chunks(request, params):
        total += len(chunk)
        _check_length(total, params)
        if digest is not None:
            digest.update(chunk)
        piece += chunk
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if digest is not None and not hmac.compare_digest(digest.digest(), expected or b""):
        raise Problem(_DIGEST, "The body is not what Content-Digest says: it was changed on its way; send it again.")
    if piece:
        yield bytes(piece)


def expected_digest(headers: Sequence[str]) -> bytes | None:
    """The SHA-256 that headers `Content-Digest` name; None where they name none.

    Raises:
        Problem: 400 for one that cannot be read, and for several, of which only one could be checked.
    """
    members = [member.strip() for header in headers for member in header.split(",")]
    named = [member for member in members if member.lower().startswith("sha-256")]
    if not named:
        return None
    found = _SHA256.fullmatch(named[0])
    if found is None or len(named) > 1:
        raise Problem(_DIGEST, "Content-Digest names one SHA-256, such as sha-256=:BASE64: with its 44 characters.")
    return base64.b64decode(found[1])


async def _chunks(request: Request, params: BodyParams) -> AsyncIterator[bytes]:
    """As they come; only the time that is spent waiting for them counts."""
    clock = asyncio.get_running_loop().time
    left_s, since, is_more = params.window_s, 0, True
    while is_more:
        began, chunk = clock(), b""
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                message = await request.receive()
        except TimeoutError:
            left_s = 0.0
        else:
            if message["type"] == "http.disconnect":
                raise Problem(CALLER_LEFT, "The caller left before the body was whole.")
            chunk, is_more = message.get("body", b""), message.get("more_body", False)
            left_s, since = left_s - (clock() - began), since + len(chunk)
        if left_s <= 0 and is_more:
            _check_pace(since, params)
            left_s, since = params.window_s, 0
        yield chunk


def _check_pace(received_bytes: int, params: BodyParams) -> None:
    if received_bytes < params.least_bytes_per_s * params.window_s:
        told = f"{received_bytes} bytes came in {params.window_s:g} s; at least {params.least_bytes_per_s} a second"
        raise Problem(_TOO_SLOW, told, _CLOSING)


def _check_length(size_bytes: int, params: BodyParams) -> None:
    if size_bytes > params.max_bytes:
        raise Problem(
            TOO_LARGE, f"The body is larger than {params.max_bytes} bytes.", _CLOSING, {"reason": "too_large"}
        )
