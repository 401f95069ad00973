"""Photos that come in: one as a plain body, or many in a form."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from email.message import Message
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool

from image_assets.access.roles import Role
from image_assets.labels import normalise_label
from image_assets.serving.answers import IdempotencyKey, Memory, fingerprint_of
from image_assets.serving.arrivals import MAX_NAME_LENGTH, Arrivals, UploadedFile, answer_of, arriving
from image_assets.serving.bodies import BodyParams, read_pieces
from image_assets.serving.callers import Caller, Uploader
from image_assets.serving.forms import Form
from image_assets.serving.observing.audit import audit
from image_assets.serving.problems import Kind, Problem
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.images.uploads import UploadFacts

_UNLIMITED: Final = 2**62
"""The settings bound what is read; see `BodyParams`."""
router = APIRouter(prefix="/v1", tags=["uploads"])

_INVALID: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request")
_FORBIDDEN: Final = Kind(HTTPStatus.FORBIDDEN, "role-needed")
_NO_BODY: Final = Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-body")
_FORM: Final = "multipart/form-data"
_FIELDS: Final = frozenset(("label", "on_behalf_of"))
_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_FORM_SCHEMA: Final = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": 20},
        "label": {
            "type": "array",
            "items": {"type": "string", "maxLength": 255},
            "description": "One for all files, or one for each, in their order.",
        },
        "on_behalf_of": {"type": "string", "maxLength": 255},
    },
}
_RAW_BODY: Final[dict[str, Any]] = {"image/*": _FILE, "application/octet-stream": _FILE}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    202: {"headers": {"Location": {"description": "The first image.", "schema": {"type": "string"}}}},
    408: {"description": "The body came too slowly."},
    409: {"description": "A request under the same Idempotency-Key is under way."},
    415: {"description": "The body is neither a form nor a picture."},
    507: {"description": "There is too little room for uploads."},
}
_route: Final = partial(
    dict[str, Any],
    status_code=HTTPStatus.ACCEPTED,
    response_model=list[UploadedFile],
    max_body_size=_UNLIMITED,
    responses=_RESPONSES,
)
Label = Annotated[
    str | None, Query(max_length=MAX_NAME_LENGTH, description="What the photo shows.", examples=["dress"])
]
OnBehalfOf = Annotated[
    str | None, Query(min_length=1, max_length=MAX_NAME_LENGTH, description="Whose image it becomes; for admins.")
]
Name = Annotated[str | None, Query(max_length=MAX_NAME_LENGTH, description="The name of the file, if it is the body.")]


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of the files of a request."""

    labels: Sequence[str]
    on_behalf_of: str | None

    def facts(self, caller: Caller, today: date, count: int) -> Sequence[UploadFacts]:
        """Of each file.

        Raises:
            Problem: a label is none, or there are more or fewer than files; or the caller speaks for another.
        """
        if self.on_behalf_of and not caller.may(Role.ADMIN):
            raise Problem(_FORBIDDEN, "Only an admin uploads on behalf of another.")
        if len(self.labels) not in {0, 1, count}:
            raise Problem(_INVALID, f"{len(self.labels)} labels for {count} files: one for all, or one for each.")
        labels: Sequence[str | None] = self.labels if len(self.labels) == count else [*self.labels, None][:1] * count
        for label in self.labels:
            if len(label) > MAX_NAME_LENGTH or not normalise_label(label):
                raise Problem(_INVALID, f"label: at most {MAX_NAME_LENGTH} letters, of which one can be seen.")
        user_id = self.on_behalf_of or caller.user_id
        return [UploadFacts(today, user_id, "", label=label, more=_labelled_by(caller, label)) for label in labels]


@dataclass(frozen=True, slots=True)
class UploadCall:
    """A request to upload: who asks, what is said of the files, and what its answer says already, such as limits."""

    service: Service
    request: Request
    caller: Caller
    key: str | None
    told: Told
    so_far: Response


def _call(
    request: Request,
    response: Response,
    service: ServiceHere,
    caller: Uploader,
    label: Label = None,
    on_behalf_of: OnBehalfOf = None,
    idempotency_key: IdempotencyKey = None,
) -> UploadCall:
    told = Told([label] if label is not None else [], on_behalf_of)
    return UploadCall(service, request, caller, idempotency_key, told, response)


UploadHere = Annotated[UploadCall, Depends(_call)]


