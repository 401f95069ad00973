"""A source that is a folder; no link in it is followed, and nothing in it is ever opened for writing."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import quote, unquote_to_bytes

from image_assets.errors import ObjectForbiddenError, StorageError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.local_errors import GONE, explained
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.sources.names_in_order import names_in_order
from image_assets.lake.sources.place import Found, FoundKind

_NAMES: Final = 16
_HAS: Final = "has "
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
_KINDS: Final[dict[int, FoundKind]] = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "link",
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "pipe",
}
_Level: TypeAlias = tuple[bytes, tuple[int, int], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """See `SourcePlace`; a version is the size and the time of the last change of the bytes."""

    root: Path

    @property
    def is_far(self) -> bool:
        """No."""
        return False

    def entries(self, after: bytes = b"") -> Iterator[Found]:
        """See `SourcePlace`; folders are entered in turn, not one within the call of another, however deep they are."""
        top, first = self._top, _below(self._top, b"", ())
        if isinstance(first, Found):
            raise StorageError(f"cannot list the source {self.root}: {first.detail}")
        levels = [first]
        while levels:
            prefix, _, names = levels[-1]
            name = next(names, None)
            if name is None:
                levels.pop()
            elif not name.endswith(b"/"):
                if prefix + name > after:
                    yield from _found(top, prefix + name)
            elif not _is_behind(prefix + name, after):
                below = _below(top, prefix + name, levels)
                if isinstance(below, Found):
                    yield below
                else:
                    levels.append(below)

    def signs(self) -> Sequence[str]:
        """The folder itself, and some names in it, by which it is known on another mount."""
        self.check(())
        try:
            names = [quote(name.rstrip(b"/")) for name in islice(names_in_order(self._top), _NAMES)]
            return (self._itself(), *(_HAS + name for name in names))
        except OSError as error:
            raise StorageError(f"cannot list the source {self.root}: {error.strerror}") from error

    def check(self, signs: Sequence[str]) -> None:
        """A mount point without its mount is a folder as well: that is what the signs are for."""
        is_there = self.root.is_dir() and (not signs or any(map(self._shows, signs)))
        if not is_there:
            told = f"the source {self.root} is not there, or is another folder by now"
            raise StoreUnavailableError(f"{told}: mount it, or say where it is: image-assets migration move")

    def _shows(self, sign: str) -> bool:
        try:
            if not sign.startswith(_HAS):
                return sign == self._itself()
            os.lstat(self._top + unquote_to_bytes(sign.removeprefix(_HAS)))
        except OSError:
            return False
        return True

    def _itself(self) -> str:
        status = self.root.stat()
        return f"folder {status.st_dev}-{status.st_ino}"

    def read(self, path: str) -> bytes:
        """See `SourcePlace`."""
        return self._files.read(ObjectKey(path))

    def read_start(self, path: str, most: int) -> bytes:
        """In one step, as every file of a scan is looked at; what is kept of a file is read name by name."""
        with explained("read", path, self.root):
            descriptor = os.open(self._top + os.fsencode(path), _READ)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise ObjectForbiddenError(f"{path!r} is not a regular file", key=path)
                return os.read(descriptor, most)
            finally:
                os.close(descriptor)

    def fetch(self, path: str, target: Path) -> None:
        """See `SourcePlace`."""
        self._files.fetch(ObjectKey(path), target)

    def version(self, path: str) -> str | None:
        """See `SourcePlace`."""
        with explained("look for", path, self.root):
            try:
                status = os.lstat(self._top + os.fsencode(path))
            except OSError as error:
                if error.errno in GONE or isinstance(error, PermissionError):
                    return None
                raise
            return _version_of(status) if stat.S_ISREG(status.st_mode) else None

    @property
    def _top(self) -> bytes:
        return os.fsencode(self.root) + b"/"

    @property
    def _files(self) -> LocalObjectStore:
        return LocalObjectStore(self.root)


def _is_behind(folder: bytes, after: bytes) -> bool:
    """Whether everything in a folder comes before a path, or is that path: a folder that could not be entered."""
    return folder == after or (folder < after and not after.startswith(folder))


def _entered(top: bytes, path: bytes) -> _Level:
    status = os.lstat(top + path)
    return path, (status.st_dev, status.st_ino), names_in_order(top + path)


def _below(top: bytes, path: bytes, levels: Sequence[_Level]) -> _Level | Found:
    """The names in a folder; one that cannot be entered, or holds itself, is an entry."""
    try:
        level = _entered(top, path)
        if any(level[1] == identity for _, identity, _ in levels):
            return Found(path, "loop", "a folder that holds itself")
        with suppress(StopIteration):
            first = next(level[2])
            return path, level[1], _again(first, level[2])
    except OSError as error:
        return Found(path, "unreadable", error.strerror)
    return path, level[1], iter(())


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _found(top: bytes, path: bytes) -> Iterator[Found]:
    """The entry; nothing for one that went away after its folder was read."""
    try:
        status = os.lstat(top + path)
    except FileNotFoundError:
        return
    except OSError as error:
        yield Found(path, "unreadable", error.strerror)
        return
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), "device")
    if kind != "file":
        yield Found(path, kind)
        return
    yield Found(path, kind, None, status.st_size, _instant(status.st_mtime), _version_of(status))


def _instant(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _version_of(status: os.stat_result) -> str:
    return f"{status.st_size:x}-{status.st_mtime_ns:x}"
