"""Links to pictures that anybody may follow until they expire, so that a page can show what its reader may see."""

import math
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request
from fastapi.security.http import HTTPAuthorizationCredentials

from image_assets.access.links import LinkSigner, Signature
from image_assets.access.roles import Role
from image_assets.serving.callers import BEARER, Caller, Needs
from image_assets.serving.image_names import ImageInPath
from image_assets.serving.problems import Kind, Problem
from image_assets.serving.service import ServiceHere

_WRONG: Final = Kind(HTTPStatus.FORBIDDEN, "wrong-link")
_HOUR_S: Final = 3600
_ORIGINAL_LASTS: Final = timedelta(minutes=5)
_PURPOSE: Final = "picture"


class Picture(StrEnum):
    """The files of an image."""

    ORIGINAL = "original"
    SILVER = "silver"
    THUMBNAIL = "thumbnail"
    PREVIEW = "preview"


def link_to(signer: LinkSigner, image_id: str, picture: Picture, now: datetime) -> str:
    """The path of a picture with its signature.

    A derivative's link is the same for an hour, so that browsers find it in their caches, and lasts one to two; the
    one of an original lasts five minutes.
    """
    if picture is Picture.ORIGINAL:
        expires = math.ceil((now + _ORIGINAL_LASTS).timestamp())
    else:
        expires = (math.ceil(now.timestamp() / _HOUR_S) + 1) * _HOUR_S
    signature = signer.sign(_PURPOSE, _signed(image_id, picture, expires))
    proof = f"exp={expires}&kid={signature.secret_id}&sig={signature.digits}"
    return f"/v1/images/{image_id}/{picture}?{proof}"


def _signed(image_id: str, picture: Picture, expires: int) -> str:
    return f"GET\n{image_id}\n{picture}\n{expires}"


class LinkOr(Needs):
    """A dependency that lets in who follows a link of ours, or else who has a role; None for the former.

    Attributes:
        picture: what the link has to be for.
    """

    def __init__(self, picture: Picture, *roles: Role) -> None:
        super().__init__(*roles)
        self.picture = picture

    async def __call__(  # type: ignore[override]  # FastAPI reads what it needs off the signature
        self,
        request: Request,
        service: ServiceHere,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
        image_id: ImageInPath,
        exp: Annotated[int | None, Query(ge=0, le=2**40, description="Of a link: until when it is followed.")] = None,
        kid: Annotated[str | None, Query(max_length=16, description="Of a link: which secret signed it.")] = None,
        sig: Annotated[str | None, Query(max_length=64, description="Of a link: its signature.")] = None,
    ) -> Caller | None:
        """The caller; None when the link is all that is known.

        Raises:
            Problem: 403 for a link that is not ours, is for something else, or has expired; see `Needs`.
        """
        if sig is None:
            return await super().__call__(request, service, credentials)
        signature = Signature(kid or "", sig)
        if not service.links.verifies(_PURPOSE, _signed(str(image_id), self.picture, exp or 0), signature):
            raise Problem(_WRONG, "This link is not for this picture: ask for the image again.")
        if (exp or 0) < service.now().timestamp():
            raise Problem(_WRONG, "This link has expired: ask for the image again.")
        return None


def follows(picture: Picture, *roles: Role) -> Any:
    """The dependency of a route that a link of ours opens, or a role."""
    return Depends(LinkOr(picture, *roles))
