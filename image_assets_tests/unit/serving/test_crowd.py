"""Who is answered at once: so many, and of one address a part of them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.serving.crowd import Crowd, UnderWay
from image_assets.serving.observing.audit_trail import AuditTrail
from image_assets.serving.observing.metrics import Metrics
from image_assets.serving.observing.middleware import Observed
from image_assets.serving.observing.request_notes import note_caller

MOST = 8


async def statuses_of(addresses: list[str], path: str = "/v1/images") -> tuple[list[int], int]:
    """Of requests that are answered by nobody before the last has come; and how many are under way afterwards."""
    all_came, statuses, under_way = asyncio.Event(), [0] * len(addresses), UnderWay()

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        await all_came.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    crowd = Crowd(answering, under_way, MOST)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def ask(number: int, address: str) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses[number] = message["status"]

        await crowd({"type": "http", "method": "GET", "path": path, "client": (address, 1)}, receive, send)

    async with asyncio.TaskGroup() as asking:
        for number, address in enumerate(addresses):
            asking.create_task(ask(number, address))
        await asyncio.sleep(0.05)
        all_came.set()
    return statuses, under_way.count


@pytest.mark.parametrize(
    "addresses",
    [
        ["203.0.113.7"] * 6,
        [f"2001:db8:1:2::{number}" for number in range(6)],
        ["::ffff:203.0.113.7", "203.0.113.7"] * 3,
    ],
)
def test_one_address_does_not_take_all_places(addresses: list[str]) -> None:
    statuses, left = asyncio.run(statuses_of([*addresses, "198.51.100.1", "2001:db8:1:3::1"]))
    assert statuses == [200, 200, 503, 503, 503, 503, 200, 200]
    assert left == 0


def test_all_together_are_so_many() -> None:
    statuses, _ = asyncio.run(statuses_of([f"203.0.113.{number}" for number in range(MOST + 2)]))
    assert statuses == [200] * MOST + [503] * 2


def test_whether_the_service_is_alive_is_always_said() -> None:
    statuses, _ = asyncio.run(statuses_of(["203.0.113.7"] * (MOST + 2), "/health"))
    assert statuses == [200] * (MOST + 2)


def test_who_is_told_that_he_may_not_is_in_the_trail_by_then_and_waits_for_nothing_more(tmp_path: Path) -> None:
    heard: list[list[str]] = []

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        note_caller("anna")
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body"})

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        heard.append([trail.read_text() for trail in tmp_path.rglob("*.jsonl")])

    observed = Observed(refusing, Metrics(tuple, lambda: 0.0), AuditTrail(LocalObjectStore(tmp_path)))
    asyncio.run(observed({"type": "http", "method": "PATCH", "path": "/v1/config"}, receive, send))
    assert [len(lines) for lines in heard] == [1, 1]
    assert '"result": "forbidden"' in heard[0][0]
