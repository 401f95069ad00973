"""The object store: atomic objects under slash-separated keys, and its implementation in a local folder."""

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from image_assets.errors import (
    ObjectChangedError,
    ObjectForbiddenError,
    ObjectNotFoundError,
    StorageError,
    StoreUnavailableError,
)
from image_assets.ids import ObjectKey

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENXIO}
STAGING = ".staging"
LOCKS = ".locks"
ANY_VERSION = "*"
"""In place of a version: whatever is there is replaced."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing says of an object.

    Attributes:
        key: its name.
        size_bytes: its size.
        modified_at: when its bytes were made, as far as the storage was told.
        arrived_at: when it came to be here, which no copying tool can set back.
        version: changes whenever the bytes may have changed.
    """

    key: ObjectKey
    size_bytes: int
    modified_at: datetime
    arrived_at: datetime
    version: str


class ObjectStore(Protocol):
    """Atomic objects: a reader sees the old bytes or the new ones, never a part.

    A write may say which `version` it goes `over`, None for no object: `ObjectChangedError` when another is there.
    Every method raises `StoreUnavailableError` when the storage does not answer and
    `StorageError` when it refuses; both stop a run.
    """

    def read(self, key: ObjectKey) -> bytes:
        """All bytes; `ObjectNotFoundError` or `ObjectForbiddenError` when this one object cannot be read."""
        ...

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """Replace the object; it survives a power cut once `flush` has returned."""
        ...

    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> AbstractContextManager[Path]:
        """A local file to fill; it becomes the object, durably, when the block ends without an error."""
        ...

    def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        """Give an object a second key; replacing or deleting either leaves the other."""
        ...

    def flush(self) -> None:
        """Make everything written so far survive a power cut."""
        ...

    def delete(self, key: ObjectKey) -> None:
        """Remove the object; no error when there is none."""
        ...

    def exists(self, key: ObjectKey) -> bool:
        """Whether an object has exactly this key."""
        ...

    def version(self, key: ObjectKey) -> str | None:
        """What changes whenever the bytes may have changed; None when no object has this key."""
        ...

    def sizes(self, keys: Iterable[ObjectKey]) -> Mapping[ObjectKey, int]:
        """The sizes of those of the objects that there are."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object below the folder `prefix`, in a stable order."""
        ...

    def uri(self, key: str) -> str:
        """The address under which Polars and DuckDB read the object in place."""
        ...


