"""The lake's objects, and beside them the files of its sources, which are read where they lie and never changed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from image_assets.errors import (
    ObjectForbiddenError,
    ObjectNotFoundError,
    StorageError,
    StoreUnavailableError,
)
from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import REGISTERED, SOURCES, place_of
from image_assets.lake.object_store import ANY_VERSION, ObjectCopy, ObjectInfo, ObjectStore, StagedObject
from image_assets.lake.sources.place import SourcePlace
from image_assets.lake.sources.record import Source, read_sources

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SourcedObjectStore:
    """Files of sources have the keys of `object_keys.registered_key`; nothing is ever written, moved or deleted there.

    A source that is away stops whoever asks for a file of it, unless all its files were taken in: they count as gone.

    Attributes:
        lake: has all other objects.
        open_place: opens the place of a source, by its address.
    """

    lake: ObjectStore
    open_place: Callable[[str], SourcePlace] = field(compare=False, repr=False)

    def read(self, key: ObjectKey) -> bytes:
        """See `ObjectStore`."""
        place = place_of(key)
        return self._asked(place, lambda there, name: there.read(name)) if place else self.lake.read(key)

    def fetch(self, key: ObjectKey, path: Path) -> None:
        """See `ObjectStore`."""
        if place := place_of(key):
            self._asked(place, lambda there, name: there.fetch(name, path))
        else:
            self.lake.fetch(key, path)

    def read_start(self, key: ObjectKey, most: int) -> bytes:
        """See `ObjectStore`."""
        place = place_of(key)
        return (
            self._asked(place, lambda there, name: there.read_start(name, most))
            if place
            else self.lake.read_start(key, most)
        )

    def exists(self, key: ObjectKey) -> bool:
        """See `ObjectStore`."""
        return self.version(key) is not None if place_of(key) else self.lake.exists(key)

    def version(self, key: ObjectKey) -> str | None:
        """See `ObjectStore`; of a registered file as a scan tells it."""
        place = place_of(key)
        if place is None:
            return self.lake.version(key)
        try:
            return self._asked(place, _version_there)
        except (ObjectNotFoundError, ObjectForbiddenError):
            return None

    def sizes(self, keys: Iterable[ObjectKey]) -> Mapping[ObjectKey, int]:
        """Those of the lake: no row names a registered file as its object."""
        return self.lake.sizes(keys)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Those of the lake: manifests say what is registered."""
        return iter(()) if f"{prefix}/".startswith(f"{REGISTERED}/") else self.lake.list(prefix)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """See `ObjectStore`."""
        self.lake.write(_own(key), data, over=over)

    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> AbstractContextManager[Path]:
        """See `ObjectStore`."""
        return self.lake.writing(_own(key), over=over)

    def staging(self) -> AbstractContextManager[StagedObject]:
        """See `ObjectStore`."""
        return self.lake.staging()

    def copy(self, source: ObjectKey, target: ObjectKey) -> None:
        """See `ObjectStore`."""
        self.lake.copy(_own(source), _own(target))

    def delete(self, key: ObjectKey, *, over: str = ANY_VERSION) -> None:
        """See `ObjectStore`."""
        self.lake.delete(_own(key), over=over)

    def sweep(self) -> int:
        """See `ObjectStore`."""
        return self.lake.sweep()

    def claiming(self, name: str) -> AbstractContextManager[bool]:
        """See `ObjectStore`."""
        return self.lake.claiming(name)

    def free_ratio(self) -> float:
        """See `ObjectStore`."""
        return self.lake.free_ratio()

    def folders_elsewhere(self) -> Sequence[str]:
        """See `ObjectStore`."""
        return self.lake.folders_elsewhere()

    def flush(self) -> None:
        """See `ObjectStore`."""
        self.lake.flush()

    def sync(self, key: ObjectKey) -> None:
        """See `ObjectStore`."""
        self.lake.sync(key)

    def uri(self, key: str) -> str:
        """See `ObjectStore`; of a registered file as the lake knows it, wherever its source is."""
        return self.lake.uri(key)

    def copies(self, keys: Sequence[ObjectKey]) -> Mapping[ObjectKey, ObjectCopy]:
        """See `ObjectStore`."""
        return self.lake.copies(keys)

    @property
    def is_far(self) -> bool:
        """See `ObjectStore`."""
        return self.lake.is_far

    @property
    def scan_options(self) -> Mapping[str, Any]:
        """See `ObjectStore`."""
        return self.lake.scan_options

    @property
    def file_system(self) -> Any:
        """See `ObjectStore`."""
        return self.lake.file_system

    def _asked(self, place: tuple[str, str], ask: Callable[[SourcePlace, str], _T]) -> _T:
        """The answer of a source; that a file is not there means something only while its source is."""
        source = self._source(place[0])
        there = self.open_place(source.uri)
        try:
            return ask(there, place[1])
        except (ObjectNotFoundError, ObjectForbiddenError):
            if not source.is_final:
                there.check(source.signs)
            raise

    def _source(self, root: str) -> Source:
        source = read_sources(self.lake).get(root)
        if source is None:
            told = f"no source {root} is known in {self.lake.uri(SOURCES)}: restore that file from a backup"
            raise StoreUnavailableError(told, key=SOURCES)
        return source


def _version_there(place: SourcePlace, path: str) -> str:
    version = place.version(path)
    if version is None:
        raise ObjectNotFoundError(f"{path!r} has gone from its source")
    return version


def _own(key: ObjectKey) -> ObjectKey:
    if place_of(key):
        raise StorageError(f"{key!r} is registered in place, and what is there is never changed", key=key)
    return key
