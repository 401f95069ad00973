"""Rejected files: why they did not become images, trying them again, and taking them all the same."""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from image_assets.access.roles import Role
from image_assets.errors import RejectionReason
from image_assets.ids import SourceUri
from image_assets.lake import object_keys
from image_assets.serving.body_route import BodyRoute
from image_assets.serving.callers import Reviewer, needs
from image_assets.serving.image_names import ImageName, as_id
from image_assets.serving.observing.audit import audit
from image_assets.serving.page_tokens import give_token, take_token
from image_assets.serving.paging import USUAL, Page, PageSize, PageToken, cut
from image_assets.serving.problems import Kind, Problem, documented
from image_assets.serving.sent_files import answer_with_file
from image_assets.serving.service import ServiceHere
from image_assets.steps.images.acceptances import accept_files, withdraw_acceptances
from image_assets.steps.images.receipts import keep_receipts
from image_assets.steps.increment.retries import forget_rejections_of_items
from image_assets.steps.questions.rejected_page import RejectedChoice, RejectedRow

router = APIRouter(prefix="/v1/rejected", tags=["rejected"], route_class=BodyRoute)

_MOST_FILES: Final = 200
_LONGEST_NOTE: Final = 500
_OTHER_COUNT: Final = Kind(HTTPStatus.CONFLICT, "other-count")
_GONE: Final = Kind(HTTPStatus.NOT_FOUND, "file-gone")
RejectionId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file as it was uploaded."},
}


class RejectedBody(BaseModel):
    """A file that did not make it."""

    id: str
    day: date
    stage: str = Field(description="The table that lacks the image.")
    reason: RejectionReason
    detail: str
    image_id: str | None
    sha256: str | None
    size_bytes: int | None
    state: str = Field(description="open, gone or dismissed.")
    first_bytes: str | None = Field(description="The first 256 bytes in hexadecimal; null when the file has gone.")
    is_waiting: bool = Field(description="Waits for the next run of its day.")
    can_be_accepted: bool = Field(description="Only a limit stands against it.")
    source_uri: str | None = Field(default=None, description="Where the file was found; for admins.")


class RejectedList(Page[RejectedBody]):
    """A page of rejected files, the latest day first."""

    by_reason: dict[str, int] = Field(description="How many there are on all pages, whatever reason is asked for.")


class RetryBody(BaseModel):
    """Which files to try again: some, or all that are rejected for a reason."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"reason": "timeout", "count": 3}, {"ids": ["0123456789abcdef"]}]},
    )

    ids: Annotated[list[RejectionId], Field(max_length=_MOST_FILES)] = []
    reason: RejectionReason | None = None
    day: date | None = Field(default=None, description="With a reason: of this day alone.")
    count: int | None = Field(default=None, ge=0, description="With a reason: how many that are, as they were shown.")

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "RetryBody":
        if bool(self.ids) == (self.reason is not None):
            raise ValueError("ids, or a reason with the count of its files")
        if self.reason is not None and self.count is None:
            raise ValueError("to try all of a reason again, repeat the count of its files")
        return self


class AcceptBody(BaseModel):
    """Which files to take all the same."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[RejectionId], Field(min_length=1, max_length=_MOST_FILES)]
    note: str = Field(default="", max_length=_LONGEST_NOTE, description="Why, for those who ask later.")


class WithdrawBody(BaseModel):
    """Which accepted files to hold against the limits again."""

    model_config = ConfigDict(extra="forbid")

    image_ids: Annotated[list[ImageName], Field(min_length=1, max_length=_MOST_FILES)]
    note: str = Field(default="", max_length=_LONGEST_NOTE, description="Why, for those who ask later.")


class WaitingBody(BaseModel):
    """What waits for the next run of these days."""

    files: int
    days: list[date]


