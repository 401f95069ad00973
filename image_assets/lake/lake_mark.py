"""The mark of a lake: an empty folder in its place, such as a mount point without its mount, is not it."""

import uuid
from dataclasses import dataclass
from typing import Final

from image_assets.errors import StoreUnavailableError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.records import read_record, write_record

_SIGNS: Final = ("access", object_keys.LANDING, object_keys.TABLES)
_REMEDY: Final = (
    "bring back the storage that was there before; if it is that, delete this file and start the service again"
)


@dataclass(frozen=True, slots=True)
class LakeMark:
    """What tells a lake from any other."""

    lake_id: str


def lake_mark(store: ObjectStore) -> LakeMark:
    """The lake's mark; the first one to ask makes it."""
    return until_first(lambda: _read(store) or _make(store))


def check_mark(store: ObjectStore, mark: LakeMark) -> None:
    """See that the lake is there.

    Raises:
        StoreUnavailableError: it is not, or another one is in its place.
    """
    found = _read(store)
    if found != mark:
        there = "another lake" if found else "no lake"
        where = store.uri(object_keys.LAKE_MARK)
        raise StoreUnavailableError(f"there is {there} at {where}: bring back the storage that was there before")


class LakeGuard:
    """Sees that a lake is the one that it was when it began; before that it sees nothing.

    It is asked before every change, so the mark is read only when its file is another one than at the last look.
    """

    def __init__(self) -> None:
        self._began: tuple[ObjectStore, LakeMark] | None = None
        self._seen: str | None = None

    def begin(self, store: ObjectStore) -> None:
        """Go by the mark of a lake from now on."""
        self._began = store, lake_mark(store)

    def check(self) -> None:
        """Raises `StoreUnavailableError` when the lake is away, or another is in its place."""
        if self._began is None:
            return
        store, mark = self._began
        version = store.version(object_keys.LAKE_MARK)
        if version is None or version != self._seen:
            check_mark(store, mark)
            self._seen = version


def holds_lake(store: ObjectStore) -> bool:
    """Whether anything was ever put there: a mark, an upload, a table or a key."""
    return any(next(iter(store.list(each)), None) for each in _SIGNS)


def _read(store: ObjectStore) -> LakeMark | None:
    if not store.exists(object_keys.LAKE_MARK):
        return None
    return read_record(store, object_keys.LAKE_MARK, LakeMark, StoreUnavailableError, _REMEDY)


def _make(store: ObjectStore) -> LakeMark:
    mark = LakeMark(uuid.uuid4().hex)
    write_record(store, object_keys.LAKE_MARK, mark, over=None)
    return mark
