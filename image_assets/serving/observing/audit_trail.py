"""The audit trail: a line for everything that was changed through the service, appended and never rewritten.

Every process of a service has files of its own for each day, so that two of them never write into one, on whatever
storage the lake lies. A line survives a power cut before the request is answered.
"""

import json
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from image_assets.lake.object_store import ObjectStore
from image_assets.serving.observing.kept_lines import open_lines

_LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody changed, or tried to.

    Attributes:
        who: name of the key; empty for nobody.
        what: the operation, such as upload, decision, erasure, configuration.
        subjects: ids of what it is about, at most a hundred.
        count: how many there are.
        result: what came of it.
        where: address from which it was asked for.
        request_id: as in the log and in the answer.
        note: what else the operation says.
    """

    who: str
    what: str
    subjects: Sequence[str]
    count: int
    result: str
    where: str
    request_id: str
    note: str = ""


class AuditTrail:
    """The trail of one process."""

    def __init__(
        self,
        store: ObjectStore,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._lines = open_lines(store, f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}", check)

    def append(self, act: Act) -> None:
        """Keep an act, durably.

        Raises:
            StoreUnavailableError: it cannot be kept; who asked for it is not to hear that all is well.
        """
        at = self._clock()
        line = json.dumps({"at": at.isoformat(), **asdict(act), "subjects": list(act.subjects[:_LISTED])}) + "\n"
        self._lines.keep(at.date(), line.encode())

    def close(self) -> None:
        """Leave everything durable."""
        self._lines.close()


def _host() -> str:
    return "".join(sign for sign in socket.gethostname() if sign.isalnum() or sign == "-")[:40] or "host"
