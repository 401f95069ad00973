"""Keys of programs and people: shown once when they are made, kept as digests.

A key is `ia_{id}_{secret}`. The secret has 256 random bits, so that its plain SHA-256 cannot be guessed back; a slow
hash is for passwords, which people choose.
"""

import hashlib
import hmac
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from image_assets.access.roles import Role
from image_assets.errors import ConfigurationError, ObjectForbiddenError, ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.lake_mark import remember_keys
from image_assets.lake.litter import is_litter
from image_assets.lake.object_store import ObjectInfo, ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.records import read_record, write_record

_log: Final = logging.getLogger(__name__)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_WRITTEN: Final = re.compile(r"ia_(?P<key_id>[0-9a-f]{12})_(?P<secret>[A-Za-z0-9_-]{43})")
_SECRET_BYTES, _ID_BYTES = 32, 6
_NOBODYS_DIGEST: Final = hashlib.sha256(b"").hexdigest()
_FRESH_S: Final = 1.0
_REMEDY: Final = "delete it and make another key: image-assets keys add"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key.

    Attributes:
        key_id: its public part.
        name: whose it is; a name may have several keys, of which one can replace the other without a pause.
        user_id: whose images it uploads.
        roles: what it may be used for.
        digest: SHA-256 of its secret, in hexadecimal.
        created_at: when it was made.
        expires_at: from when on it is refused; None for never.
    """

    key_id: str
    name: str
    user_id: str
    roles: tuple[Role, ...]
    digest: str
    created_at: datetime
    expires_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it is accepted at an instant."""
        return self.expires_at is None or now < self.expires_at


def add_key(
    store: ObjectStore,
    name: str,
    roles: Sequence[Role],
    now: datetime,
    *,
    user_id: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; the text in the answer is the only copy of it.

    Raises:
        ConfigurationError: the name is none, it has no role, or it would be dead at once.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name[:70]!r} is no name of a key: letters, digits and . _ @ - , at most 64")
    if not roles:
        raise ConfigurationError("a key without a role may do nothing: --role upload, read, review or admin")
    if expires_at is not None and expires_at <= now:
        raise ConfigurationError(f"{expires_at:%Y-%m-%d %H:%M} UTC has passed: the key would never be accepted")
    secret, key_id = secrets.token_urlsafe(_SECRET_BYTES), secrets.token_hex(_ID_BYTES)
    key = ApiKey(key_id, name, user_id or name, tuple(dict.fromkeys(roles)), _digest(secret), now, expires_at)
    write_record(store, object_keys.api_key_key(key_id), key, over=None)
    remember_keys(store)
    store.flush()
    return key, f"ia_{key_id}_{secret}"


def list_keys(store: ObjectStore) -> list[ApiKey]:
    """Every key that was ever made, oldest first."""
    places = [info.key for info in store.list(object_keys.API_KEYS) if not is_litter(info.key)]
    return sorted((_read(store, place) for place in places), key=lambda key: (key.created_at, key.key_id))


def revoke_key(store: ObjectStore, key_id: str, at: datetime) -> ApiKey:
    """Have a key refused from an instant on, unless it is refused earlier already.

    Raises:
        ConfigurationError: there is no such key.
    """
    place = object_keys.api_key_key(key_id)

    def revoked() -> ApiKey:
        there = store.version(place)
        if there is None:
            raise ConfigurationError(f"there is no key {key_id}: image-assets keys list")
        key = _read(store, place)
        key = replace(key, expires_at=min(at, key.expires_at or at))
        write_record(store, place, key, over=there)
        return key

    if not re.fullmatch(r"[0-9a-f]{12}", key_id):
        raise ConfigurationError(f"{key_id[:40]!r} is no id of a key: image-assets keys list")
    key = until_first(revoked)
    store.flush()
    return key


class KeyRing:
    """The keys of a lake as they were a second ago at most."""

    def __init__(self, store: ObjectStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._clock = store, clock
        self._keys: dict[ObjectKey, tuple[str, ApiKey | None]] = {}
        self._read_at = float("-inf")
        self._is_empty = True
        self._reading = threading.Lock()

    @property
    def is_fresh(self) -> bool:
        """Whether `refresh` would do nothing."""
        return self._clock() - self._read_at < _FRESH_S

    def refresh(self) -> None:
        """Read the keys that were made or changed since."""
        with self._reading:
            if not self.is_fresh:
                at = self._clock()
                self._keys = dict(_reading(self._store, self._keys))
                self._is_empty &= not self._keys
                self._read_at = at

    @property
    def is_empty(self) -> bool:
        """Whether no key was ever seen; a storage that loses its keys opens nothing."""
        return self._is_empty

    def has_live_key(self, now: datetime) -> bool:
        """Whether anybody could be let in."""
        return any(key and key.is_live(now) for _, key in self._keys.values())

    @property
    def damaged(self) -> Sequence[ObjectKey]:
        """Records of keys that cannot be read: those keys are refused, and others are not."""
        return [place for place, (_, key) in self._keys.items() if key is None]

    def find(self, text: str, now: datetime) -> ApiKey | None:
        """The live key that is written so; takes as long for a wrong secret as for an unknown or an old key."""
        written = _WRITTEN.fullmatch(text)
        key_id, secret = written.group("key_id", "secret") if written else ("", "")
        _, key = self._keys.get(object_keys.api_key_key(key_id), ("", None))
        is_its = hmac.compare_digest(_digest(secret), key.digest if key else _NOBODYS_DIGEST)
        return key if key and written and is_its and key.is_live(now) else None

    def find_by_id(self, key_id: str, now: datetime) -> ApiKey | None:
        """The live key of an id: for who has proved before that it is his."""
        _, key = self._keys.get(object_keys.api_key_key(key_id), ("", None))
        return key if key and key.is_live(now) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _read(store: ObjectStore, place: ObjectKey) -> ApiKey:
    return read_record(store, place, ApiKey, ConfigurationError, _REMEDY)


def _reading(
    store: ObjectStore, known: Mapping[ObjectKey, tuple[str, ApiKey | None]]
) -> Iterator[tuple[ObjectKey, tuple[str, ApiKey | None]]]:
    """Every key with the version of its record, None for one that is damaged; only those that changed are read."""
    for info in store.list(object_keys.API_KEYS):
        if is_litter(info.key):
            continue
        former = known.get(info.key)
        yield info.key, former if former and former[0] == info.version else (info.version, _unless_damaged(store, info))


def _unless_damaged(store: ObjectStore, info: ObjectInfo) -> ApiKey | None:
    try:
        return _read(store, info.key)
    except (ConfigurationError, ObjectForbiddenError, ObjectNotFoundError) as error:
        _log.error("a key is refused: %s", error)
        return None
