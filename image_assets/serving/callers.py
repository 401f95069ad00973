"""Who is asking, and whether they may: every route names the role that it needs."""

import getpass
import ipaddress
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Final, cast
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from image_assets.access.roles import Role, includes
from image_assets.access.sessions import COOKIE, take_cookie, takes_mark
from image_assets.errors import ImageAssetsError
from image_assets.serving.guards import MORE
from image_assets.serving.observing.request_notes import note_caller
from image_assets.serving.parameters import check_headers, check_parameters
from image_assets.serving.posted import posted_form
from image_assets.serving.problems import Kind, Problem
from image_assets.serving.service import Service, ServiceHere

_UNAUTHORISED: Final = Kind(HTTPStatus.UNAUTHORIZED, "key-needed")
_FORBIDDEN: Final = Kind(HTTPStatus.FORBIDDEN, "role-needed")
_BAD_REQUEST: Final = Kind(HTTPStatus.BAD_REQUEST, "key-in-address")
_UNMARKED: Final = Kind(HTTPStatus.FORBIDDEN, "unmarked-change")
MARK_HEADER: Final = "X-Change-Mark"
MARK_FIELD: Final = "mark"
_MARK_IT: Final = "This page is older than your session: load it again, and do it once more."
_READING: Final = {"GET", "HEAD"}
_PASSED_ON: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Headers by which proxies tell of themselves; those that do not mostly speak HTTP/1.0 to what is behind them."""
_KEY_IN_TEXT: Final = re.compile(rb"ia_[0-9a-f]{12}_")
_ADMITTED: Final = "image_assets.caller"
"""In the scope of a request: who asks, once it is known."""
BEARER: Final = HTTPBearer(auto_error=False, description="A key of `image-assets keys add`.")
_NO_KEY: Final = "This needs a key that is accepted: Authorization: Bearer …; image-assets keys add makes one."
_ASKING: Final = {"WWW-Authenticate": 'Bearer realm="image-assets"'}
_SIGN_IN_AGAIN: Final = "Your session is over, or its key is: sign in again at /sign-in."


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking.

    Attributes:
        name: of the key, or of the owner of this machine; what is done is noted under it.
        key_id: of the key; empty for the owner.
        user_id: whose images an upload becomes.
        roles: what the key is for.
        address: where the request comes from.
        nonce: of the browser's session that the key signed in; empty for whoever sends the key itself.
    """

    name: str
    key_id: str
    user_id: str
    roles: Collection[Role]
    address: str
    nonce: str = ""

    @property
    def change_mark_of(self) -> str:
        """What the mark of a change is made for."""
        return f"{self.key_id or self.name}.{self.nonce}"

    def may(self, role: Role) -> bool:
        """Whether a role of the caller includes this one."""
        return includes(self.roles, role)

    @property
    def sees_all(self) -> bool:
        """Whether images of other users exist for the caller."""
        return self.may(Role.READ)


class Needs:
    """A dependency that lets in who has a role, within the rate of requests; None for whoever asks.

    Attributes:
        role: which one.
    """

    def __init__(self, *roles: Role) -> None:
        self.roles = roles

    async def __call__(
        self,
        request: Request,
        service: ServiceHere,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
    ) -> Caller:
        """The caller.

        Raises:
            Problem: 401 without an accepted key, 403 without the role, 429 over the rate, 422 for a parameter that the
                route does not know.
        """
        admitted: Caller | None = request.scope.get(_ADMITTED)
        return admitted or await self.admit(request, service, credentials)

    async def admit(
        self, request: Request, service: Service, credentials: HTTPAuthorizationCredentials | None
    ) -> Caller:
        """The caller, who is looked at once for each request; raises as the call does."""
        caller = await self.identify(request, service, credentials)
        note_caller(caller.name)
        if not any(caller.may(role) for role in self.roles):
            wanted = " or ".join(self.roles)
            raise Problem(_FORBIDDEN, f"The key {caller.name} has no role {wanted}: image-assets keys add --role …")
        request.scope[MORE].update(service.limits.take(caller.key_id or caller.name, service.rates))
        check_parameters(request)
        check_headers(request)
        if request.method not in _READING:
            await self.check_mark(request, service, caller)
        request.scope[_ADMITTED] = caller
        return caller

    async def identify(
        self, request: Request, service: Service, credentials: HTTPAuthorizationCredentials | None
    ) -> Caller:
        """See `identify`."""
        return await identify(request, service, credentials)

    async def check_mark(self, request: Request, service: Service, caller: Caller) -> None:
        """Raises `Problem`, 403, for a change by a browser that signed in, from none of our pages."""
        if caller.nonce:
            check_mark(service, caller, request.headers.get(MARK_HEADER, ""))


class NeedsUnlessLocal(Needs):
    """A dependency that lets in the owner of this machine too, though there are keys: for a collector beside it."""

    async def identify(
        self, request: Request, service: Service, credentials: HTTPAuthorizationCredentials | None
    ) -> Caller:
        """See `identify`."""
        if credentials is None and is_owner(request, service):
            return _owner(request.client.host if request.client else "")
        return await super().identify(request, service, credentials)


