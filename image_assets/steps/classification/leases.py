"""Leases: who looks at an image for the next minutes, so that nobody else is asked about it meanwhile.

A lease is an object in the lake, taken by a conditional write: several services share them, and none forgets them.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from image_assets.errors import ObjectChangedError, ObjectNotFoundError, TableError
from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.litter import is_litter
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.records import read_record, write_record

LEASE: Final = timedelta(minutes=5)
_REMEDY: Final = "the image is free"
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """An image in somebody's hands.

    Attributes:
        image_id: the image.
        day: of its upload.
        photo: names it and its near-copies, of which one at a time is given out.
        held_by: who looks at it.
        until: from when on it is free again.
        is_blind: whether the model's answer is kept from the person.
        is_audit: whether it was drawn at random, to measure the model.
        is_issue: whether it was given for its doubtful label, and is no part of the queue.
    """

    image_id: ImageId
    day: date
    photo: str
    held_by: str
    until: datetime
    is_blind: bool = False
    is_audit: bool = False
    is_issue: bool = False


def take_lease(store: ObjectStore, wanted: Lease, now: datetime) -> bool:
    """Take an image, or keep it for longer; False when somebody else has it."""
    key = object_keys.lease_key(wanted.image_id)
    there = store.version(key)
    former = read_lease(store, wanted.image_id) if there else None
    if former and former.held_by != wanted.held_by and former.until > now:
        return False
    try:
        write_record(store, key, wanted, over=there)
    except ObjectChangedError:
        return False
    return True


def renew_lease(store: ObjectStore, held: Lease, now: datetime) -> Lease | None:
    """The lease with its whole time before it; None when somebody else has the image."""
    longer = replace(held, until=now + LEASE)
    return longer if take_lease(store, longer, now) else None


def read_lease(store: ObjectStore, image_id: str) -> Lease | None:
    """Who has or had an image; None when nobody did since it was decided, and for what can be read by nobody."""
    key = object_keys.lease_key(ImageId(image_id))
    try:
        return read_record(store, key, Lease, TableError, _REMEDY)
    except ObjectNotFoundError:
        return None
    except TableError as error:
        _log.warning("no lease: %s", error)
        return None


def release_lease(store: ObjectStore, image_id: str, held_by: str) -> None:
    """Give an image back; a lease of somebody else stays."""
    lease = read_lease(store, image_id)
    if lease and lease.held_by == held_by:
        store.delete(object_keys.lease_key(lease.image_id))


def live_leases(store: ObjectStore, now: datetime) -> list[Lease]:
    """Every image in somebody's hands; what has run out is cleared away."""
    return list(_live(store, now))


def _live(store: ObjectStore, now: datetime) -> Iterator[Lease]:
    for info in store.list(object_keys.LEASES):
        lease = None if is_litter(info.key) else read_lease(store, info.key.rpartition("/")[2].removesuffix(".json"))
        if lease and lease.until > now:
            yield lease
        elif lease and now - lease.until > LEASE:
            # Not at once: whoever comes back to it a little later is still known to have seen it blindly.
            store.delete(info.key)
