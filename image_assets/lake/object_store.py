"""The object store: atomic objects under slash-separated keys."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from image_assets.ids import ObjectKey

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


@dataclass(frozen=True, slots=True)
class ObjectCopy:
    """All bytes of an object as they were at one moment, and the version that they are."""

    data: bytes
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


class ReadsAndWrites(Protocol):
    """What work on single objects asks of a store."""

    def read(self, key: ObjectKey) -> bytes:
        """All bytes; `ObjectNotFoundError` or `ObjectForbiddenError` when this one object cannot be read."""
        ...

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """Replace the object; it survives a power cut once `flush` has returned."""
        ...


class ObjectStore(ReadsAndWrites, Protocol):
    """Atomic objects: a reader sees the old bytes or the new ones, never a part.

    A write may say which `version` it goes `over`, None for no object: `ObjectChangedError` when another is there. So
    may a removal.
    Every method raises `StoreUnavailableError` when the storage does not answer and
    `StorageError` when it refuses; both stop a run.
    """

    def fetch(self, key: ObjectKey, path: Path) -> None:
        """Make a local file of the object, however large it is, without holding it; errors as of `read`."""
        ...

    def read_start(self, key: ObjectKey, most: int) -> bytes:
        """The first bytes, however large the object is; errors as of `read`."""
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

    def folders_elsewhere(self) -> Sequence[str]:
        """Folders right in the storage that lie elsewhere, so that they can be away while the rest is there."""
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
        """The address under which Polars reads the object in place."""
        ...

    def copies(self, keys: Sequence[ObjectKey]) -> Mapping[ObjectKey, ObjectCopy]:
        """Of objects that cost less to read whole than in place the bytes; `ObjectNotFoundError` when one is not there.

        Of those that are read in place nothing is said.
        """
        ...

    @property
    def is_far(self) -> bool:
        """Whether each call waits for an answer from afar, so that many are worth making at once."""
        ...

    @property
    def scan_options(self) -> Mapping[str, Any]:
        """What Polars has to be told besides an address."""
        ...

    @property
    def file_system(self) -> Any:
        """What Arrow opens an object with, by its address without the scheme."""
        ...
