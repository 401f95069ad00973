"""Signing in: a key is given once, and a cookie stands for it."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from image_assets.access.sessions import COOKIE, LASTS, Session, give_cookie
from image_assets.serving.bodies import BodyParams, read_pieces
from image_assets.serving.callers import PUBLIC, is_owner
from image_assets.serving.gallery.pages import fill, frame, go_to
from image_assets.serving.posted import form_in
from image_assets.serving.service import ServiceHere

router = APIRouter(include_in_schema=False)
_LONGEST: Final = 2_000
_LONGEST_KEY: Final = 200
_FORM: Final = BodyParams(8 * 1024, window_s=4.0)
"""Of whom nobody knows anything."""
_TEMPLATE: Final = "sign_in.html.jinja"


@router.get("/sign-in", dependencies=[PUBLIC])
async def show_sign_in(
    request: Request, service: ServiceHere, path: Annotated[str, Query(alias="next", max_length=_LONGEST)] = "/"
) -> Response:
    """The form; whoever needs no key is sent on."""
    if service.keys.is_empty and is_owner(request, service):
        return go_to(_own_path(path))
    return HTMLResponse(fill(_TEMPLATE, {**frame(here="/sign-in"), "next": _own_path(path), "fault": None}))


@router.post("/sign-in", dependencies=[PUBLIC])
async def sign_in(request: Request, service: ServiceHere) -> Response:
    """Begin a session with the key of the form."""
    form = await form_in(request, read_pieces(request, _FORM))
    path, text = _own_path(str(form.get("next", "/"))), str(form.get("key", "")).strip()
    if not service.is_fresh:
        await run_in_threadpool(service.refresh)
    now = service.now()
    key = service.keys.find(text[:_LONGEST_KEY], now)
    if key is None:
        service.limits.count_wrong_key(request.client.host if request.client else "")
        fault = (
            "No such key is accepted. image-assets keys add makes one; image-assets keys list shows which there are."
        )
        return HTMLResponse(
            fill(_TEMPLATE, {**frame(here="/sign-in"), "next": path, "fault": fault}), HTTPStatus.UNPROCESSABLE_ENTITY
        )
    answer = go_to(path)
    answer.set_cookie(
        COOKIE,
        give_cookie(service.links, Session.begin(key.key_id, now)),
        max_age=int(LASTS.total_seconds()),
        secure=not service.is_local,
        httponly=True,
        samesite="lax",
    )
    return answer


@router.post("/sign-out", dependencies=[PUBLIC])
async def sign_out() -> Response:
    """End the session of this browser."""
    answer = go_to("/sign-in")
    answer.delete_cookie(COOKIE)
    return answer


def _own_path(path: str) -> str:
    """A path of this service: where an address of another host is given, the first page."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
