"""Marks of pages as clients hold them: opaque, signed, and good for the question alone that they were given for.

A mark names a place in an order, so it stays good when the lake changes: the next page goes on behind that place, in
the lake as it is then.
"""

import base64
import hashlib
from http import HTTPStatus
from typing import Final

from image_assets.access.links import LinkSigner, Signature
from image_assets.serving.problems import Kind, Problem

_WRONG: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong-page-token")
_PURPOSE: Final = "page"
MAX_LENGTH: Final = 400


def give_token(signer: LinkSigner, mark: str | None, question: object) -> str | None:
    """A token for the page behind a mark; None behind the last page."""
    if mark is None:
        return None
    signature = signer.sign(_PURPOSE, _signed(mark, question))
    text = f"{signature.secret_id}.{signature.digits}.{mark}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def take_token(signer: LinkSigner, token: str | None, question: object) -> str | None:
    """The mark in a token.

    Raises:
        Problem: 422, it is none of ours or for another question.
    """
    if token is None:
        return None
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError:
        text = ""
    secret_id, _, rest = text.partition(".")
    digits, _, mark = rest.partition(".")
    if not signer.verifies(_PURPOSE, _signed(mark, question), Signature(secret_id, digits)):
        raise Problem(_WRONG, "This token is not of this question: pass on next_page_token with the same parameters.")
    return mark


def _signed(mark: str, question: object) -> str:
    return f"{hashlib.sha256(repr(question).encode('utf-8', 'replace')).hexdigest()}\n{mark}"
