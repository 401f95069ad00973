"""Sidecars that were sent ahead of files that never came, because their service was killed in between."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Final

from image_assets.errors import ObjectChangedError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectInfo, ObjectStore
from image_assets.steps.images.landing import is_awaiting, may_be_sent_ahead, pair_sidecars

_GRACE: Final = timedelta(hours=1)


def clear_sent_ahead(store: ObjectStore, day: date, now: datetime | None = None) -> int:
    """Remove those that have waited for an hour; how many.

    Whoever sends such a file after all writes its sidecar again, and only what nobody has written since is removed.
    """
    before = (now or datetime.now(UTC)) - _GRACE
    names, old = set[str](), list[ObjectInfo]()
    for info in store.list(object_keys.landing_prefix(day)):
        names.add(info.key)
        if info.arrived_at < before and may_be_sent_ahead(info.key):
            old.append(info)
    sidecars, cleared = set(pair_sidecars(names).values()) if old else set(), 0
    for info in old:
        if info.key not in sidecars and is_awaiting(store, info.key):
            with suppress(ObjectChangedError):
                store.delete(info.key, over=info.version)
                cleared += 1
    return cleared
