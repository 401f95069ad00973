"""Lines that are kept for good: appended to a file, or, where nothing can be appended, as objects one after the other.

A line is durable before the call returns; those who wait at once are kept by one call to the disk, or to the cloud.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from image_assets.errors import StoreUnavailableError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore


class KeptLines(Protocol):
    """What one process writes on a day, line by line."""

    def keep(self, day: date, line: bytes) -> None:
        """Keep a line, durably; `StoreUnavailableError` when it cannot be kept."""
        ...

    def close(self) -> None:
        """Leave everything durable."""
        ...


def open_lines(store: ObjectStore, process: str, check: Callable[[], None]) -> KeptLines:
    """Lines of a process, of which `check` sees before each new file that the lake is there."""
    is_remote = "://" in store.uri(object_keys.AUDIT)
    return LinesInObjects(store, process) if is_remote else LinesInFiles(store, process, check)


class LinesInFiles:
    """A file for each day."""

    def __init__(self, store: ObjectStore, process: str, check: Callable[[], None]) -> None:
        self._store, self._process, self._check = store, process, check
        self._appending, self._syncing = threading.Lock(), threading.Lock()
        self._appended = self._synced = 0
        self._day: date | None = None
        self._file: int | None = None

    def keep(self, day: date, line: bytes) -> None:
        """See `KeptLines`."""
        try:
            with self._appending:
                _write_whole(self._file_of(day), line)
                self._appended += 1
                mine = self._appended
            self._sync(mine)
        except OSError as error:
            where = self._place(day)
            raise StoreUnavailableError(f"cannot append to {where}: {error.strerror}; make room there") from error

    def close(self) -> None:
        """See `KeptLines`."""
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


@dataclass(slots=True)
class _Page:
    """Lines that become one object, until it is sent; then what came of that."""

    day: date
    lines: list[bytes] = field(default_factory=list)
    is_sent: bool = False
    error: Exception | None = None


class LinesInObjects:
    """An object for all lines that wait while the one before is sent; none is ever written again."""

    def __init__(self, store: ObjectStore, process: str) -> None:
        self._store, self._process = store, process
        self._joining, self._sending = threading.Lock(), threading.Lock()
        self._open: _Page | None = None
        self._sent = 0

    def keep(self, day: date, line: bytes) -> None:
        """See `KeptLines`."""
        with self._joining:
            if self._open is None or self._open.day != day:
                self._open = _Page(day)
            page = self._open
            page.lines.append(line)
        with self._sending:
            if not page.is_sent:
                self._send(page)
        if page.error is not None:
            raise page.error

    def close(self) -> None:
        """Each line was durable when it was kept."""

    def _send(self, page: _Page) -> None:
        with self._joining:
            if self._open is page:
                self._open = None
        page.is_sent, self._sent = True, self._sent + 1
        key = object_keys.audit_key(page.day, f"{self._process}-{self._sent:06}")
        try:
            self._store.write(key, b"".join(page.lines), over=None)
        except Exception as error:  # noqa: BLE001 - raised for everyone whose line it was, of whatever kind
            page.error = error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_whole(file: int, line: bytes) -> None:
    while line:
        line = line[os.write(file, line) :]