class NeedsOnPage(Needs):
    """A dependency of a page, for people: whatever they change comes from a form or a script of our own pages."""

    async def __call__(
        self,
        request: Request,
        service: ServiceHere,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
    ) -> Caller:
        """See `Needs`; the page finds the caller in the request's state."""
        caller = await super().__call__(request, service, credentials)
        request.state.caller = caller
        return caller

    async def check_mark(self, request: Request, service: Service, caller: Caller) -> None:
        """See `Needs`; everybody needs one, and a form has it in a field."""
        mark = request.headers.get(MARK_HEADER)
        if mark is None:
            form = await posted_form(request, service.bodies, caller.name)
            await see_again(service, caller)
            mark = str(form.get(MARK_FIELD, ""))
        check_mark(service, caller, mark)


def check_mark(service: Service, caller: Caller, mark: str) -> None:
    """Raises `Problem`, 403, for a mark that was not given to the caller."""
    if not takes_mark(service.links, caller.change_mark_of, mark):
        raise Problem(_UNMARKED, _MARK_IT)


@cache
def needs(*roles: Role) -> Any:
    """The dependency of a route that needs one of some roles: `Annotated[Caller, needs(Role.READ)]`."""
    return Depends(Needs(*roles))


Reader = Annotated[Caller, needs(Role.READ)]
OwnReader = Annotated[Caller, needs(Role.READ, Role.UPLOAD)]
"""Somebody who sees every image, or the own ones alone: `Caller.sees_all`."""
Uploader = Annotated[Caller, needs(Role.UPLOAD)]
Reviewer = Annotated[Caller, needs(Role.REVIEW)]
Admin = Annotated[Caller, needs(Role.ADMIN)]
PageReader = Annotated[Caller, Depends(NeedsOnPage(Role.READ, Role.UPLOAD))]
PageViewer = Annotated[Caller, Depends(NeedsOnPage(Role.READ))]
"""Somebody who sees every image: for pages that sum up what all of them are."""
PageUploader = Annotated[Caller, Depends(NeedsOnPage(Role.UPLOAD))]
PageReviewer = Annotated[Caller, Depends(NeedsOnPage(Role.REVIEW))]
PageAdmin = Annotated[Caller, Depends(NeedsOnPage(Role.ADMIN))]
OPERATOR: Final[Any] = Depends(NeedsUnlessLocal(Role.ADMIN))


class Public:
    """The mark of a route that anybody may ask for: `dependencies=[PUBLIC]`."""

    async def __call__(self) -> None:
        """Nothing is asked of the caller."""


PUBLIC: Final[Any] = Depends(Public())


async def identify(request: Request, service: Service, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    """Whose key a request carries; the owner of the machine needs none while there are no keys.

    Raises:
        Problem: 400 for a key in the address, 401, or 429 after too many wrong keys.
    """
    if _KEY_IN_TEXT.search(unquote_to_bytes(request.scope["query_string"])):
        raise Problem(_BAD_REQUEST, "A key belongs in the header Authorization: addresses end up in logs. Revoke it.")
    if not service.is_fresh:
        await run_in_threadpool(service.refresh)
    address = request.client.host if request.client else ""
    if service.keys.is_empty and is_owner(request, service):
        return _owner(address)
    cookie = request.cookies.get(COOKIE)
    if cookie and credentials is None:
        return _signed_in(service, cookie, address)
    key = service.keys.find(credentials.credentials if credentials else "", service.now())
    if key is None:
        if credentials:
            service.limits.count_wrong_key(address)
        raise Problem(_UNAUTHORISED, _NO_KEY, _ASKING)
    return Caller(key.name, key.key_id, key.user_id, key.roles, address)


def known_caller(request: Request, service: Service) -> Caller | None:
    """Who looks at a page, as far as that is known without a look at the lake, which may be what is broken."""
    if caller := getattr(request.state, "caller", None):
        return cast("Caller", caller)
    if service.keys.is_empty and is_owner(request, service):
        return _owner(request.client.host if request.client else "")
    with suppress(ImageAssetsError, Problem):
        return _signed_in(service, request.cookies.get(COOKIE, ""), "")
    return None


async def see_again(service: Service, caller: Caller) -> None:
    """See that who was let in before his body came still is.

    Raises:
        Problem: 401: the key was revoked, or has expired.
    """
    if not service.is_fresh:
        await run_in_threadpool(service.refresh)
    check_key(service, caller)


def check_key(service: Service, caller: Caller) -> None:
    """Raises `Problem`, 401, for a key that is accepted no longer, as far as is known."""
    if caller.key_id and service.keys.find_by_id(caller.key_id, service.now()) is None:
        raise Problem(_UNAUTHORISED, _NO_KEY, _ASKING)


def _signed_in(service: Service, cookie: str, address: str) -> Caller:
    """Raises `Problem`, 401, for a cookie that is not ours, is over, or whose key is."""
    now = service.now()
    session = take_cookie(service.links, cookie, now)
    key = service.keys.find_by_id(session.key_id, now) if session else None
    if session is None or key is None:
        raise Problem(_UNAUTHORISED, _SIGN_IN_AGAIN)
    return Caller(key.name, key.key_id, key.user_id, key.roles, address, session.nonce)


def is_owner(request: Request, service: Service) -> bool:
    """Whether only a user of this machine can have asked, and no proxy passed it on for another."""
    address = request.client.host if request.client else ""
    is_passed_on = request.scope["http_version"] == "1.0" or any(name in request.headers for name in _PASSED_ON)
    return service.is_local and is_loopback(address) and not is_passed_on


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


@cache
def _owner(address: str) -> Caller:
    name = getpass.getuser()
    return Caller(name, "", name, (Role.ADMIN,), address)