@dataclass(frozen=True, slots=True)
class LocalObjectStore:
    """Objects are files below one folder of a local file system."""

    root: Path

    def read(self, key: ObjectKey) -> bytes:
        """All bytes of a regular file; a pipe or a device is forbidden rather than waited for."""
        with _explained("read", key, self.root):
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise ObjectForbiddenError(f"{key!r} is not a regular file")
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    return file.read()
            finally:
                os.close(descriptor)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """Write aside and rename."""
        target, staged = self._path(key), self.root / STAGING / uuid.uuid4().hex
        with _explained("write", key, self.root):
            try:
                _with_folder(staged).write_bytes(data)
                with self._over(key, over):
                    _rename(staged, target)
            except BaseException:
                staged.unlink(missing_ok=True)
                raise

    @contextmanager
    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> Iterator[Path]:
        """Yield a path in a staging folder of its own; sync and rename it when the block succeeds."""
        target, folder = self._path(key), self.root / STAGING / uuid.uuid4().hex
        with _explained("write", key, self.root):
            folder.mkdir(parents=True)
            try:
                yield folder / "object"
                with (folder / "object").open("rb+") as file:
                    os.fsync(file.fileno())
                with self._over(key, over):
                    _rename(folder / "object", target)
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        """Its bytes under another name; a hard link would change the version of the source."""
        staged = _with_folder(self.root / STAGING / uuid.uuid4().hex)
        try:
            with _explained("read", source, self.root):
                shutil.copyfile(self._path(source), staged)
            with _explained("write", target, self.root):
                _rename(staged, self._path(target))
        finally:
            staged.unlink(missing_ok=True)

    def flush(self) -> None:
        """Ask the kernel to write out its caches: one call a chunk is far cheaper than one a file."""
        os.sync()

    def delete(self, key: ObjectKey) -> None:
        """Unlink the file."""
        with _explained("delete", key, self.root), suppress(FileNotFoundError, NotADirectoryError):
            self._path(key).unlink()

    def exists(self, key: ObjectKey) -> bool:
        """Whether a regular file is there."""
        return self.version(key) is not None

    def version(self, key: ObjectKey) -> str | None:
        """Size and times of a regular file."""
        with _explained("look for", key, self.root):
            try:
                status = self._path(key).stat()
            except OSError as error:
                if error.errno in _GONE:
                    return None
                raise
            return _version(status) if stat.S_ISREG(status.st_mode) else None

    def sizes(self, keys: Iterable[ObjectKey]) -> Mapping[ObjectKey, int]:
        """Ask for each file: folders that many days share are larger than any day."""
        found, root = {}, os.fspath(self.root)
        for key in keys:
            _check(key)
            try:
                status = os.stat(f"{root}/{key}")  # noqa: PTH116 - a third of the time of a Path
            except OSError:
                # None for what is gone; whatever else is the matter is explained.
                self.version(key)
                continue
            if stat.S_ISREG(status.st_mode):
                found[key] = status.st_size
        return found

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every entry below the folder that is not a folder itself: links, pipes and broken links too."""
        with _explained("list", prefix, self.root):
            yield from self._walk(self._path(prefix))

    def link(self, key: ObjectKey, target: ObjectKey) -> None:
        """Make `key` a relative symbolic link to another object; what is there already is replaced."""
        path = self._path(key)
        to = Path(os.path.relpath(self._path(target), path.parent))
        with _explained("link", key, self.root):
            if path.is_symlink() and path.readlink() == to:
                return
            staged = _with_folder(self.root / STAGING / uuid.uuid4().hex)
            staged.symlink_to(to)
            _rename(staged, path)

    def uri(self, key: str) -> str:
        """An absolute path."""
        return str(self._path(key).absolute())

    @contextmanager
    def _over(self, key: ObjectKey, version: str | None) -> Iterator[None]:
        """Of those who replace a known version one at a time; the lock files, one for many keys, stay for good."""
        if version == ANY_VERSION:
            yield
            return
        path = _with_folder(self.root / LOCKS / hashlib.sha256(os.fsencode(key)).hexdigest()[:2])
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if self.version(key) != version:
                raise ObjectChangedError(f"another process replaced {key!r} below {self.root} meanwhile: run it again")
            yield

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*_check(key))

    def _walk(self, folder: Path) -> Iterator[ObjectInfo]:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path))
            elif info := self._info(Path(entry.path)):
                yield info

    def _info(self, path: Path) -> ObjectInfo | None:
        """None for a file that went away after its folder was read."""
        try:
            status = path.stat()
        except OSError:
            try:
                status = path.lstat()
            except FileNotFoundError:
                return None
        return ObjectInfo(
            key=ObjectKey(path.relative_to(self.root).as_posix()),
            size_bytes=status.st_size,
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            arrived_at=datetime.fromtimestamp(status.st_ctime, UTC),
            version=_version(status),
        )


def _check(key: str) -> list[str]:
    """The parts of a key."""
    parts = key.split("/")
    if not key or any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise StorageError(f"{key!r} is not an object key: keys are names joined by single slashes")
    return parts


def _version(status: os.stat_result) -> str:
    # The inode's change time also moves when a tool replaces the bytes and restores size and mtime.
    return f"{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"


def _with_folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _rename(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except FileNotFoundError:
        source.replace(_with_folder(target))


@contextmanager
def _explained(verb: str, key: str, root: Path) -> Iterator[None]:
    """Translate the operating system's errors into the family, at this one place."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        where = f"cannot {verb} {key!r} below {root}: {error.strerror or error}"
        if verb == "read" and error.errno in _GONE:
            raise ObjectNotFoundError(where) from error
        if verb == "read" and error.errno in _FORBIDDEN:
            raise ObjectForbiddenError(where) from error
        if error.errno in _GONE | _FORBIDDEN | {errno.EROFS, errno.EEXIST}:
            raise StorageError(f"{where}; give this user access or set IMAGE_ASSETS_ROOT elsewhere") from error
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            advice = "free some space and run again: finished work is kept"
            raise StoreUnavailableError(f"{where}; {advice}") from error
        raise StoreUnavailableError(f"{where}; check the disk and run again") from error
