"""The object store in a local folder."""

import errno
import fcntl
import hashlib
import os
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import FileIO
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from image_assets.errors import ObjectChangedError, ObjectNotFoundError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.local_errors import GONE, explained
from image_assets.lake.local_places import (
    FOLDER,
    Place,
    carry,
    enter,
    link_text,
    mount_of,
    names_of,
    open_file,
    rename,
    sizes_of,
    sync_folder,
    version_of,
    walk,
)
from image_assets.lake.object_keys import STORES_OWN
from image_assets.lake.object_store import ANY_VERSION, ObjectCopy, ObjectInfo

STAGING = ".staging"
LOCKS = ".locks"
CLAIMS = "claims"
_LOCKED = ".locked"
_ELSEWHERE = f"{STORES_OWN}/staged"
_OLD_S = 600
_FEW, _SMALL_BYTES = 32, 2**18


def _unchecked() -> None:
    """Nothing is looked at."""


@dataclass(frozen=True, slots=True)
class LocalObjectStore:
    """Objects are files below one folder of a local file system.

    That folder and the folders right in it may be symbolic links or mount points, by which an operator places the lake.
    No link below is followed: whoever may put files into one of them could point it at any other.

    Attributes:
        root: the folder.
        check: called before anything there is changed, and when something is missed; what it raises is told.
    """

    root: Path
    check: Callable[[], None] = field(default=_unchecked, compare=False, repr=False, kw_only=True)

    def read(self, key: ObjectKey) -> bytes:
        """All bytes of a regular file; a link, a pipe or a device is forbidden rather than followed or waited for."""
        with self._reading(key) as file:
            return file.read()

    def fetch(self, key: ObjectKey, path: Path) -> None:
        """See `read`."""
        with self._reading(key) as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy)

    def read_start(self, key: ObjectKey, most: int) -> bytes:
        """See `read`."""
        with self._reading(key) as file:
            return file.read(most)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """Write aside and rename."""
        self.check()
        staged = self.root / STAGING / uuid.uuid4().hex
        with explained("write", key, self.root), self._place(key, make=True) as place:
            try:
                _with_folder(staged).write_bytes(data)
                # What was staged is in the lake only if the lake is there still: its name is given in the same folder.
                self.check()
                with self._over(key, over):
                    self._put(staged, key, place)
            # Whoever interrupts it, too, leaves no file behind.
            except BaseException:
                staged.unlink(missing_ok=True)
                raise

    @contextmanager
    def staging(self) -> Iterator["LocalStagedObject"]:
        """A file in the staging folder, locked while its process lives."""
        self.check()
        path = self.root / STAGING / f"{uuid.uuid4().hex}{_LOCKED}"
        with explained("write", STAGING, self.root):
            file = _locked(_with_folder(path))
        if file is None:
            raise StoreUnavailableError(f"another process took {path}: try again", key=STAGING)
        try:
            yield LocalStagedObject(self, path, file)
        finally:
            path.unlink(missing_ok=True)
            file.close()

    def sweep(self) -> int:
        """Of files that their writers keep locked, those that nobody has locked; of other files the old ones."""
        swept = self._sweep_old() + self._sweep_elsewhere()
        for path in [*(self.root / STAGING).glob(f"*{_LOCKED}"), *(self.root / LOCKS / CLAIMS).glob("*")]:
            with explained("sweep", STAGING, self.root):
                file = _locked(path)
            if file is not None:
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                path.unlink(missing_ok=True)
                file.close()
                swept += 1
        return swept

    def _sweep_old(self) -> int:
        """Small files, which nobody locks, are written within a moment."""
        before, swept = time.time() - _OLD_S, 0
        for path in (self.root / STAGING).glob("*"):
            with explained("sweep", STAGING, self.root), suppress(FileNotFoundError):
                status = path.lstat()
                if path.suffix != _LOCKED and not stat.S_ISDIR(status.st_mode) and status.st_mtime < before:
                    path.unlink()
                    swept += 1
        return swept

    def _sweep_elsewhere(self) -> int:
        """Copies in folders that are placed elsewhere, which are written as fast as the disk is."""
        before = time.time() - _OLD_S
        staged = (info for name in self.folders_elsewhere() for info in self.list(f"{name}/{_ELSEWHERE}"))
        old = [info.key for info in staged if info.arrived_at.timestamp() < before]
        for key in old:
            self.delete(key)
        return len(old)

    @contextmanager
    def claiming(self, name: str) -> Iterator[bool]:
        """Lock a file of its own, which the system unlocks when the process ends, however that comes."""
        self.check()
        path = self.root / LOCKS / CLAIMS / hashlib.sha256(os.fsencode(name)).hexdigest()
        with explained("lock", f"{LOCKS}/{CLAIMS}", self.root):
            file = _locked(_with_folder(path))
        try:
            yield file is not None
        finally:
            if file is not None:
                path.unlink(missing_ok=True)
                file.close()

    def free_ratio(self) -> float:
        """As this user may fill it."""
        self.check()
        with explained("measure", "the free space", self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            found = [os.statvfs(self.root / name) for name in ("", *self.folders_elsewhere())]
        return min(each.f_bavail / max(1, each.f_blocks) for each in found)

    def folders_elsewhere(self) -> Sequence[str]:
        """Those that are links or mount points."""
        with explained("list", "the folders", self.root), suppress(FileNotFoundError), os.scandir(self.root) as entries:
            here = mount_of(self.root)
            folders = [entry for entry in entries if entry.name[0] != "." and (entry.is_symlink() or entry.is_dir())]
            return sorted(each.name for each in folders if each.is_symlink() or mount_of(Path(each)) != here)
        return ()

    @contextmanager
    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> Iterator[Path]:
        """Yield a path in a staging folder of its own; sync and rename it when the block succeeds."""
        self.check()
        folder = self.root / STAGING / uuid.uuid4().hex
        names_of(key)
        with explained("write", key, self.root):
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
        self.check()
        staged = _with_folder(self.root / STAGING / uuid.uuid4().hex)
        try:
            with (
                explained("read", source, self.root),
                self._place(source) as place,
                open_file(place, source) as file,
                staged.open("wb") as copy,
            ):
                shutil.copyfileobj(file, copy)
            with explained("write", target, self.root), self._place(target, make=True) as place:
                self._put(staged, target, place)
        finally:
            staged.unlink(missing_ok=True)

    def flush(self) -> None:
        """Ask the kernel to write out its caches: one call a chunk is far cheaper than one a file."""
        os.sync()

    def sync(self, key: ObjectKey) -> None:
        """The file, then its folder."""
        with explained("keep", key, self.root), suppress(FileNotFoundError), self._place(key) as place:
            with open_file(place, key) as file:
                os.fsync(file.fileno())
            sync_folder(place[0])

    def delete(self, key: ObjectKey, *, over: str = ANY_VERSION) -> None:
        """Unlink the file."""
        self.check()
        with (
            explained("delete", key, self.root),
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
        with explained("look for", key, self.root):
            try:
                with self._place(key) as (folder, name):
                    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except OSError as error:
                if error.errno in GONE:
                    return None
                raise
            return version_of(status) if stat.S_ISREG(status.st_mode) else None

    def sizes(self, keys: Iterable[ObjectKey]) -> Mapping[ObjectKey, int]:
        """Ask for each file: folders that many days share are larger than any day. Each folder is opened once."""
        found: dict[ObjectKey, int] = {}
        for _, group in groupby(sorted(set(keys)), key=lambda key: key.rpartition("/")[0]):
            mine = list(group)
            with explained("look for", mine[0], self.root):
                try:
                    with self._place(mine[0]) as (folder, _):
                        found.update(sizes_of(folder, mine))
                except OSError as error:
                    if error.errno not in GONE:
                        raise
        return found

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every entry below the folder that is no folder, links and pipes too; the prefix itself when it is none."""
        is_empty = True
        with explained("list", prefix, self.root), suppress(FileNotFoundError), self._place(prefix) as (folder, name):
            own = f"{prefix}/{STORES_OWN}/"
            for info in walk(folder, name, prefix, is_followed="/" not in prefix):
                if "/" in prefix or not info.key.startswith(own):
                    is_empty = False
                    yield info
        if is_empty:
            # Nothing is there only if the lake is.
            self.check()

    def link(self, key: ObjectKey, target: ObjectKey) -> None:
        """Make `key` a relative symbolic link to another object; what is there already is replaced."""
        self.check()
        to = os.path.relpath(self._path(target), self._path(key).parent)
        with explained("link", key, self.root), self._place(key, make=True) as place:
            if link_text(place) != to:
                staged = _with_folder(self.root / STAGING / uuid.uuid4().hex)
                staged.symlink_to(to)
                rename(staged, place)

    def uri(self, key: str) -> str:
        """An absolute path."""
        return str(self._path(key).absolute())

    def copies(self, keys: Sequence[ObjectKey]) -> Mapping[ObjectKey, ObjectCopy]:
        """The small ones of a few; of many Polars reads the files at once."""
        if len(keys) > _FEW:
            return {}
        found = {key: self._copy(key) for key in keys}
        return {key: copy for key, copy in found.items() if copy}

    def _copy(self, key: ObjectKey) -> ObjectCopy | None:
        with explained("look for", key, self.root):
            try:
                with self._place(key) as place:
                    return _small_copy(place, key)
            except OSError as error:
                if error.errno in GONE:
                    raise ObjectNotFoundError(f"{self.uri(key)} is not there", key=key) from error
                raise

    @property
    def is_far(self) -> bool:
        """No."""
        return False

    @property
    def scan_options(self) -> Mapping[str, Any]:
        """Nothing: a path is enough."""
        return {}

    @property
    def file_system(self) -> Any:
        """That of the machine."""
        # Imported here: most commands hand no file to Arrow.
        from pyarrow import fs

        return fs.LocalFileSystem()

    def _land(self, descriptor: int, staged: Path, key: ObjectKey, over: str | None, *, is_last: bool = True) -> None:
        """The bytes before the name, the name before anybody is told of it."""
        self.check()
        os.fsync(descriptor)
        with self._place(key, make=True) as place:
            with self._over(key, over):
                self._put(staged, key, place)
            if is_last:
                sync_folder(place[0])

    @contextmanager
    def _reading(self, key: ObjectKey) -> Iterator[BinaryIO]:
        try:
            with explained("read", key, self.root), self._place(key) as place, open_file(place, key) as file:
                yield file
        except ObjectNotFoundError:
            # It has gone only if the lake is there.
            self.check()
            raise

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

    def _put(self, staged: Path, key: ObjectKey, place: Place) -> None:
        """Give a staged file its name; in a folder on another file system by way of a copy there."""
        try:
            rename(staged, place)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            aside = f"{names_of(key)[0]}/{_ELSEWHERE}/{uuid.uuid4().hex}"
            with self._place(aside, make=True) as beside:
                carry(staged, beside, place)
            staged.unlink()

    def _path(self, key: str) -> Path:
        return self.root.joinpath(*names_of(key))

    @contextmanager
    def _place(self, key: str, *, make: bool = False) -> Iterator[Place]:
        """The folder of a key, opened name by name so that it cannot change into a link meanwhile; made if wanted."""
        *names, last = names_of(key)
        if make:
            self.root.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.root, FOLDER)
        try:
            for number, name in enumerate(names):
                above, folder = folder, enter(folder, name, is_followed=number == 0, make=make)
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
        with explained("write", STAGING, self.store.root):
            rest = memoryview(data)
            while rest:
                rest = rest[self.file.write(rest) :]

    def land(self, key: ObjectKey, *, over: str | None = ANY_VERSION, is_last: bool = True) -> None:
        """See `StagedObject`."""
        names_of(key)
        with explained("write", key, self.store.root):
            self.store._land(self.file.fileno(), self.path, key, over, is_last=is_last)


def is_locked_by_writer(key: ObjectKey) -> bool:
    """Whether what is staged is of a writer that keeps it locked: `sweep` knows the dead of them from the living."""
    name = key.removeprefix(f"{STAGING}/")
    return "/" in name or name.endswith(_LOCKED)


def _small_copy(place: Place, key: ObjectKey) -> ObjectCopy | None:
    """None of a large one."""
    status = os.stat(place[1], dir_fd=place[0], follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
    if status.st_size > _SMALL_BYTES:
        return None
    with open_file(place, key) as file:
        return ObjectCopy(file.read(), version_of(os.fstat(file.fileno())))


def _with_folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


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
