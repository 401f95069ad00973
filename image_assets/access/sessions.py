"""Sessions of browsers: who signed in with a key is known by a cookie, and by a mark in each form that changes things.

A cookie names a key and is signed by the lake; the key has to be live at each request, so whoever revokes it ends its
sessions too.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from image_assets.access.links import LinkSigner, Signature

COOKIE: Final = "image_assets_session"
LASTS: Final = timedelta(hours=12)
_SESSION, _CHANGE = "session", "change"
_PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that somebody signed in with.

    Attributes:
        key_id: of the key.
        nonce: differs from session to session.
        expires_at: when to sign in again.
    """

    key_id: str
    nonce: str
    expires_at: datetime

    @classmethod
    def begin(cls, key_id: str, now: datetime) -> Self:
        """A new one."""
        return cls(key_id, secrets.token_hex(8), (now + LASTS).replace(microsecond=0))

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.key_id}.{self.nonce}.{int(self.expires_at.timestamp())}"


def give_cookie(signer: LinkSigner, session: Session) -> str:
    """The value of a session's cookie."""
    return f"{session.text}.{_written(signer.sign(_SESSION, session.text))}"


def take_cookie(signer: LinkSigner, cookie: str, now: datetime) -> Session | None:
    """The session of a cookie; None for one that is not ours or has expired."""
    parts = cookie.split(".")
    if len(parts) != _PARTS:
        return None
    text, signature = ".".join(parts[:3]), Signature(*parts[3:])
    if not signer.verifies(_SESSION, text, signature):
        return None
    key_id, nonce, expires = parts[:3]
    session = Session(key_id, nonce, datetime.fromtimestamp(int(expires), UTC))
    return session if now < session.expires_at else None


def give_mark(signer: LinkSigner, who: str) -> str:
    """What a form carries, so that no page of another origin can fill it in for `who`."""
    return _written(signer.sign(_CHANGE, who))


def takes_mark(signer: LinkSigner, who: str, mark: str) -> bool:
    """Whether a mark was given to `who`."""
    secret_id, _, digits = mark.partition(".")
    return signer.verifies(_CHANGE, who, Signature(secret_id, digits))


def _written(signature: Signature) -> str:
    return f"{signature.secret_id}.{signature.digits}"
