"""The object store: atomic objects under slash-separated keys, and its implementation in a local folder."""

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from image_assets.errors import (
    ObjectChangedError,
    ObjectForbiddenError,
    ObjectNotFoundError,
    StorageError,
    StoreFullError,
    StoreUnavailableError,
)
from image_assets.ids import ObjectKey

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENXIO, errno.ELOOP}
# Where a system has it, a folder may be passed through without the right to list it.
_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_IS_LINK = "it or a folder of it is a symbolic link, and those are not followed: put what it points to there instead"
STAGING = ".staging"
LOCKS = ".locks"
CLAIMS = "claims"
_LOCKED = ".locked"
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


class StagedObject(Protocol):
    """Bytes on their way into a store, which have no key yet."""

    def write(self, data: bytes) -> None:
        """Add bytes at the end."""
        ...

    def land(self, key: ObjectKey, *, over: str | None = ANY_VERSION, is_last: bool = True) -> None:
        """Make them the object of a key, once; it survives a power cut from then on.

        One that is not the last survives it with the next that lands in its folder, and never without its bytes.
        """
        ...


class ObjectStore(Protocol):
    """Atomic objects: a reader sees the old bytes or the new ones, never a part.

    A write may say which `version` it goes `over`, None for no object: `ObjectChangedError` when another is there. So
    may a removal.
    Every method raises `StoreUnavailableError` when the storage does not answer and
    `StorageError` when it refuses; both stop a run.
    """

    def read(self, key: ObjectKey) -> bytes:
        """All bytes; `ObjectNotFoundError` or `ObjectForbiddenError` when this one object cannot be read."""
        ...

    def read_start(self, key: ObjectKey, most: int) -> bytes:
        """The first bytes, however large the object is; errors as of `read`."""
        ...

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """Replace the object; it survives a power cut once `flush` has returned."""
        ...

    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> AbstractContextManager[Path]:
        """A local file to fill; it becomes the object, durably, when the block ends without an error."""
        ...

    def staging(self) -> AbstractContextManager[StagedObject]:
        """An object to fill whose key is known at the end only; what has not landed by the block's end is gone."""
        ...

    def sweep(self) -> int:
        """Remove what processes that were killed left of objects that they staged; how many."""
        ...

    def claiming(self, name: str) -> AbstractContextManager[bool]:
        """Whether the caller has a name for itself until the block ends, or its process: one at a time has it."""
        ...

    def free_ratio(self) -> float:
        """The share of the storage that is free; 1 where it has no end."""
        ...

    def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        """Give an object a second key; replacing or deleting either leaves the other."""
        ...

    def flush(self) -> None:
        """Make everything written so far survive a power cut."""
        ...

    def sync(self, key: ObjectKey) -> None:
        """Make one object survive a power cut; no error when there is none."""
        ...

    def delete(self, key: ObjectKey, *, over: str = ANY_VERSION) -> None:
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
    """Objects are files below one folder of a local file system.

    That folder and the folders right in it may be symbolic links, by which an operator places the lake. No link below
    is followed: whoever may put files into one of them could point it at any other.
    """

    root: Path

    def read(self, key: ObjectKey) -> bytes:
        """All bytes of a regular file; a link, a pipe or a device is forbidden rather than followed or waited for."""
        with _explained("read", key, self.root), self._place(key) as place, _open_file(place, key) as file:
            return file.read()

    def read_start(self, key: ObjectKey, most: int) -> bytes:
        """See `read`."""
        with _explained("read", key, self.root), self._place(key) as place, _open_file(place, key) as file:
            return file.read(most)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """Write aside and rename."""
        staged = self.root / STAGING / uuid.uuid4().hex
        with _explained("write", key, self.root), self._place(key, make=True) as place:
            try:
                _with_folder(staged).write_bytes(data)
                with self._over(key, over):
                    _rename(staged, place)
            except BaseException:
                staged.unlink(missing_ok=True)
                raise

    @contextmanager
    def staging(self) -> Iterator["LocalStagedObject"]:
        """A file in the staging folder, locked while its process lives."""
        path = self.root / STAGING / f"{uuid.uuid4().hex}{_LOCKED}"
        with _explained("write", STAGING, self.root):
            file = _locked(_with_folder(path))
        if file is None:
            raise StoreUnavailableError(f"another process took {path}: try again", key=STAGING)
        try:
            yield LocalStagedObject(self, path, file)
        finally:
            path.unlink(missing_ok=True)
            file.close()

    def sweep(self) -> int:
        """Of files that their writers keep locked, those that nobody has locked; of other files the age would tell."""
        swept = 0
        for path in [*(self.root / STAGING).glob(f"*{_LOCKED}"), *(self.root / LOCKS / CLAIMS).glob("*")]:
            with _explained("sweep", STAGING, self.root):
                file = _locked(path)
            if file is not None:
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                path.unlink(missing_ok=True)
                file.close()
                swept += 1
        return swept

    @contextmanager
    def claiming(self, name: str) -> Iterator[bool]:
        """Lock a file of its own, which the system unlocks when the process ends, however that comes."""
        path = self.root / LOCKS / CLAIMS / hashlib.sha256(os.fsencode(name)).hexdigest()
        with _explained("lock", f"{LOCKS}/{CLAIMS}", self.root):
            file = _locked(_with_folder(path))
        try:
            yield file is not None
        finally:
            if file is not None:
                path.unlink(missing_ok=True)
                file.close()

    def free_ratio(self) -> float:
        """As this user may fill it."""
        with _explained("measure", "the free space", self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            found = os.statvfs(self.root)
        return found.f_bavail / max(1, found.f_blocks)

    @contextmanager
    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> Iterator[Path]:
        """Yield a path in a staging folder of its own; sync and rename it when the block succeeds."""
        folder = self.root / STAGING / uuid.uuid4().hex
        _names(key)
        with _explained("write", key, self.root):
            folder.mkdir(parents=True)
            lock = _locked(folder.with_suffix(_LOCKED))
            try:
                yield folder / "object"
                with (folder / "object").open("rb+") as file:
                    self._land(file.fileno(), folder / "object", key, over)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(_LOCKED).unlink(missing_ok=True)
                if lock is not None:
                    lock.close()

    def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        """Its bytes under another name; a hard link would change the version of the source."""
        staged = _with_folder(self.root / STAGING / uuid.uuid4().hex)
        try:
            with (
                _explained("read", source, self.root),
                self._place(source) as place,
                _open_file(place, source) as file,
                staged.open("wb") as copy,
            ):
                shutil.copyfileobj(file, copy)
            with _explained("write", target, self.root), self._place(target, make=True) as place:
                _rename(staged, place)
        finally:
            staged.unlink(missing_ok=True)

    def flush(self) -> None:
        """Ask the kernel to write out its caches: one call a chunk is far cheaper than one a file."""
        os.sync()

    def sync(self, key: ObjectKey) -> None:
        """The file, then its folder."""
        with _explained("keep", key, self.root), suppress(FileNotFoundError), self._place(key) as place:
            with _open_file(place, key) as file:
                os.fsync(file.fileno())
            _sync_folder(place[0])

    def delete(self, key: ObjectKey, *, over: str = ANY_VERSION) -> None:
        """Unlink the file."""
        with (
            _explained("delete", key, self.root),
            suppress(FileNotFoundError, NotADirectoryError),
            self._place(key) as (folder, name),
            self._over(key, over),
        ):
            os.unlink(name, dir_fd=folder)

    def exists(self, key: ObjectKey) -> bool:
        """Whether a regular file is there."""
        return self.version(key) is not None

    def version(self, key: ObjectKey) -> str | None:
        """Size and times of a regular file."""
        with _explained("look for", key, self.root):
            try:
                with self._place(key) as (folder, name):
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except OSError as error:
                if error.errno in _GONE:
                    return None
                raise
            return _version(status) if stat.S_ISREG(status.st_mode) else None

    def sizes(self, keys: Iterable[ObjectKey]) -> Mapping[ObjectKey, int]:
        """Ask for each file: folders that many days share are larger than any day. Each folder is opened once."""
        found: dict[ObjectKey, int] = {}
        for _, group in groupby(sorted(set(keys)), key=lambda key: key.rpartition("/")[0]):
            mine = list(group)
            with _explained("look for", mine[0], self.root):
                try:
                    with self._place(mine[0]) as (folder, _):
                        found.update(_sizes(folder, mine))
                except OSError as error:
                    if error.errno not in _GONE:
                        raise
        return found

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every entry below the folder that is no folder, links and pipes too; the prefix itself when it is none."""
        with _explained("list", prefix, self.root), suppress(FileNotFoundError), self._place(prefix) as (folder, name):
            yield from _walk(folder, name, prefix, is_followed="/" not in prefix)

    def link(self, key: ObjectKey, target: ObjectKey) -> None:
        """Make `key` a relative symbolic link to another object; what is there already is replaced."""
        to = os.path.relpath(self._path(target), self._path(key).parent)
        with _explained("link", key, self.root), self._place(key, make=True) as place:
            if _link_text(place) != to:
                staged = _with_folder(self.root / STAGING / uuid.uuid4().hex)
                staged.symlink_to(to)
                _rename(staged, place)

    def uri(self, key: str) -> str:
        """An absolute path."""
        return str(self._path(key).absolute())

    def _land(self, descriptor: int, staged: Path, key: ObjectKey, over: str | None, *, is_last: bool = True) -> None:
        """The bytes before the name, the name before anybody is told of it."""
        os.fsync(descriptor)
        with self._place(key, make=True) as place:
            with self._over(key, over):
                _rename(staged, place)
            if is_last:
                _sync_folder(place[0])

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
                message = f"another process replaced {key!r} below {self.root} meanwhile: run it again"
                raise ObjectChangedError(message, key=key)
            yield

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*_names(key))

    @contextmanager
    def _place(self, key: str, *, make: bool = False) -> Iterator["_Place"]:
        """The folder of a key, opened name by name so that it cannot change into a link meanwhile; made if wanted."""
        *names, last = _names(key)
        if make:
            self.root.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.root, _FOLDER)
        try:
            for number, name in enumerate(names):
                above, folder = folder, _enter(folder, name, is_followed=number == 0, make=make)
                os.close(above)
            yield folder, last
        finally:
            os.close(folder)


@dataclass(frozen=True, slots=True)
class LocalStagedObject:
    """A file in the staging folder of a store."""

    store: LocalObjectStore
    path: Path
    file: FileIO

    def write(self, data: bytes) -> None:
        """See `StagedObject`; a full disk is told at once."""
        with _explained("write", STAGING, self.store.root):
            rest = memoryview(data)
            while rest:
                rest = rest[self.file.write(rest) :]

    def land(self, key: ObjectKey, *, over: str | None = ANY_VERSION, is_last: bool = True) -> None:
        """See `StagedObject`."""
        _names(key)
        with _explained("write", key, self.store.root):
            self.store._land(self.file.fileno(), self.path, key, over, is_last=is_last)


_Place: TypeAlias = tuple[int, str]
"""The descriptor of a folder, and a name in it."""


def _names(key: str) -> Sequence[str]:
    names = key.split("/")
    if not key or any(name in {"", ".", ".."} or "\0" in name for name in names):
        raise StorageError(f"{key!r} is not an object key: keys are names joined by single slashes", key=key)
    return names


def _enter(above: int, name: str, *, is_followed: bool, make: bool) -> int:
    """The descriptor of a folder in another."""
    flags = _FOLDER if is_followed else _FOLDER | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=above)
    except FileNotFoundError:
        if not make:
            raise
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=above)
            _sync_folder(above)
        return os.open(name, flags, dir_fd=above)
    except NotADirectoryError as error:
        if _link_text((above, name)) is None:
            raise
        raise OSError(errno.ELOOP, _IS_LINK) from error


def _open_file(place: _Place, key: str) -> BinaryIO:
    folder, name = place
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ObjectForbiddenError(f"{key!r} is not a regular file", key=key)
    return os.fdopen(descriptor, "rb")


def _walk(above: int, name: str, key: str, *, is_followed: bool = False) -> Iterator[ObjectInfo]:
    """What is below a folder; the entry itself when it is a link, or was a folder a moment ago."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        folder = os.open(name, flags if is_followed else flags | os.O_NOFOLLOW, dir_fd=above)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
            raise
        yield from _info(above, name, key)
        return
    try:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            look = _walk if entry.is_dir(follow_symlinks=False) else _info
            yield from look(folder, entry.name, f"{key}/{entry.name}")
    finally:
        os.close(folder)


def _info(folder: int, name: str, key: str) -> Iterator[ObjectInfo]:
    """Nothing for a file that went away after its folder was read."""
    with suppress(FileNotFoundError):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        yield ObjectInfo(
            key=ObjectKey(key),
            size_bytes=status.st_size,
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            arrived_at=datetime.fromtimestamp(status.st_ctime, UTC),
            version=_version(status),
        )


def _sizes(folder: int, keys: Sequence[ObjectKey]) -> Iterator[tuple[ObjectKey, int]]:
    """Of the regular files that there are in a folder."""
    for key in keys:
        try:
            status = os.stat(_names(key)[-1], dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            continue
        if stat.S_ISREG(status.st_mode):
            yield key, status.st_size


def _version(status: os.stat_result) -> str:
    # The inode's change time also moves when a tool replaces the bytes and restores size and mtime.
    return f"{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"


def _with_folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _rename(source: Path, target: _Place) -> None:
    os.replace(source, target[1], dst_dir_fd=target[0])


def _sync_folder(folder: int) -> None:
    """Where its names may be passed through but not listed, they are for somebody else to keep."""
    with suppress(PermissionError):
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fsync(readable)
        finally:
            os.close(readable)


def _locked(path: Path) -> FileIO | None:
    """The file, locked; None while another has it. A file that went before it was locked was another's: look again."""
    while True:
        file = path.open("ab", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        except BlockingIOError:
            file.close()
            return None
        except FileNotFoundError:
            pass
        file.close()


def _link_text(place: _Place) -> str | None:
    """Where a symbolic link points to; None for whatever else is there, or nothing."""
    try:
        return os.readlink(place[1], dir_fd=place[0])
    except OSError:
        return None


@contextmanager
def _explained(verb: str, key: str, root: Path) -> Iterator[None]:
    """Translate the operating system's errors into the family, at this one place."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        told = _IS_LINK if error.errno == errno.ELOOP else error.strerror or error
        where = f"cannot {verb} {key!r} below {root}: {told}"
        if verb == "read" and error.errno in _GONE:
            raise ObjectNotFoundError(where, key=key) from error
        if verb == "read" and error.errno in _FORBIDDEN:
            raise ObjectForbiddenError(where, key=key) from error
        if error.errno == errno.ELOOP:
            raise StorageError(where, key=key) from error
        if error.errno in _GONE | _FORBIDDEN | {errno.EROFS, errno.EEXIST}:
            advice = "give this user access or set IMAGE_ASSETS_ROOT elsewhere"
            raise StorageError(f"{where}; {advice}", key=key) from error
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            advice = "free some space and run again: finished work is kept"
            raise StoreFullError(f"{where}; {advice}", key=key) from error
        raise StoreUnavailableError(f"{where}; check the disk and run again", key=key) from error
