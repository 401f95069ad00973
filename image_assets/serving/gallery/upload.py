"""The page to upload with: its script sends files one by one, a form sends some at once."""

import json
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from image_assets.access.roles import Role
from image_assets.serving.arrivals import MAX_NAME_LENGTH, Arrivals
from image_assets.serving.bodies import UNLIMITED
from image_assets.serving.callers import MARK_FIELD, MARK_HEADER, Caller, NeedsOnPage, PageUploader, check_mark
from image_assets.serving.forms import MAX_FILES
from image_assets.serving.gallery.pages import Show, ShowHere
from image_assets.serving.routes.sent_uploads import SentUpload, list_uploads
from image_assets.serving.routes.uploads import FORM, FormReader, Told, UploadCall, receive
from image_assets.serving.service import Service, ServiceHere

router = APIRouter(include_in_schema=False)
_LATELY: Final = 10


class _NeedsOnForm(NeedsOnPage):
    """The mark is a field among files, which are not held: `_MarkedForm` looks at it before any of them lands."""

    async def check_mark(self, request: Request, service: Service, caller: Caller) -> None:
        """See `NeedsOnPage`."""
        is_form = request.headers.get("content-type", "").startswith(FORM)
        if MARK_HEADER in request.headers or not is_form:
            await super().check_mark(request, service, caller)


class _MarkedForm(FormReader):
    """A form of one of our pages."""

    def __init__(self, call: tuple[Service, Caller, str], arrivals: Arrivals, told: Told) -> None:
        self._service, self._caller, content_type = call
        super().__init__(content_type, arrivals, told)

    def fields(self) -> Sequence[tuple[str, str]]:
        """Without the mark, and without a label that was left empty.

        Raises:
            Problem: 403 without the mark of the caller's session.
        """
        told = super().fields()
        check_mark(self._service, self._caller, dict(told).get(MARK_FIELD, ""))
        return [(name, text) for name, text in told if name != MARK_FIELD and text]


@router.get("/upload")
def show_upload(service: ServiceHere, caller: PageUploader, show: ShowHere) -> Response:
    """The page, with what the caller has sent lately."""
    return _page(show, service, lately=list_uploads(service, caller, page_size=_LATELY).items)


@router.post("/upload", max_body_size=UNLIMITED)
async def upload_form(
    request: Request,
    response: Response,
    service: ServiceHere,
    caller: Annotated[Caller, Depends(_NeedsOnForm(Role.UPLOAD))],
    show: ShowHere,
    attempt: Annotated[str, Query(min_length=1, max_length=MAX_NAME_LENGTH)],
) -> Response:
    """Take in files of the form, and tell what became of each; a form that is sent again makes nothing twice."""
    call = UploadCall(service, request, caller, attempt, Told([], None), response)
    form = (service, caller, request.headers.get("content-type", ""))
    answer = await receive(call, service.settings.upload_max_bytes, partial(_MarkedForm, form))
    sent = _sent(json.loads(bytes(answer.body)))
    return await run_in_threadpool(_page, show, service, answer.status_code, sent)


def _page(
    show: Show,
    service: Service,
    status: int = HTTPStatus.OK,
    sent: Sequence[dict[str, Any]] = (),
    lately: Sequence[SentUpload] = (),
) -> Response:
    said = {"attempt": uuid4().hex, "max_files": MAX_FILES, "max_bytes": service.settings.max_bytes}
    return show("upload.html.jinja", status, sent=sent, lately=lately, **said)


def _sent(told: Any) -> Sequence[dict[str, Any]]:
    """What became of each file; of a single one that was refused there is nothing but its problem."""
    if isinstance(told, list):
        return told
    files: Sequence[dict[str, Any]] = told.get("files", [{"file": "The file", "status": "refused", "problem": told}])
    return files