@router.get("")
def get_rejected(
    service: ServiceHere,
    caller: Reviewer,
    reason: RejectionReason | None = None,
    day: date | None = None,
    state: Annotated[str | None, Query(pattern="^(open|gone|dismissed)$")] = None,
    page_size: PageSize = USUAL,
    page_token: PageToken = None,
) -> RejectedList:
    """Rejected files, with how many there are by reason."""
    choice = RejectedChoice(reason, day, state)
    after = take_token(service.links, page_token, choice) or ""
    page = service.rejected.page(choice, cut(page_size), after)
    return RejectedList(
        items=[_body(each, is_admin=caller.may(Role.ADMIN)) for each in page.rows],
        by_reason=dict(page.by_reason),
        next_page_token=give_token(service.links, None if page.is_last else page.mark, choice),
    )


@router.get("/{rejection_id}/file", dependencies=[needs(Role.ADMIN)], responses=_FILE, response_class=Response)
def get_rejected_file(service: ServiceHere, rejection_id: RejectionId) -> Response:
    """The file itself, to be saved: it may be anything."""
    (row,) = service.rejected.named([rejection_id])
    if row.first_bytes is None:
        raise Problem(_GONE, "The file has left the landing zone.")
    key = object_keys.key_of(SourceUri(row.facts["source_uri"]))
    return answer_with_file(service.store, key, f"{rejection_id}.bin")


@router.post("/retry", responses=documented((409,)))
def post_retry(service: ServiceHere, caller: Reviewer, body: RetryBody) -> WaitingBody:
    """Have files tried again by the next run of their days; those that have left the landing zone stay as they are."""
    if body.reason is None:
        chosen: Mapping[date, list[str]] = _by_day(service.rejected.named(body.ids))
    else:
        chosen = service.rejected.matching(RejectedChoice(body.reason, body.day))
        found = sum(len(items) for items in chosen.values())
        if found != body.count:
            raise Problem(_OTHER_COUNT, f"{found} files are {body.reason}, not {body.count}: look again, then repeat.")
    keep_receipts(service.tables, chosen)
    forgotten = {day: forget_rejections_of_items(service.tables, day, items) for day, items in chosen.items()}
    audit("retry", [item for items in chosen.values() for item in items][:_MOST_FILES], note=caller.name)
    return WaitingBody(files=sum(forgotten.values()), days=sorted(day for day, files in forgotten.items() if files))


@router.post("/accept")
def post_accept(service: ServiceHere, caller: Reviewer, body: AcceptBody) -> WaitingBody:
    """Take files all the same against which only a limit stands; the next run of their days does it."""
    rows = service.rejected.named(body.ids)
    files = {each.file: str(each.facts["reason"]) for each in rows}
    kept = accept_files(service.store, files, caller.name, body.note, service.now())
    audit("acceptance", [each.rejection_id for each in rows], note=body.note)
    return WaitingBody(files=len(rows), days=list(kept.days))


@router.post("/withdraw", responses=documented((409,)))
def post_withdraw(service: ServiceHere, caller: Reviewer, body: WithdrawBody) -> WaitingBody:
    """Hold accepted files against the limits again; the next run of their days does it."""
    names = [as_id(each) for each in body.image_ids]
    kept = withdraw_acceptances(service.store, names, caller.name, body.note, service.now())
    audit("acceptance withdrawn", names, note=body.note)
    return WaitingBody(files=len(names), days=list(kept.days))


def _by_day(rows: list[RejectedRow]) -> dict[date, list[str]]:
    chosen: dict[date, list[str]] = {}
    for row in rows:
        chosen.setdefault(row.facts["day"], []).append(row.facts["item"])
    return chosen


def _body(row: RejectedRow, *, is_admin: bool) -> RejectedBody:
    facts = {name: row.facts[name] for name in ("day", "stage", "detail", "image_id", "sha256", "size_bytes", "state")}
    return RejectedBody(
        id=row.rejection_id,
        reason=RejectionReason(row.facts["reason"]),
        first_bytes=None if row.first_bytes is None else row.first_bytes.hex(),
        is_waiting=row.is_waiting,
        can_be_accepted=row.can_be_accepted,
        source_uri=row.facts["source_uri"] if is_admin else None,
        **facts,
    )