@router.post(
    "/images",
    **_route(openapi_extra={"requestBody": {"content": {_FORM: {"schema": _FORM_SCHEMA}, **_RAW_BODY}}}),
)
async def upload_images(call: UploadHere, name: Name = None) -> Response:
    """Upload photos: files in a form, or one as the body, named by `name` or by Content-Disposition.

    An answer of 202 says that they are in the lake for good; a run makes images of them. One file that is refused stops
    no other.
    """
    headers = call.request.headers
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _FORM:
        return await _receive(call, _from_form)
    if kind.startswith("image/") or kind == "application/octet-stream":
        return await _receive(call, partial(_from_body, name or _disposition_name(headers.get("content-disposition"))))
    raise Problem(_NO_BODY, f"Content-Type is {_FORM}, image/… or application/octet-stream.")


@router.put("/uploads/{name}", **_route(openapi_extra={"requestBody": {"content": _RAW_BODY}}))
async def upload_file(call: UploadHere, name: str) -> Response:
    """Upload one photo as the body; POST takes it under any name, also one with a slash."""
    return await _receive(call, partial(_from_body, name))


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a body is read: what takes its pieces, what ends it, and what was said of the files in it."""

    params: BodyParams
    feed: Callable[[bytes], None]
    finish: Callable[[], None]
    told: Callable[[], Told]


def _from_body(name: str, call: UploadCall, arrivals: Arrivals) -> _Reading:
    file = arrivals.begin(name)
    return _Reading(BodyParams(call.service.settings.max_bytes), file.take, lambda: None, lambda: call.told)


def _from_form(call: UploadCall, arrivals: Arrivals) -> _Reading:
    form = Form(call.request.headers["content-type"], arrivals.begin)

    def said() -> Told:
        unknown = {name for name, _ in form.fields} - _FIELDS
        if unknown:
            raise Problem(_INVALID, f"{min(unknown)!r} is no field of this form: it has files, label, on_behalf_of.")
        labels = [text for name, text in form.fields if name == "label"]
        behalf = next((text for name, text in form.fields if name == "on_behalf_of"), None)
        return Told(labels or call.told.labels, behalf or call.told.on_behalf_of)

    return _Reading(BodyParams(call.service.settings.upload_max_bytes), form.feed, form.finish, said)


async def _receive(call: UploadCall, reading_of: Callable[[UploadCall, Arrivals], _Reading]) -> Response:
    """Read the whole body aside, then land what is in it and answer."""
    lanes = call.service.lanes
    with lanes.one():
        async with contextmanager_in_threadpool(_prepared(call)) as (memory, arrivals):
            run = partial(anyio.to_thread.run_sync, limiter=lanes.threads)
            reading = await run(reading_of, call, arrivals)
            async for piece in read_pieces(call.request, reading.params):
                await run(reading.feed, piece)
            answer: Response = await run(_land, call, memory, arrivals, reading)
    answer.headers.update(call.so_far.headers)
    return answer


@contextmanager
def _prepared(call: UploadCall) -> Iterator[tuple[Memory, Arrivals]]:
    service = call.service
    with (
        service.answers.remembering(call.caller.name, call.key) as memory,
        arriving(service.store, service.settings.inspect_params) as arrivals,
    ):
        yield memory, arrivals


def _land(call: UploadCall, memory: Memory, arrivals: Arrivals, reading: _Reading) -> Response:
    """The first answer to this request, or what becomes of its files now."""
    reading.finish()
    facts = reading.told().facts(call.caller, call.service.now().date(), len(arrivals.files))
    arrivals.finish()
    said = [[each.user_id, each.label] for each in facts]
    fingerprint = fingerprint_of(call.request.method, call.request.url.path, arrivals.identity, said)
    if replayed := memory.replay(fingerprint):
        return replayed
    receipts = arrivals.land(facts)
    answer = answer_of(arrivals.files, receipts)
    memory.keep(fingerprint, answer)
    landed = [receipt.image_id for receipt in receipts if receipt]
    audit("upload", landed, "accepted" if landed else "refused", f"{len(receipts) - len(landed)} refused")
    return answer


def _labelled_by(caller: Caller, label: str | None) -> dict[str, object]:
    """A label that came over HTTP tells whose word it is."""
    return {"label_by": caller.name} if label else {}


def _disposition_name(header: str | None) -> str:
    """The name in a header `Content-Disposition`, in either of its two forms (RFC 6266)."""
    message = Message()
    message["Content-Disposition"] = header or ""
    return (message.get_filename() or "").encode("utf-8", "replace").decode()
