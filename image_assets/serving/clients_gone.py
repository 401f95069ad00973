"""Clients that leave before they are answered: nobody works for them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from image_assets.serving.bodies import CALLER_LEFT
from image_assets.serving.problems import Problem

Result = TypeVar("Result")


async def unless_gone(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """What the work returns; it is cancelled when the client hangs up. The body must have been read.

    Raises:
        Problem: 400: it has hung up; nobody reads that, but the metrics do.
    """
    answering, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return answering.result()
        raise Problem(CALLER_LEFT, "The caller left before it was answered.")
    finally:
        leaving.cancel()
        answering.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
