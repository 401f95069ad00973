"""HTTP/1.1 by httptools, which is twice as fast as h11 and keeps headers of any size; here they end somewhere."""

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEADER_BYTES: Final = 16 * 1024


class BoundedHeaders(HttpToolsProtocol):
    """A connection that is closed with a 400 when what comes before a body is longer than 16 KB."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # What has come of a head that is not complete, and of one that is.
        self._packet_bytes, self._unparsed_bytes, self._head_bytes, self._is_in_head = 0, 0, 0, True

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._packet_bytes = len(data)
        self._unparsed_bytes += len(data)
        super().data_received(data)
        is_too_long = self._is_in_head and self._unparsed_bytes > _HEADER_BYTES
        if is_too_long and not self.transport.is_closing():
            self.send_400_response("The headers are longer than this service takes.")

    def on_message_begin(self) -> None:
        """See httptools."""
        self._unparsed_bytes, self._head_bytes, self._is_in_head = self._packet_bytes, 0, True
        super().on_message_begin()

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
        super().on_headers_complete()

    def _count(self, part: bytes) -> None:
        self._head_bytes += len(part)
        if self._head_bytes > _HEADER_BYTES:
            # The parser takes it for a fault of the request, which it is.
            raise ValueError("longer than this service takes")
