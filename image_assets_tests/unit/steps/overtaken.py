"""A store in which something happens just before an object of a name is written, whichever way it is written."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_store import ANY_VERSION, StagedObject


@dataclass(frozen=True, slots=True)
class OvertakenStore(LocalObjectStore):
    """Of what happens the last comes first, each once."""

    name: str = ""
    happens: list[Callable[[], object]] = field(default_factory=list)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """See `ObjectStore`."""
        self.overtake(key)
        LocalObjectStore.write(self, key, data, over=over)

    def writing(self, key: ObjectKey, *, over: str | None = ANY_VERSION) -> AbstractContextManager[Path]:
        """See `ObjectStore`."""
        self.overtake(key)
        return LocalObjectStore.writing(self, key, over=over)

    @contextmanager
    def staging(self) -> Iterator[StagedObject]:
        """See `ObjectStore`."""
        with LocalObjectStore.staging(self) as staged:
            yield _Overtaken(self, staged)

    def overtake(self, key: ObjectKey) -> None:
        """Have it happen if the object is called so."""
        if self.happens and key.endswith(f"/{self.name}"):
            self.happens.pop()()


@dataclass(frozen=True, slots=True)
class _Overtaken:
    store: OvertakenStore
    staged: StagedObject

    def write(self, data: bytes) -> None:
        """See `StagedObject`."""
        self.staged.write(data)

    def land(self, key: ObjectKey, *, over: str | None = ANY_VERSION, is_last: bool = True) -> None:
        """See `StagedObject`."""
        self.store.overtake(key)
        self.staged.land(key, over=over, is_last=is_last)
