"""The page of rejected files: why they are no images, and what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, TypeVar, get_args
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from PIL import Image
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from image_assets.access.roles import Role
from image_assets.errors import ImageError, ObjectForbiddenError, ObjectNotFoundError, RejectionReason
from image_assets.ids import ImageId, ObjectKey, SourceUri
from image_assets.imaging.encode import encode_webp
from image_assets.imaging.pixels import RgbImage
from image_assets.imaging.resize import fit
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.serving.callers import PageAdmin, PageReviewer
from image_assets.serving.gallery.pages import Posted, ShowHere, go_to, with_query
from image_assets.serving.observing.audit import audit
from image_assets.serving.page_tokens import give_token, take_token
from image_assets.serving.paging import PageToken
from image_assets.serving.problems import Kind, Problem
from image_assets.serving.routes.records import erase_image
from image_assets.serving.routes.rejected import (
    AcceptBody,
    RejectionId,
    RetryBody,
    post_accept,
    post_retry,
)
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.images.acceptances import ACCEPTABLE, loosened
from image_assets.steps.images.dismissals import Dismissal, read_dismissals, record_dismissals
from image_assets.steps.images.sidecar import MAX_SIDECAR_BYTES, Sidecar, parse_sidecar
from image_assets.steps.questions.rejected_page import RejectedChoice, RejectedRow

router = APIRouter(prefix="/rejected", include_in_schema=False)
_PAGE: Final = 24
_SHOWN_PX: Final = 320
_MOST_DECODED: Final = 64_000_000
_LONGEST_NOTE: Final = 500
_QUALITY, _METHOD = 75, 2
_BYTES_OF_LINE: Final = 16
_ERASE_WORD: Final = "erase"
_PARTS_OF_UPLOAD: Final = 3
_UNSURE: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "not-confirmed")
_UNSEEN: Final = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 160"><text x="80" y="84" \
text-anchor="middle" font-family="sans-serif" font-size="12" fill="#808080">cannot be shown</text></svg>"""
State = Literal["open", "gone", "dismissed", "all"]
Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ShownFile:
    """A rejected file as the page shows it.

    Attributes:
        row: see `RejectedRow`.
        path: where it was found.
        name: what its user called it, where that is known.
        user: who sent it.
        dump: its first bytes as people read them.
        may_be_seen: whether a decoder may make a picture of it.
        is_dismissed: what a person said last, whether or not a run has heard it.
    """

    row: RejectedRow
    path: ObjectKey
    name: str
    user: str
    dump: str
    may_be_seen: bool
    is_dismissed: bool

    @property
    def waits_for(self) -> str:
        """What the next run of its day does with it; empty when nothing."""
        if self.row.is_waiting:
            return "tries it again"
        was = self.row.facts["state"] == "dismissed"
        if self.is_dismissed != was:
            return "sets it aside" if self.is_dismissed else "counts it again"
        return ""


@router.get("")
def show_rejected(
    service: ServiceHere,
    caller: PageReviewer,
    show: ShowHere,
    reason: RejectionReason | None = None,
    day: date | None = None,
    state: State = "open",
    page_token: PageToken = None,
) -> Response:
    """Rejected files by reason, the latest day first."""
    choice = RejectedChoice(reason, day, None if state == "all" else state)
    page = service.rejected.page(choice, _PAGE, take_token(service.links, page_token, choice) or "")
    return show(
        "rejected.html.jinja",
        files=_shown(service, page.rows),
        by_reason=page.by_reason,
        chosen={"reason": reason and reason.value, "day": day and day.isoformat(), "state": state},
        states=get_args(State),
        next_page_token=give_token(service.links, None if page.is_last else page.mark, choice),
        is_admin=caller.may(Role.ADMIN),
    )


@router.get("/{rejection_id}/picture", response_class=Response)
async def get_picture(service: ServiceHere, caller: PageReviewer, rejection_id: RejectionId) -> Response:
    """What can be seen of a file that only a limit stands against; it is decoded where it may do no harm."""
    data = await run_in_threadpool(_read, service, rejection_id)
    if data is None:
        return Response(_UNSEEN, media_type="image/svg+xml")
    try:
        pixels = await service.inference.decode(data, loosened(service.settings.inspect_params), caller.name)
    except ImageError:
        return Response(_UNSEEN, media_type="image/svg+xml")
    return Response(await run_in_threadpool(_small, pixels), media_type="image/webp")


@router.post("/retry")
def retry(service: ServiceHere, caller: PageReviewer, form: Posted) -> Response:
    """Try files again: those that are named, or all of a reason, whose count is repeated."""
    given = {name: value for name in ("reason", "count", "day") if (value := form.get(name))}
    post_retry(service, caller, _asked(RetryBody, ids=form.getlist("id"), **given))
    return _back(form)


