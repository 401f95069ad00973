"""The object store in a container of a cloud."""

import mimetypes
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Final

import obstore
from obstore.exceptions import BaseError, NotModifiedError

from image_assets.errors import ConfigurationError, ObjectChangedError, ObjectNotFoundError, StoreFullError
from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import STORES_OWN
from image_assets.lake.object_store import ANY_VERSION, ObjectCopy, ObjectInfo
from image_assets.lake.remote import reading
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.claims import CLAIMS, claimed
from image_assets.lake.remote.client import arrow_files, open_client, scan_options
from image_assets.lake.remote.errors import explained, login_of
from image_assets.lake.remote.glance import Glance
from image_assets.lake.remote.kept_copies import KEPT
from image_assets.lake.remote.names import key_of, name_of
from image_assets.lake.remote.params import StorageParams

_AT_ONCE: Final = 16
_IN_MEMORY_BYTES: Final = 8 * 2**20
_NO_SIGNER: Final = "is not supported"
_DEAD_AFTER: Final = timedelta(hours=1)
_WHOLE_BYTES: Final = 4 * 2**20
"""What is not larger comes as fast as the answers to the five or six requests of reading it in place."""


def _unchecked() -> None:
    """Nothing is looked at."""


@dataclass(frozen=True, slots=True)
class RemoteObjectStore:
    """Objects are blobs below a prefix; a version is the ETag.

    It holds no connection: each process opens one, at the first call.

    Attributes:
        root: the container and the prefix.
        params: how the cloud is asked.
        check: called before anything there is changed; what it raises, whoever wants to change it is told.
        glance: what was just read, for who reads the same again and again; None asks each time.
    """

    root: RemoteRoot
    params: StorageParams = field(default_factory=StorageParams)
    check: Callable[[], None] = field(default=_unchecked, compare=False, repr=False, kw_only=True)
    glance: Glance | None = field(default=None, compare=False, repr=False, kw_only=True)

    def read(self, key: ObjectKey) -> bytes:
        """See `ObjectStore`."""
        name = name_of(key)
        with explained("read", key, self.root):
            return reading.whole(self._client, name)

    def fetch(self, key: ObjectKey, path: Path) -> None:
        """See `ObjectStore`."""
        name = name_of(key)
        with explained("read", key, self.root):
            reading.into(self._client, name, path)

    def read_start(self, key: ObjectKey, most: int) -> bytes:
        """See `ObjectStore`."""
        name = name_of(key)
        with explained("read", key, self.root):
            return reading.start(self._client, name, most)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """One request, or several at once for what is large; it is durable when that returns."""
        self.check()
        self._put(key, data, over)

    @contextmanager
    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> Iterator[Path]:
        """Yield a path in a temporary folder of its own; send the file when the block succeeds."""
        self.check()
        name_of(key)
        with tempfile.TemporaryDirectory(prefix="image-assets-") as folder:
            path = Path(folder) / "object"
            yield path
            self.check()
            version = self._put(key, path, over)
            if self.glance and path.stat().st_size <= _WHOLE_BYTES:
                KEPT.keep((self.root, self.params, key), ObjectCopy(path.read_bytes(), version))
                self.glance.answered(key, version, self.glance.now())

    @contextmanager
    def staging(self) -> Iterator["RemoteStagedObject"]:
        """A temporary file, which the system removes with its process; a small one stays in memory."""
        self.check()
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES, prefix="image-assets-") as file:
            yield RemoteStagedObject(self, file)

    def sweep(self) -> int:
        """Claims of processes that were killed; what is staged is gone with its process."""
        before = datetime.now(UTC) - _DEAD_AFTER
        dead = [info for info in self.list(CLAIMS) if info.arrived_at < before]
        for info in dead:
            with suppress(ObjectChangedError):
                self.delete(info.key, over=info.version)
        return len(dead)

    def claiming(self, name: str) -> AbstractContextManager[bool]:
        """An object that its holder renews while it lives."""
        self.check()
        return claimed(self, name)

    def free_ratio(self) -> float:
        """It has no end."""
        return 1.0

    def folders_elsewhere(self) -> Sequence[str]:
        """None: a prefix lies where its container does."""
        return ()

    def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        """By the cloud itself."""
        self.check()
        names = name_of(source), name_of(target)
        with self._changing(), explained("copy", source, self.root):
            obstore.copy(self._client, *names)

    def flush(self) -> None:
        """What was written is durable."""

    def sync(self, key: ObjectKey) -> None:
        """What was written is durable."""
        name_of(key)

    def delete(self, key: ObjectKey, *, over: str = ANY_VERSION) -> None:
        """Remove the blob; a version is compared just before, which is the most that all clouds can do."""
        self.check()
        if over != ANY_VERSION and self.version(key) not in {over, None}:
            raise ObjectChangedError(f"another process replaced {key!r} below {self.root} meanwhile", key=key)
        self.removed(key)

    def exists(self, key: ObjectKey) -> bool:
        """Whether a blob has exactly this name."""
        return bool(self.glance and self.glance.is_there(key)) or self.seen(key) is not None

    def version(self, key: ObjectKey) -> str | None:
        """Its ETag; who asks goes by it, and by nothing that was asked for before."""
        if self.glance:
            self.glance.end()
        there = self.seen(key)
        return there and there[0]

    def sizes(self, keys: Iterable[ObjectKey]) -> Mapping[ObjectKey, int]:
        """One is asked for by itself; of several in a folder the folder is listed. Many folders at once."""
        folders = groupby(sorted(set(keys)), key=lambda key: key.rpartition("/")[0])
        groups = [(folder, list(group)) for folder, group in folders]
        for _, group in groups:
            list(map(name_of, group))
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            found = list(threads.map(self._sizes_in, groups))
        return {key: size for part in found for key, size in part.items()}

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every blob below the prefix, in the order of the cloud, a page at a time."""
        name, own = name_of(prefix), f"{prefix}/{STORES_OWN}/"
        with explained("list", prefix, self.root):
            pages = obstore.list(self._client, name)
        while True:
            with explained("list", prefix, self.root):
                page = next(pages, None)
            if page is None:
                return
            found = list(map(_info_of, page))
            if self.glance:
                for info in found:
                    self.glance.listed(info.key, info.version)
            yield from (info for info in found if "/" in prefix or not info.key.startswith(own))

    def uri(self, key: str) -> str:
        """The address of the blob."""
        return self.root.uri_of("/".join(filter(None, (self.root.prefix, name_of(key)))))

    def signed_url(self, key: ObjectKey, expires: timedelta) -> str:
        """An address at which anybody may read this one object, and nothing else, until it expires.

        An identity of Azure's asks the service for each; a key signs by itself.

        Raises:
            ConfigurationError: who asks has no way to pass a right on, as a signature has none.
        """
        name = name_of(key)
        if self.root.scheme == "memory":
            raise ConfigurationError(f"{self.root} is the memory of this process: nobody else reads there")
        with explained("sign", key, self.root):
            client = self._client
            try:
                return str(obstore.sign(client, "GET", name, expires))
            except BaseError as error:
                if _NO_SIGNER not in str(error):
                    raise
                told = f"{self.root} is asked with a signature, which signs no links: set {login_of(self.root)}"
                raise ConfigurationError(told) from error

    def copies(self, keys: Sequence[ObjectKey]) -> Mapping[ObjectKey, ObjectCopy]:
        """The small ones; a copy that this process has is not sent again while it is the object."""
        if len(keys) == 1:
            found = [self._copy(keys[0])]
        else:
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                found = list(threads.map(self._copy, keys))
        return {key: copy for key, copy in zip(keys, found, strict=True) if copy}

    @property
    def is_far(self) -> bool:
        """Yes."""
        return True

    @property
    def scan_options(self) -> Mapping[str, Any]:
        """See `ObjectStore`."""
        return scan_options(self.root, self.params)

    @property
    def file_system(self) -> Any:
        """See `ObjectStore`."""
        return arrow_files(self.root, self.params)

    def replaced(self, key: ObjectKey, data: bytes, over: str | None = ANY_VERSION) -> str:
        """Write bytes; the version that they have then."""
        return self._put(key, data, over)

    def seen(self, key: ObjectKey) -> tuple[str, datetime] | None:
        """Version and time of a blob, by the cloud's clock; None when there is none."""
        name = name_of(key)
        try:
            with self._asking(key) as answered, explained("look for", key, self.root):
                meta = obstore.head(self._client, name)
                return answered(_version_of(meta)), meta["last_modified"]
        except ObjectNotFoundError:
            return None

    def removed(self, key: ObjectKey) -> None:
        """Remove a blob, if there is one."""
        name = name_of(key)
        with suppress(ObjectNotFoundError), self._changing(), explained("delete", key, self.root):
            obstore.delete(self._client, name)

    @property
    def _client(self) -> Any:
        return open_client(self.root, self.params)

    def _copy(self, key: ObjectKey) -> ObjectCopy | None:
        name, place = name_of(key), (self.root, self.params, key)
        known = KEPT.get(place)
        if known and self.glance and self.glance.is_current(key, known.version):
            return known
        options: Any = {"if_none_match": f'"{known.version}"'} if known else {}
        with self._asking(key) as answered, explained("read", key, self.root):
            try:
                answer = obstore.get(self._client, name, options=options)
                if answer.meta["size"] > _WHOLE_BYTES:
                    return None
                copy = ObjectCopy(bytes(answer.bytes()), answered(_version_of(answer.meta)))
            except NotModifiedError:
                if known:
                    answered(known.version)
                return known
        KEPT.keep(place, copy)
        return copy

    def _put(self, key: ObjectKey, data: "bytes | Path | IO[bytes]", over: str | None) -> str:
        name = name_of(key)
        mode = self._mode(key, over)
        with self._changing(), explained("write", key, self.root):
            return _version_of(obstore.put(self._client, name, data, mode=mode, attributes=_told_of(key)))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Whatever comes of it."""
        try:
            yield
        finally:
            if self.glance:
                self.glance.end()

    @contextmanager
    def _asking(self, key: ObjectKey) -> Iterator[Callable[[str], str]]:
        """To be told the version that the answer has, unless it is that there is none."""
        asked_at = self.glance.now() if self.glance else 0.0

        def answered(version: str) -> str:
            if self.glance:
                self.glance.answered(key, version, asked_at)
            return version

        try:
            yield answered
        except ObjectNotFoundError:
            answered("")
            raise

    def _mode(self, key: ObjectKey, over: str | None) -> Any:
        if over is None or over == ANY_VERSION:
            return "overwrite" if over else "create"
        if self.root.scheme != "gs":
            return {"e_tag": f'"{over}"'}
        # Google compares generations, which no listing tells.
        with explained("write", key, self.root):
            meta = obstore.head(self._client, name_of(key))
        if _version_of(meta) != over:
            raise ObjectChangedError(f"another process replaced {key!r} below {self.root} meanwhile", key=key)
        return {"e_tag": meta["e_tag"], "version": meta["version"]}

    def _sizes_in(self, group: tuple[str, Sequence[ObjectKey]]) -> Mapping[ObjectKey, int]:
        folder, keys = group
        if folder and len(keys) > 1:
            wanted = set(keys)
            return {info.key: info.size_bytes for info in self.list(folder) if info.key in wanted}
        sizes = {}
        for key in keys:
            with suppress(ObjectNotFoundError), explained("look for", key, self.root):
                sizes[key] = int(obstore.head(self._client, name_of(key))["size"])
        return sizes


@dataclass(frozen=True, slots=True)
class RemoteStagedObject:
    """A temporary file on its way to a store."""

    store: RemoteObjectStore
    file: IO[bytes]

    def write(self, data: bytes) -> None:
        """See `StagedObject`; a full disk is told at once."""
        try:
            self.file.write(data)
        except OSError as error:
            told = f"no room for what comes in at {tempfile.gettempdir()}: {error.strerror}; make room, or set TMPDIR"
            raise StoreFullError(told) from error

    def land(self, key: ObjectKey, *, over: str | None = ANY_VERSION, is_last: bool = True) -> None:  # noqa: ARG002 - each is durable by itself
        """See `StagedObject`."""
        self.store.check()
        self.file.seek(0)
        self.store._put(key, self.file, over)


def _info_of(meta: Any) -> ObjectInfo:
    """What a cloud says of a blob; it was made when it came to be there, as far as that knows."""
    at = meta["last_modified"]
    return ObjectInfo(key_of(meta["path"]), meta["size"], at, at, _version_of(meta))


def _told_of(key: str) -> dict[str, str]:
    """What a browser has to know to show what it is given a link to."""
    kind = mimetypes.guess_type(key)[0]
    return {"Content-Type": kind} if kind else {}


def _version_of(meta: Any) -> str:
    """The ETag, which Azure writes with quotation marks in one place and without in another."""
    return str(meta["e_tag"]).strip('"')
