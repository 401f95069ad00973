"""Photos that come in: one as a plain body, or many in a form."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, Final, Protocol

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParameter

from image_assets.access.roles import Role
from image_assets.errors import StoreFullError
from image_assets.labels import normalise_label
from image_assets.serving.answers import IdempotencyKey, Memory, fingerprint_of
from image_assets.serving.arrivals import MAX_NAME_LENGTH, Arrivals, UploadedFile, answer_of, arriving
from image_assets.serving.bodies import UNLIMITED, BodyParams, read_pieces
from image_assets.serving.callers import Caller, Uploader, check_key
from image_assets.serving.disposition import disposition_name
from image_assets.serving.forms import Form
from image_assets.serving.observing.audit import audit
from image_assets.serving.problems import Kind, Problem, documented
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.images.receiving import is_erased
from image_assets.steps.images.uploads import UploadFacts

router = APIRouter(prefix="/v1", tags=["uploads"])

_INVALID: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request")
_FORBIDDEN: Final = Kind(HTTPStatus.FORBIDDEN, "role-needed")
_NO_BODY: Final = Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-body")
FORM: Final = "multipart/form-data"
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
    **documented((408, 409, 415, 507)),
}
_route: Final = partial(
    dict[str, Any],
    status_code=HTTPStatus.ACCEPTED,
    response_model=list[UploadedFile],
    max_body_size=UNLIMITED,
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

    def facts(self, caller: Caller, today: date, arrivals: Arrivals) -> Sequence[UploadFacts]:
        """Of each file.

        Raises:
            Problem: a label is none, or there are more or fewer than files; or the caller speaks for another.
        """
        if self.on_behalf_of and not caller.may(Role.ADMIN):
            raise Problem(_FORBIDDEN, "Only an admin uploads on behalf of another.")
        if self.on_behalf_of and not self.on_behalf_of.strip():
            raise Problem(_INVALID, "on_behalf_of: at least one letter.")
        count = len(arrivals.files)
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


async def _call(
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
    **_route(openapi_extra={"requestBody": {"content": {FORM: {"schema": _FORM_SCHEMA}, **_RAW_BODY}}}),
)
async def upload_images(call: UploadHere, name: Name = None) -> Response:
    """Upload photos: files in a form, or one as the body, named by `name` or by Content-Disposition.

    An answer of 202 says that they are in the lake for good; a run makes images of them. One file that is refused stops
    no other.
    """
    headers, limits = call.request.headers, call.service.settings
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        return await receive(call, limits.upload_max_bytes, partial(FormReader, headers["content-type"]))
    if kind.startswith("image/") or kind == "application/octet-stream":
        called = name or disposition_name(headers.get("content-disposition"))
        return await receive(call, limits.max_bytes, partial(_FileReader, called))
    raise Problem(_NO_BODY, f"Content-Type is {FORM}, image/… or application/octet-stream.")


@router.put("/uploads/{name}", **_route(openapi_extra={"requestBody": {"content": _RAW_BODY}}))
async def upload_file(call: UploadHere, name: Annotated[str, PathParameter(max_length=MAX_NAME_LENGTH)]) -> Response:
    """Upload one photo as the body; POST takes it under any name, also one with a slash."""
    return await receive(call, call.service.settings.max_bytes, partial(_FileReader, name))


class _Reader(Protocol):
    """How a body is read."""

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        ...

    def finish(self) -> Told:
        """See that it is whole; what it says of its files."""
        ...


_ReaderOf = Callable[[Arrivals, Told], _Reader]


class _FileReader:
    """A body that is one file."""

    def __init__(self, name: str, arrivals: Arrivals, told: Told) -> None:
        self.feed = arrivals.begin(name).take
        self._told = told

    def finish(self) -> Told:
        """See `_Reader`."""
        return self._told


class FormReader:
    """A body that is a form.

    Attributes:
        form: what has come of it.
    """

    def __init__(self, content_type: str, arrivals: Arrivals, told: Told) -> None:
        self.form = Form(content_type, arrivals.begin)
        self.feed = self.form.feed
        self._told = told

    def finish(self) -> Told:
        """See `_Reader`; what a field says comes before what the address says."""
        self.form.finish()
        fields = self.fields()
        unknown = {name for name, _ in fields} - _FIELDS
        if unknown:
            raise Problem(_INVALID, f"{min(unknown)!r} is no field of this form: it has files, label, on_behalf_of.")
        labels = [text for name, text in fields if name == "label"]
        behalf = next((text for name, text in fields if name == "on_behalf_of"), None)
        return Told(labels or self._told.labels, behalf or self._told.on_behalf_of)

    def fields(self) -> Sequence[tuple[str, str]]:
        """What is said of the files."""
        return self.form.fields


class _Reception:
    """A body that is being received, in as few steps as it has pieces: each of them is a thread's."""

    def __init__(self, call: UploadCall, reader_of: _ReaderOf) -> None:
        self._call, self._reader_of = call, reader_of
        self._held = ExitStack()
        self._memory: Memory | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            Problem: 409 while the same request is under way, before anything of this one is kept.
        """
        if self._memory is None:
            service = self._call.service
            self._memory = self._held.enter_context(service.answers.remembering(self._call.caller.name, self._call.key))
            self._arrivals = self._held.enter_context(arriving(service.tables, service.settings.inspect_params))
            self._reader = self._reader_of(self._arrivals, self._call.told)
        self._reader.feed(piece)

    def finish(self, piece: bytes) -> Response:
        """Take the last piece and land the files; or the first answer to this request, if it had one."""
        with self._held:
            self.feed(piece)
            assert self._memory is not None
            facts = self._reader.finish().facts(self._call.caller, self._call.service.now().date(), self._arrivals)
            fingerprint = self._fingerprint(facts)
            if replayed := self._memory.replay(fingerprint):
                return replayed
            # The body may have taken its time.
            self._call.service.refresh()
            check_key(self._call.service, self._call.caller)
            receipts = self._arrivals.land(facts)
            # What has landed in an empty folder where the lake was is not in the lake.
            self._call.service.check_lake()
            answer = answer_of(self._arrivals.files, receipts)
            self._memory.keep(fingerprint, answer)
            # Who erases an image looks for answers that tell of it, maybe a moment before this one was kept.
            if any(receipt and is_erased(self._call.service.tables, receipt) for receipt in receipts):
                self._memory.forget()
        landed = [receipt.image_id for receipt in receipts if receipt]
        audit("upload", landed, "accepted" if landed else "refused", f"{len(receipts) - len(landed)} refused")
        return answer

    def close(self) -> None:
        """Leave nothing of what has not landed."""
        self._held.close()

    def _fingerprint(self, facts: Sequence[UploadFacts]) -> str:
        self._arrivals.finish()
        said = [[each.user_id, each.label] for each in facts]
        request = self._call.request
        return fingerprint_of(request.method, request.url.path, self._arrivals.identity, said)


async def receive(call: UploadCall, max_bytes: int, reader_of: _ReaderOf) -> Response:
    """Read the whole body aside, then land what is in it and answer."""
    lanes = call.service.lanes
    with lanes.one(call.caller.name):
        run = partial(anyio.to_thread.run_sync, limiter=lanes.threads)
        try:
            await lanes.check_room(call.service.store)
        except StoreFullError:
            if not await run(call.service.answers.knows, call.caller.name, call.key):
                raise
        reception, last = _Reception(call, reader_of), b""
        try:
            async for piece in read_pieces(call.request, BodyParams(max_bytes)):
                if last:
                    await run(reception.feed, last)
                last = piece
            answer: Response = await run(reception.finish, last)
        # A request that is cancelled, too, leaves nothing staged.
        except BaseException:
            with anyio.CancelScope(shield=True):
                await run(reception.close)
            raise
    answer.headers.update(call.so_far.headers)
    return answer


def _labelled_by(caller: Caller, label: str | None) -> dict[str, object]:
    """A label that came over HTTP tells whose word it is."""
    return {"label_by": caller.name} if label else {}
