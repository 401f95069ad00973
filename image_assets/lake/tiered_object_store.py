"""An object store in two tiers: everything is written to the lake; old originals may lie in an archive instead."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, cast

from image_assets.errors import ConfigurationError, ObjectNotFoundError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ANY_VERSION, ObjectCopy, ObjectInfo, ObjectStore, StagedObject
from image_assets.lake.sources.sourced_object_store import SourcedObjectStore


@dataclass(frozen=True, slots=True)
class TieredObjectStore:
    """Originals are found under the same key in either tier; of all other objects the archive knows nothing.

    A mark in both tiers tells an archive that is away, or is another lake's, from one that lacks an object.
    """

    hot: ObjectStore
    archive: ObjectStore

    def fetch(self, key: ObjectKey, path: Path) -> None:
        """See `ObjectStore`."""
        try:
            self.hot.fetch(key, path)
        except ObjectNotFoundError:
            path.write_bytes(self.read(key))

    def read_start(self, key: ObjectKey, most: int) -> bytes:
        """See `ObjectStore`."""
        try:
            return self.hot.read_start(key, most)
        except ObjectNotFoundError:
            return self.read(key)[:most]

    def read(self, key: ObjectKey) -> bytes:
        """See `ObjectStore`."""
        try:
            return self.hot.read(key)
        except ObjectNotFoundError:
            if not _may_be_archived(key):
                raise
            self.check_archive()
        try:
            return self.archive.read(key)
        except ObjectNotFoundError:
            # It may have been brought back in between.
            return self.hot.read(key)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """See `ObjectStore`."""
        self.hot.write(key, data, over=over)

    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> AbstractContextManager[Path]:
        """See `ObjectStore`."""
        return self.hot.writing(key, over=over)

    def staging(self) -> AbstractContextManager[StagedObject]:
        """See `ObjectStore`."""
        return self.hot.staging()

    def sweep(self) -> int:
        """See `ObjectStore`."""
        return self.hot.sweep()

    def claiming(self, name: str) -> AbstractContextManager[bool]:
        """See `ObjectStore`."""
        return self.hot.claiming(name)

    def free_ratio(self) -> float:
        """That of the lake, where everything is written."""
        return self.hot.free_ratio()

    def folders_elsewhere(self) -> Sequence[str]:
        """Those of the lake; the archive has a mark of its own."""
        return self.hot.folders_elsewhere()

    def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        """See `ObjectStore`; within the lake, not from the archive."""
        self.hot.copy(source, target)

    def flush(self) -> None:
        """See `ObjectStore`."""
        self.hot.flush()

    def sync(self, key: ObjectKey) -> None:
        """See `ObjectStore`; what lies in the archive alone was made safe on its way there."""
        self.hot.sync(key)

    def delete(self, key: ObjectKey, *, over: str = ANY_VERSION) -> None:
        """Remove the object from both tiers; a version that is known is the lake's."""
        if not _may_be_archived(key):
            self.hot.delete(key, over=over)
            return
        self.check_archive()
        self.hot.delete(key, over=over)
        self.archive.delete(key)

    def exists(self, key: ObjectKey) -> bool:
        """Whether either tier has the object."""
        return self.hot.exists(key) or self.version(key) is not None

    def version(self, key: ObjectKey) -> str | None:
        """That of the tier which has the object."""
        found = self.hot.version(key)
        if found or not _may_be_archived(key):
            return found
        self.check_archive()
        return self.archive.version(key) or self.hot.version(key)

    def sizes(self, keys: Iterable[ObjectKey]) -> Mapping[ObjectKey, int]:
        """Those of the lake, and of the archive for what the lake has not."""
        wanted = list(dict.fromkeys(keys))
        found = self.hot.sizes(wanted)
        away = [key for key in wanted if key not in found and _may_be_archived(key)]
        if not away:
            return found
        self.check_archive()
        return {**found, **self.archive.sizes(away)}

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object of the lake, then those that only the archive has."""
        if not _may_be_archived(f"{prefix}/"):
            yield from self.hot.list(prefix)
            return
        self.check_archive()
        seen = set()
        for info in self.hot.list(prefix):
            seen.add(info.key)
            yield info
        yield from (info for info in self.archive.list(prefix) if info.key not in seen)

    def uri(self, key: str) -> str:
        """The address in the tier that has the object; that of the lake when neither has."""
        is_away = _may_be_archived(key) and not self.hot.exists(ObjectKey(key))
        return self.archive.uri(key) if is_away and self.archive.exists(ObjectKey(key)) else self.hot.uri(key)

    def signed_url(self, key: ObjectKey, expires: timedelta) -> str:
        """That of the tier which has the object; see `RemoteObjectStore`."""
        is_away = _may_be_archived(key) and not self.hot.exists(key)
        return signed_url(self.archive if is_away else self.hot, key, expires)

    def copies(self, keys: Sequence[ObjectKey]) -> Mapping[ObjectKey, ObjectCopy]:
        """Those of the lake: no table is ever archived."""
        return self.hot.copies(keys)

    @property
    def is_far(self) -> bool:
        """Whether those of the lake do."""
        return self.hot.is_far

    @property
    def scan_options(self) -> Mapping[str, Any]:
        """Those of the lake: no table is ever archived."""
        return self.hot.scan_options

    @property
    def file_system(self) -> Any:
        """That of the lake: no table is ever archived."""
        return self.hot.file_system

    def mark_archive(self) -> None:
        """Mark both tiers as belonging together, before the first object moves."""
        mark = object_keys.ARCHIVE_MARK
        if not self.hot.exists(mark):
            if not self.archive.exists(mark):
                self.archive.write(mark, uuid.uuid4().hex.encode())
                self.archive.flush()
            self.hot.write(mark, self.archive.read(mark))
            self.hot.flush()
        self.check_archive()

    def check_archive(self) -> None:
        """See that the archive is the one of this lake.

        Raises:
            StoreUnavailableError: it is away or another one, so that what it lacks is not known to be gone.
        """
        mark = object_keys.ARCHIVE_MARK
        if not self.hot.exists(mark):
            return
        if not self.archive.exists(mark) or self.archive.read(mark) != self.hot.read(mark):
            where = self.archive.uri(mark)
            told = f"{where} is not the mark of this lake: mount its archive there and run again"
            raise StoreUnavailableError(told, key=mark)


class _Signs(Protocol):
    def signed_url(self, key: ObjectKey, expires: timedelta) -> str: ...


def signed_url(store: ObjectStore, key: ObjectKey, expires: timedelta) -> str:
    """An address at which anybody may read this one object, and nothing else, until it expires.

    Raises:
        ConfigurationError: it lies in a folder, which nobody else reads by an address, or who asks cannot sign.
    """
    store = store.lake if isinstance(store, SourcedObjectStore) else store
    if not hasattr(store, "signed_url"):
        raise ConfigurationError(f"{store.uri(key)} is a file: links are for a lake in a cloud")
    return cast("_Signs", store).signed_url(key, expires)


def hot_tier(store: ObjectStore) -> ObjectStore:
    """Where the store keeps whatever is neither archived nor registered elsewhere."""
    hot = store.hot if isinstance(store, TieredObjectStore) else store
    return hot.lake if isinstance(hot, SourcedObjectStore) else hot


def _may_be_archived(key: str) -> bool:
    return key.startswith(f"{object_keys.BRONZE}/")
