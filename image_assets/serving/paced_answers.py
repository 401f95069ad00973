"""Answers that are taken: a reader who does not read, or does so too slowly, is not waited for."""

import asyncio
import logging
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_log = logging.getLogger(__name__)
_WINDOW_S: Final = 30.0
_LEAST_BYTES_PER_S: Final = 1024


class PacedAnswers(HttpToolsProtocol):
    """A connection that is cut when less than 1 KB a second is taken of an answer that waits, measured over 30 s.

    What the system has taken counts, of which it holds little that was not sent: see `server.serve`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._looking: asyncio.TimerHandle | None = None
        # What waited at the last look; None when it was taken since, or more came to it.
        self._waiting_bytes: int | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self._looking:
            self._looking.cancel()
            self._looking = None
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio; until `resume_writing` nothing is added to what waits."""
        super().pause_writing()
        self._look_later()

    def resume_writing(self) -> None:
        """See asyncio."""
        super().resume_writing()
        self._waiting_bytes = None

    def on_message_begin(self) -> None:
        """See httptools."""
        self._waiting_bytes = None
        super().on_message_begin()

    def on_response_complete(self) -> None:
        """See uvicorn, which would wait for whatever is left of it, even to close the connection."""
        super().on_response_complete()
        self._look_later()

    def _look_later(self) -> None:
        if self._looking is None and self.transport.get_write_buffer_size():
            self._waiting_bytes = self.transport.get_write_buffer_size()
            self._looking = self.loop.call_later(_WINDOW_S, self._look)

    def _look(self) -> None:
        self._looking = None
        waiting, former = self.transport.get_write_buffer_size(), self._waiting_bytes
        if former is None or former - waiting >= min(former, _LEAST_BYTES_PER_S * _WINDOW_S):
            self._look_later()
            return
        _log.warning("an answer was not taken: %s of %s bytes still wait after %s s", waiting, former, _WINDOW_S)
        self.transport.abort()