@router.post("/accept")
def accept(service: ServiceHere, caller: PageReviewer, form: Posted) -> Response:
    """Take files all the same."""
    post_accept(service, caller, _asked(AcceptBody, ids=form.getlist("id"), note=form.get("note", "")))
    return _back(form)


@router.post("/dismiss")
def dismiss(service: ServiceHere, caller: PageReviewer, form: Posted) -> Response:
    """Say of files that they are junk, or take it back."""
    rows = service.rejected.named([str(each) for each in form.getlist("id")])
    note, is_dismissed = str(form.get("note", ""))[:_LONGEST_NOTE], form.get("undo") is None
    files = [row.file for row in rows]
    record_dismissals(service.store, files, caller.name, note, service.now(), is_dismissed=is_dismissed)
    audit("dismissal" if is_dismissed else "dismissal withdrawn", [row.rejection_id for row in rows], note=note)
    return _back(form)


@router.post("/erase")
def erase(service: ServiceHere, caller: PageAdmin, form: Posted) -> Response:
    """Erase a file everywhere: whoever asks writes the word, and why."""
    if str(form.get("word", "")).strip().lower() != _ERASE_WORD:
        raise Problem(_UNSURE, f"Nothing was erased: to erase a file, write the word {_ERASE_WORD}.")
    asked = _asked(_Erasure, image_id=form.get("image_id"), reason=form.get("note", ""))
    erase_image(ImageId(str(asked.image_id)), service, caller, asked.reason)
    return _back(form)


class _Erasure(BaseModel):
    """As the route of the same takes it."""

    image_id: UUID
    reason: Annotated[str, Query(min_length=3, max_length=200)]


def _asked(body: type[Body], **values: Any) -> Body:
    """What a form says, as the route of the same takes it; a fault is told like one of a request."""
    try:
        return body(**values)
    except ValidationError as error:
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from error


def _back(form: FormData) -> Response:
    """To the page that the form was on."""
    kept = {name: form.get(f"shown_{name}") for name in ("reason", "day", "state", "page_token")}
    return go_to(with_query("/rejected", kept))


def _shown(service: Service, rows: Sequence[RejectedRow]) -> list[ShownFile]:
    said = {day: read_dismissals(service.store, day) for day in {row.facts["day"] for row in rows}}
    return [_file(service.store, row, said[row.facts["day"]]) for row in rows]


def _file(store: ObjectStore, row: RejectedRow, said: Mapping[str, Dismissal]) -> ShownFile:
    path = object_keys.key_of(SourceUri(row.facts["source_uri"]))
    word, sidecar = said.get(row.file.subject), _sidecar(store, path)
    return ShownFile(
        row=row,
        path=path,
        name=sidecar.raw_name or path.rpartition("/")[2],
        user=sidecar.user_id or _folder(path),
        dump=_dump(row.first_bytes or b""),
        may_be_seen=row.first_bytes is not None and row.facts["reason"] in ACCEPTABLE,
        is_dismissed=word.is_dismissed if word else row.facts["state"] == "dismissed",
    )


def _folder(path: ObjectKey) -> str:
    """That of the user, below the day's."""
    parts = path.split("/")
    return parts[2] if len(parts) > _PARTS_OF_UPLOAD else ""


def _sidecar(store: ObjectStore, key: ObjectKey) -> Sidecar:
    try:
        return parse_sidecar(store.read_start(object_keys.sidecar_key(key), MAX_SIDECAR_BYTES + 1))
    except (ObjectNotFoundError, ObjectForbiddenError):
        return Sidecar()


def _dump(data: bytes) -> str:
    """Bytes as hexdump -C writes them."""
    rows = (data[at : at + _BYTES_OF_LINE] for at in range(0, len(data), _BYTES_OF_LINE))
    width = 3 * _BYTES_OF_LINE - 1
    return "\n".join(f"{row.hex(' '):<{width}}  {row.translate(_PRINTABLE).decode('ascii')}" for row in rows)


_PRINTABLE: Final = bytes(byte if 32 <= byte < 127 else ord(".") for byte in range(256))


def _read(service: Service, rejection_id: str) -> bytes | None:
    (row,) = service.rejected.named([rejection_id])
    if row.facts["reason"] not in ACCEPTABLE:
        return None
    return _content(service.store, object_keys.key_of(SourceUri(row.facts["source_uri"])))


def _content(store: ObjectStore, key: ObjectKey) -> bytes | None:
    """None of a file that is gone, or larger than is worth a look."""
    try:
        return store.read(key) if store.sizes([key]).get(key, 0) <= _MOST_DECODED else None
    except (ObjectNotFoundError, ObjectForbiddenError):
        return None


def _small(pixels: RgbImage) -> bytes:
    return encode_webp(Image.fromarray(fit(pixels, _SHOWN_PX)), _QUALITY, _METHOD)
