"""Bodies that are held in memory: as many bytes as there is room for, all requests together, and a share per caller."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, Self

from fastapi import Request

from image_assets.serving.bodies import BodyParams, read_pieces
from image_assets.serving.problems import Kind, Problem

_ROOM_BYTES: Final = 2**28
# One body may be as large.
_SHARE_BYTES: Final = _ROOM_BYTES // 4
_FULL: Final = Kind(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-bodies")
# The rest of a body is not read.
_LATER: Final = {"Retry-After": "2", "Connection": "close"}


class HeldBodies:
    """How much of whose bodies a process holds."""

    def __init__(self) -> None:
        self._held = Counter[str]()

    @contextmanager
    def one(self) -> Iterator["HeldBody"]:
        """The body of a request, which is held until the block ends."""
        body = HeldBody(self._held)
        try:
            yield body
        finally:
            body.let_go()


class HeldBody:
    """What one request has of the room."""

    def __init__(self, held: Counter[str]) -> None:
        self._held, self._caller, self._size_bytes = held, "", 0

    def of(self, caller: str) -> Self:
        """Whose it is, before any of it is taken."""
        self._caller = caller
        return self

    def expect(self, size_bytes: int) -> None:
        """See that there is room for so much more.

        Raises:
            Problem: 503 while there is not, or the caller has its share.
        """
        if self._held[self._caller] + size_bytes > _SHARE_BYTES:
            raise Problem(_FULL, f"{self._caller} may have {_SHARE_BYTES} bytes under way: try again.", _LATER)
        if self._held.total() + size_bytes > _ROOM_BYTES:
            raise Problem(_FULL, f"All requests together may have {_ROOM_BYTES} bytes under way: try again.", _LATER)

    def take(self, size_bytes: int) -> None:
        """Hold so much more.

        Raises:
            Problem: as of `expect`.
        """
        self.expect(size_bytes)
        self._held[self._caller] += size_bytes
        self._size_bytes += size_bytes

    def let_go(self) -> None:
        """Hold nothing more; a caller that holds nothing is forgotten."""
        self._held.subtract({self._caller: self._size_bytes})
        self._size_bytes = 0
        if not self._held[self._caller]:
            del self._held[self._caller]


async def hold_pieces(request: Request, held: HeldBody, most_bytes: int) -> AsyncIterator[bytes]:
    """A body in pieces, for which there is room.

    Raises:
        Problem: 503 while there is none, and as of `read_pieces`.
    """
    told_bytes = int(request.headers.get("content-length", 0))
    held.expect(min(told_bytes, most_bytes))
    async for piece in read_pieces(request, BodyParams(most_bytes)):
        held.take(len(piece))
        yield piece
