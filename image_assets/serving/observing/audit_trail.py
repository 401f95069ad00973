"""The audit trail: a line for everything that was changed through the service, appended and never rewritten.

Every process of a service has a file of its own for each day, so that two of them never write into one, on whatever
file system the lake lies. A line survives a power cut before the request is answered; those who wait at once are kept
by one call to the disk.
"""

import json
import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from image_assets.errors import StoreUnavailableError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore

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
        self._store, self._clock, self._check = store, clock, check
        self._process = f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._appending, self._syncing = threading.Lock(), threading.Lock()
        self._appended = self._synced = 0
        self._day: date | None = None
        self._file: int | None = None

    def append(self, act: Act) -> None:
        """Keep an act, durably.

        Raises:
            StoreUnavailableError: it cannot be kept; who asked for it is not to hear that all is well.
        """
        at = self._clock()
        line = json.dumps({"at": at.isoformat(), **asdict(act), "subjects": list(act.subjects[:_LISTED])}) + "\n"
        try:
            with self._appending:
                _write_whole(self._file_of(at.date()), line.encode())
                self._appended += 1
                mine = self._appended
            self._sync(mine)
        except OSError as error:
            where = self._place(at.date())
            raise StoreUnavailableError(f"cannot append to {where}: {error.strerror}; make room there") from error

    def close(self) -> None:
        """Leave the file durable."""
        with self._appending:
            self._leave_file()

    def _sync(self, line: int) -> None:
        """See that a line is on the disk, by its number; whoever waited meanwhile finds that his is there, too."""
        with self._syncing:
            if self._synced >= line:
                return
            with self._appending:
                # A descriptor of its own, because the file may be left meanwhile, synced.
                latest, file = self._appended, None if self._file is None else os.dup(self._file)
            if file is not None:
                try:
                    os.fsync(file)
                finally:
                    os.close(file)
            self._synced = latest

    def _leave_file(self) -> None:
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
        self._file = self._day = None

    def _file_of(self, day: date) -> int:
        if self._file is None or day != self._day:
            self._leave_file()
            self._check()
            place = self._place(day)
            place.parent.mkdir(parents=True, exist_ok=True)
            self._file, self._day = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640), day
            for folder in list(place.parents)[:3]:
                _sync_folder(folder)
        return self._file

    def _place(self, day: date) -> Path:
        return Path(self._store.uri(object_keys.audit_key(day, self._process)))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_whole(file: int, line: bytes) -> None:
    while line:
        line = line[os.write(file, line) :]


def _host() -> str:
    return "".join(sign for sign in socket.gethostname() if sign.isalnum() or sign == "-")[:40] or "host"
