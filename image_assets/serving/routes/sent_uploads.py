"""What a caller has sent lately, and what became of it."""

from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from image_assets.access.roles import Role
from image_assets.errors import RejectionReason
from image_assets.models.encoders.encoder import encoder_key
from image_assets.serving.arrivals import MAX_NAME_LENGTH
from image_assets.serving.callers import Uploader
from image_assets.serving.page_tokens import give_token, take_token
from image_assets.serving.paging import USUAL, Page, PageSize, PageToken, cut
from image_assets.serving.problems import Kind, Problem
from image_assets.serving.service import ServiceHere
from image_assets.steps.questions.image_record import ImageState
from image_assets.steps.questions.user_uploads import Upload, UploadChoice
from image_assets.steps.questions.waiting import usual_wait

router = APIRouter(prefix="/v1", tags=["uploads"])

_FORBIDDEN: Final = Kind(HTTPStatus.FORBIDDEN, "role-needed")
_UNDER_WAY: Final = frozenset((ImageState.PENDING, ImageState.PROCESSING))


class SentUpload(BaseModel):
    """A file that was sent."""

    image_id: str | None = Field(description="Null for a file that was refused before its bytes were read.")
    day: date
    raw_name: str = Field(description="The name of the file, as it was sent.")
    label: str | None = Field(description="That came with it.")
    uploaded_at: datetime
    state: ImageState
    reason: RejectionReason | None = Field(description="Why a stage refused it.")
    detail: str | None = Field(description="What was found, and what is allowed.")
    record: str | None = Field(description="Where all that is known of the image is told.")


class SentUploads(Page[SentUpload]):
    """A page of uploads, newest first."""

    usual_wait_s: float | None = Field(
        description="Where something on the page is under way: the median from upload to gold of the newest images."
    )


@router.get("/uploads")
def list_uploads(
    service: ServiceHere,
    caller: Uploader,
    state: Annotated[ImageState | None, Query(description="In this state alone.", examples=["pending"])] = None,
    user: Annotated[
        str | None, Query(min_length=1, max_length=MAX_NAME_LENGTH, description="Whose, for admins; else the caller's.")
    ] = None,
    page_size: PageSize = USUAL,
    page_token: PageToken = None,
) -> SentUploads:
    """The caller's uploads of the last days (`IMAGE_ASSETS_LANDING_LOOKBACK_DAYS`), refused and pending ones too.

    What was put into the landing zone in another way is told of once a run has seen it.
    """
    if user not in {None, caller.user_id} and not caller.may(Role.ADMIN):
        raise Problem(_FORBIDDEN, "Only an admin asks for the uploads of another.")
    choice = UploadChoice(user or caller.user_id, encoder_key(service.settings.encoder), state)
    today = service.now().date()
    days = [today - timedelta(days=age) for age in range(service.settings.landing_lookback_days)]
    after = take_token(service.links, page_token, choice) or ""
    page = service.uploads.page(choice, days, cut(page_size), after)
    is_under_way = any(each.state in _UNDER_WAY for each in page.uploads)
    wait = usual_wait(service.tables, today) if is_under_way else None
    return SentUploads(
        items=[_told(each) for each in page.uploads],
        next_page_token=give_token(service.links, page.after, choice),
        usual_wait_s=wait.seconds if wait else None,
    )


def _told(upload: Upload) -> SentUpload:
    return SentUpload(
        image_id=upload.image_id,
        day=upload.day,
        raw_name=upload.raw_name,
        label=upload.label,
        uploaded_at=upload.uploaded_at,
        state=upload.state,
        reason=RejectionReason(upload.reason) if upload.reason else None,
        detail=upload.detail,
        record=f"/v1/images/{upload.image_id}" if upload.image_id else None,
    )
