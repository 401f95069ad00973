"""The mark of a lake: an empty folder in its place, such as a mount point without its mount, is not it.

Folders right in the lake that an operator placed elsewhere can be away by themselves: each has a copy of the mark, and
the mark says which they are.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from image_assets.errors import ConfigurationError, ObjectNotFoundError, StoreUnavailableError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.litter import is_litter
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.records import read_record, write_durable_record, write_record

_SIGNS: Final = (object_keys.LAKE_MARK, "access", object_keys.LANDING, object_keys.TABLES)
_WAY_OUT: Final = (
    "bring back the storage that was there before; or, if what is there is to be the lake, say so once: "
    "image-assets run --create (serve and demo take it, too), and start again what is running"
)


@dataclass(frozen=True, slots=True)
class LakeMark:
    """What tells a lake from any other.

    Attributes:
        lake_id: what does.
        placed: folders right in it that lie elsewhere, or once did; each has a mark of this lake.
        has_keys: whether a key was ever made: without any, whoever is on the machine may do everything.
    """

    lake_id: str
    placed: tuple[str, ...] = ()
    has_keys: bool = False


def lake_mark(store: ObjectStore) -> LakeMark:
    """The lake's mark; the first one to ask makes it."""
    return until_first(lambda: _read(store) or _make(store))


def settle_mark(store: ObjectStore) -> LakeMark:
    """The lake's mark, true of what there is: what is placed elsewhere is marked when it is first seen.

    Raises:
        StoreUnavailableError: a folder that was placed elsewhere is not there, or is another lake's.
        ConfigurationError: keys were made, and there are none.
    """
    mark = lake_mark(store)
    has_keys = not all(is_litter(info.key) for info in store.list(object_keys.API_KEYS))
    if mark.has_keys and not has_keys:
        way_out = "bring it back, or make a key: image-assets keys add NAME --role admin"
        raise ConfigurationError(f"keys were made, and there are none at {store.uri(object_keys.API_KEYS)}: {way_out}")
    placed = {*mark.placed, *store.folders_elsewhere()}
    for folder in placed.difference(mark.placed):
        key = object_keys.placed_mark_key(folder)
        if not store.exists(key):
            write_durable_record(store, key, LakeMark(mark.lake_id))
    mark = _change(store, lambda there: replace(there, placed=tuple(sorted(placed)), has_keys=has_keys))
    for key in _keys_of(mark):
        check_mark(store, key, mark)
    return mark


def take_for_lake(store: ObjectStore) -> LakeMark:
    """Have what is there be the lake, whatever was there before: a mark that is damaged or another lake's is replaced.

    Raises:
        StoreUnavailableError: a link in it leads nowhere.
        ConfigurationError: as `settle_mark`.
    """
    mark = until_first(partial(_renewed, store))
    for folder in sorted({*mark.placed, *store.folders_elsewhere()}):
        _take_folder(store, folder, mark)
    return settle_mark(store)


def remember_keys(store: ObjectStore) -> None:
    """Have the mark say that there are keys."""
    _change(store, lambda there: replace(there, has_keys=True))


def check_mark(store: ObjectStore, key: ObjectKey, mark: LakeMark) -> None:
    """See that the lake, or a folder of it, is there.

    Raises:
        StoreUnavailableError: it is not, or another one is in its place.
    """
    found = _read(store, key)
    if found is None or found.lake_id != mark.lake_id:
        there = "another lake" if found else "no lake"
        raise StoreUnavailableError(f"there is {there} at {store.uri(key)}: {_WAY_OUT}", key=key)


def is_whole(store: ObjectStore) -> bool:
    """Whether there is a lake, with every folder of it that was placed elsewhere.

    Raises:
        StoreUnavailableError: there is one without such a folder, or its mark is damaged.
    """
    mark = _read(store)
    if mark:
        for key in _keys_of(mark)[1:]:
            check_mark(store, key, mark)
    return mark is not None


class LakeGuard:
    """Sees that a lake is the one that it was when it began; before that it sees nothing.

    It is asked before every change, so a mark is read only when its file is another one than at the last look.
    """

    def __init__(self) -> None:
        self._began: tuple[ObjectStore, LakeMark] | None = None
        self._seen: dict[ObjectKey, str | None] = {}

    def begin(self, store: ObjectStore, known: str | None = None) -> str:
        """Go by the mark of a lake from now on, which is the known one if any is; returns its id.

        Raises:
            StoreUnavailableError: the known one is not there; or as `settle_mark`.
            ConfigurationError: as `settle_mark`.
        """
        if known:
            # A store that asks this guard makes no mark from here on where the known one is missing.
            self._began = store, LakeMark(known)
            check_mark(store, object_keys.LAKE_MARK, LakeMark(known))
        mark = settle_mark(store)
        self._began = store, replace(mark, lake_id=known or mark.lake_id)
        return known or mark.lake_id

    def check(self) -> None:
        """Raises `StoreUnavailableError` when the lake or a part is away, or another is in its place."""
        if self._began is None:
            return
        store, mark = self._began
        for key in _keys_of(mark):
            version = store.version(key)
            if version is None or version != self._seen.get(key):
                check_mark(store, key, mark)
                self._seen[key] = version


def holds_lake(store: ObjectStore) -> bool:
    """Whether anything was ever put there: a mark, an upload, a table or a key."""
    return any(next(iter(store.list(each)), None) for each in _SIGNS)


def _keys_of(mark: LakeMark) -> tuple[ObjectKey, ...]:
    return object_keys.LAKE_MARK, *map(object_keys.placed_mark_key, mark.placed)


def _read(store: ObjectStore, key: ObjectKey = object_keys.LAKE_MARK) -> LakeMark | None:
    if not store.exists(key):
        return None
    return read_record(store, key, LakeMark, StoreUnavailableError, _WAY_OUT)


def _take_folder(store: ObjectStore, folder: str, mark: LakeMark) -> None:
    key = object_keys.placed_mark_key(folder)
    there = _undamaged(store, key)
    if there and there.lake_id == mark.lake_id:
        return
    try:
        write_durable_record(store, key, LakeMark(mark.lake_id))
    except StoreUnavailableError as error:
        way_out = f"if {folder} is a link that leads nowhere, remove it or make its folder, and do the same again"
        raise StoreUnavailableError(f"{error}; {way_out}", key=key) from error


def _renewed(store: ObjectStore) -> LakeMark:
    version = store.version(object_keys.LAKE_MARK)
    return _undamaged(store) or _make(store, over=version)


def _undamaged(store: ObjectStore, key: ObjectKey = object_keys.LAKE_MARK) -> LakeMark | None:
    try:
        # An error that no storage raises which does not answer: what cannot be read for now is not replaced.
        return read_record(store, key, LakeMark, TableError, "")
    except (ObjectNotFoundError, TableError):
        return None


def _make(store: ObjectStore, over: str | None = None) -> LakeMark:
    mark = LakeMark(uuid.uuid4().hex)
    write_record(store, object_keys.LAKE_MARK, mark, over=over)
    return mark


def _change(store: ObjectStore, change: Callable[[LakeMark], LakeMark]) -> LakeMark:
    def changed() -> LakeMark:
        version = store.version(object_keys.LAKE_MARK)
        there = lake_mark(store)
        wanted = change(there)
        if wanted != there:
            write_record(store, object_keys.LAKE_MARK, wanted, over=version)
        return wanted

    return until_first(changed)
