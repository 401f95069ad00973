"""What is seen of every request: its line in the access log, its numbers, and in the audit trail what it may not do."""

import logging
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from anyio.to_thread import run_sync
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_assets.errors import StoreUnavailableError
from image_assets.log_lines import FIELDS
from image_assets.serving.observing.audit import audit
from image_assets.serving.observing.audit_trail import AuditTrail
from image_assets.serving.observing.metrics import NO_ROUTE, Metrics, Seen
from image_assets.serving.observing.request_notes import REQUEST, RequestNotes

_log = logging.getLogger("image_assets.access")
_SAFE: Final = {"GET", "HEAD", "OPTIONS"}
_PROBES: Final = {"/health", "/ready", "/metrics"}
_CLIENT_GONE: Final = 499
"""What nginx calls the status of a request whose client left before the answer."""


@dataclass(slots=True)
class _Traffic:
    received_bytes: int = 0
    sent_bytes: int = 0
    status: int = 0
    is_gone: bool = False


class Observed:
    """Middleware: nothing is changed, and what fails within goes on failing.

    One of our own instead of prometheus-fastapi-instrumentator, which matches each request against all routes a second
    time, makes a request and an answer for its labels, takes any method for one, and would leave the log to another.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, trail: AuditTrail) -> None:
        self._app, self._metrics, self._trail = app, metrics, trail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        traffic, began = _Traffic(), time.perf_counter()
        notes = RequestNotes(self._trail, scope["client"][0] if scope.get("client") else "")
        mark = REQUEST.set(notes)
        try:
            with self._metrics.in_progress.track_inprogress():
                telling = _telling_trail(scope, notes, _counting_out(send, traffic))
                await self._app(scope, _counting_in(receive, traffic), telling)
        finally:
            self._tell(scope, notes, traffic, time.perf_counter() - began)
            REQUEST.reset(mark)

    def _tell(self, scope: Scope, notes: RequestNotes, traffic: _Traffic, seconds: float) -> None:
        route = scope.get("route")
        status = traffic.status or (_CLIENT_GONE if traffic.is_gone else HTTPStatus.INTERNAL_SERVER_ERROR.value)
        template = str(getattr(route, "path", NO_ROUTE))
        method, received, sent = str(scope["method"]), traffic.received_bytes, traffic.sent_bytes
        self._metrics.count(Seen(template, method, status, seconds, received, sent, notes.refused))
        fields = {
            "route": template,
            "method": method[:20],
            "status": status,
            "ms": round(seconds * 1_000, 1),
            "key": notes.caller,
            "address": notes.address,
            "received_bytes": received,
            "sent_bytes": sent,
        }
        is_probe = template in _PROBES and status < HTTPStatus.BAD_REQUEST
        level = logging.DEBUG if is_probe else logging.INFO
        _log.log(level, "%s %s %s", fields["method"], template, status, extra={FIELDS: fields})


def _telling_trail(scope: Scope, notes: RequestNotes, send: Send) -> Send:
    """Before somebody hears that he may not change something: whoever has the answer is no longer under way."""

    async def sending(message: Message) -> None:
        is_refusal = message["type"] == "http.response.start" and message["status"] == HTTPStatus.FORBIDDEN
        if is_refusal and scope["method"] not in _SAFE and notes.caller:
            try:
                await run_sync(audit, str(getattr(scope.get("route"), "name", NO_ROUTE)), (), "forbidden")
            except StoreUnavailableError as error:
                # Nothing was changed: the refusal stands.
                _log.error("the trail lacks a refusal: %s", error)
        await send(message)

    return sending


def _counting_in(receive: Receive, traffic: _Traffic) -> Receive:
    async def receiving() -> Message:
        message = await receive()
        traffic.received_bytes += len(message.get("body", b""))
        traffic.is_gone |= message["type"] == "http.disconnect"
        return message

    return receiving


def _counting_out(send: Send, traffic: _Traffic) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            traffic.status = message["status"]
        traffic.sent_bytes += len(message.get("body", b""))
        await send(message)

    return sending
