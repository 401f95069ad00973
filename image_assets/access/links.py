"""Proofs that this lake's service wrote a text itself: signatures of links and of marks of pages.

HMAC-SHA-256 (RFC 2104). Two secrets are live, so that what was signed with the one before stays valid until it expires.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from image_assets.errors import ConfigurationError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.records import read_record, write_record

_LIVE: Final = 2
_READ_AGAIN_S: Final = 1.0
_SECRET_BYTES, _ID_BYTES, _SIGNATURE_BYTES = 32, 4, 16
_REMEDY: Final = "delete it: links that were given out are refused from then on"


@dataclass(frozen=True, slots=True)
class _Secret:
    secret_id: str
    secret: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _LinkSecrets:
    """The newest first."""

    live: tuple[_Secret, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """Of a text; `secret_id` says with which secret it was made."""

    secret_id: str
    digits: str


class LinkSigner:
    """Signs texts, each for a purpose: what is signed for one is nothing for another.

    A secret that it does not know may have been made since by another process: it reads them again then, at most once a
    second, because anybody may name any secret.
    """

    def __init__(self, read: Callable[[], _LinkSecrets], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._live = _decoded(read())
        self._read_again_at = float("-inf")

    def sign(self, purpose: str, text: str) -> Signature:
        """With the newest secret."""
        secret_id = next(iter(self._live))
        return Signature(secret_id, _digits(self._live[secret_id], purpose, text))

    def verifies(self, purpose: str, text: str, signature: Signature) -> bool:
        """Whether a live secret made the signature of this text, for this purpose."""
        if signature.secret_id not in self._live and self._clock() - self._read_again_at >= _READ_AGAIN_S:
            self._read_again_at = self._clock()
            self._live = _decoded(self._read())
        secret = self._live.get(signature.secret_id, b"")
        is_same = hmac.compare_digest(_digits(secret, purpose, text).encode(), signature.digits.encode())
        return is_same and bool(secret)


def open_signer(store: ObjectStore) -> LinkSigner:
    """A signer with the lake's secrets; the first one to ask makes them."""
    return LinkSigner(lambda: _read(store) or until_first(lambda: _add(store, only_first=True)))


def rotate_link_secret(store: ObjectStore) -> None:
    """Sign with a new secret from now on; of the former ones the last stays valid."""
    until_first(lambda: _add(store, only_first=False))


def _read(store: ObjectStore) -> _LinkSecrets | None:
    if not store.exists(object_keys.LINK_SECRETS):
        return None
    return read_record(store, object_keys.LINK_SECRETS, _LinkSecrets, ConfigurationError, _REMEDY)


def _add(store: ObjectStore, *, only_first: bool) -> _LinkSecrets:
    there = store.version(object_keys.LINK_SECRETS)
    former = _read(store)
    if former and only_first:
        return former
    text = base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    added = _Secret(secrets.token_hex(_ID_BYTES), text, datetime.now(UTC))
    kept = _LinkSecrets((added, *(former.live if former else ()))[:_LIVE])
    write_record(store, object_keys.LINK_SECRETS, kept, over=there)
    store.flush()
    return kept


def _decoded(secrets_of_lake: _LinkSecrets) -> dict[str, bytes]:
    return {each.secret_id: base64.b64decode(each.secret) for each in secrets_of_lake.live}


def _digits(secret: bytes, purpose: str, text: str) -> str:
    digest = hmac.new(secret, f"{purpose}\n{text}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode().rstrip("=")
