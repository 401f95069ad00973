"""Sidecars that were sent ahead of files that never came, because their service was killed in between."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Final

from image_assets.errors import ObjectChangedError
from image_assets.lake import object_keys
from image_assets.lake.lots import WHOLE, Lot
from image_assets.lake.object_store import ObjectStore
from image_assets.steps.images.landing import list_landing

_GRACE: Final = timedelta(hours=1)


def clear_sent_ahead(store: ObjectStore, day: date, now: datetime | None = None, *, lot: Lot = WHOLE) -> int:
    """Remove those that have waited for an hour; how many.

    Whoever sends such a file after all writes its sidecar again, and only what nobody has written since is removed.
    """
    awaiting, before = list_landing(store, day, lot).awaiting, (now or datetime.now(UTC)) - _GRACE
    if not awaiting:
        return 0
    cleared = 0
    old = (info for info in store.list(object_keys.landing_prefix(day)) if info.arrived_at < before)
    for info in old:
        if object_keys.source_uri_of(info.key) in awaiting:
            with suppress(ObjectChangedError):
                store.delete(info.key, over=info.version)
                cleared += 1
    return cleared
