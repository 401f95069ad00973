"""HTTP/1.1 by httptools, which is twice as fast as h11 and keeps headers of any size; here they end somewhere."""

import asyncio
import json
import logging
import uuid
from http import HTTPStatus
from typing import Any, Final

from image_assets.log_lines import FIELDS
from image_assets.serving.connections import Connections
from image_assets.serving.guards import HEADERS
from image_assets.serving.paced_answers import PacedAnswers
from image_assets.serving.problems import MEDIA_TYPE, Kind, body_of
from image_assets.serving.request_ids import REQUEST_ID

_log = logging.getLogger(__name__)
_MALFORMED: Final = Kind(HTTPStatus.BAD_REQUEST, "malformed-request")
_HEADER_BYTES: Final = 16 * 1024
_HEAD_S: Final = 10.0
_END: Final = b"\r\n\r\n"


class BoundedHeaders(PacedAnswers):
    """A connection that is closed when what comes before a body is longer than 16 KB (400), or has not come in 10 s."""

    def __init__(self, *args: Any, connections: Connections | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._connections, self._address = connections or Connections(), ""
        self._deadline: asyncio.TimerHandle | None = None
        # What has come of a head that is not complete, and of one that is; what a packet holds behind the last of them.
        self._rest_bytes, self._unparsed_bytes, self._head_bytes, self._is_in_head = 0, 0, 0, True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """See asyncio."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._connections.add(self, self._address)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._stop_waiting()
        self._connections.remove(self, self._address)
        super().connection_lost(exc)

    @property
    def is_waiting(self) -> bool:
        """See `Connection`."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def cut(self) -> None:
        """See `Connection`."""
        self._connections.remove(self, self._address)
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        end = data.rfind(_END)
        self._rest_bytes = len(data) - (end + len(_END) if end >= 0 else 0)
        self._unparsed_bytes += len(data)
        super().data_received(data)
        is_too_long = self._is_in_head and self._unparsed_bytes > _HEADER_BYTES
        if is_too_long and not self.transport.is_closing():
            self.send_400_response(f"What comes before a body has {_HEADER_BYTES} bytes at most.")

    def send_400_response(self, msg: str) -> None:
        """See uvicorn; as a problem with an id, like every other refusal."""
        request_id = uuid.uuid4().hex
        told = {**body_of(_MALFORMED, msg), "instance": request_id}
        body = json.dumps(told).encode()
        head = {
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
            REQUEST_ID: request_id,
            **HEADERS,
        }
        _log.warning("refused before it was a request: %s", msg, extra={FIELDS: {"request_id": request_id}})
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self.transport.write(f"HTTP/1.1 400 Bad Request\r\n{lines}\r\n".encode() + body)
        self.transport.close()

    def on_message_begin(self) -> None:
        """See httptools."""
        self._unparsed_bytes, self._head_bytes, self._is_in_head = self._rest_bytes, 0, True
        super().on_message_begin()
        self._wait_for_head()

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        self._count(name + value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._is_in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        # Behind it the same packet may hold a head, of which nobody tells where it begins: it counts from the next on.
        self._rest_bytes = 0
        super().on_body(body)

    def _wait_for_head(self) -> None:
        """A connection on which no request comes is closed; between two requests uvicorn does that sooner."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(_HEAD_S, self._give_up)

    def _give_up(self) -> None:
        self._deadline = None
        if self.is_waiting:
            self.transport.abort()
        else:
            # Nothing is read while requests before it are answered.
            self._wait_for_head()

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _count(self, part: bytes) -> None:
        self._head_bytes += len(part)
        if self._head_bytes > _HEADER_BYTES:
            # The parser takes it for a fault of the request, which it is.
            raise ValueError("longer than this service takes")
