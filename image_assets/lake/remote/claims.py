"""Names that one process at a time has for itself, in a cloud: an object that its holder renews while it lives.

A holder that is killed renews it no more, and whoever comes a while later takes it over. Its age is told by the cloud's
clock alone, so that it does not matter what the clocks of two machines say.
"""

import hashlib
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from image_assets.errors import ObjectChangedError, ObjectNotFoundError, StorageError
from image_assets.ids import ObjectKey
from image_assets.lake.object_store import ANY_VERSION

CLAIMS: Final = ".locks/claims"
LEASE_S: Final = 30.0
_CLOCK: Final = ObjectKey(".locks/clock")


class _Store(Protocol):
    def replaced(self, key: ObjectKey, data: bytes, over: str | None = ANY_VERSION) -> str: ...

    def seen(self, key: ObjectKey) -> tuple[str, datetime] | None: ...

    def removed(self, key: ObjectKey) -> None: ...


@contextmanager
def claimed(store: _Store, name: str, lease_s: float = LEASE_S) -> Iterator[bool]:
    """Whether the caller has a name for itself until the block ends."""
    key = ObjectKey(f"{CLAIMS}/{hashlib.sha256(os.fsencode(name)).hexdigest()}")
    version = _take(store, key, lease_s)
    if version is None:
        yield False
        return
    holder = _Holder(store, key, version, lease_s)
    holder.start()
    try:
        yield True
    finally:
        holder.release()


def _take(store: _Store, key: ObjectKey, lease_s: float) -> str | None:
    """The version of a claim of one's own; None while another's is alive."""
    with suppress(ObjectChangedError):
        return store.replaced(key, _token(), None)
    there = store.seen(key)
    if there is None or not _is_dead(store, there[1], timedelta(seconds=lease_s)):
        return None
    with suppress(ObjectChangedError):
        return store.replaced(key, _token(), there[0])
    return None


def _is_dead(store: _Store, renewed_at: datetime, lease: timedelta) -> bool:
    """By the clock of this machine first, which costs nothing; only who would take it over asks the cloud's."""
    if datetime.now(UTC) - renewed_at <= lease:
        return False
    store.replaced(_CLOCK, b"")
    now = store.seen(_CLOCK)
    return now is not None and now[1] - renewed_at > lease


def _token() -> bytes:
    """Never twice the same: where a version is made of the bytes, each is another."""
    return uuid.uuid4().hex.encode()


class _Holder(threading.Thread):
    """Renews a claim until it is released, or another has taken it because this process slept for too long."""

    def __init__(self, store: _Store, key: ObjectKey, version: str, lease_s: float) -> None:
        super().__init__(name="claim", daemon=True)
        self._store, self._key, self._version, self._lease_s = store, key, version, lease_s
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.wait(self._lease_s / 3):
            try:
                self._version = self._store.replaced(self._key, _token(), self._version)
            except (ObjectChangedError, ObjectNotFoundError):
                return
            except StorageError:
                # It may answer before the claim has run out.
                continue

    def release(self) -> None:
        """Remove the claim, if it is still this one."""
        self._is_over.set()
        self.join()
        with suppress(StorageError):
            there = self._store.seen(self._key)
            if there and there[0] == self._version:
                self._store.removed(self._key)
