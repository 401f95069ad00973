"""One image: what is known of it, its pictures, and its erasure."""

import hashlib
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from image_assets.access.roles import Role
from image_assets.errors import ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.serving.callers import Admin, Caller, OwnReader
from image_assets.serving.image_names import ImageInPath, as_id
from image_assets.serving.links import Picture, follows
from image_assets.serving.observing.audit import audit
from image_assets.serving.problems import Kind, Problem, documented
from image_assets.serving.records import PATH_COLUMNS, Image, Telling, image_of
from image_assets.serving.sent_files import answer_with_file
from image_assets.serving.service import Service, ServiceHere
from image_assets.serving.visible import NOT_KEPT, is_own, named_image, visible_image
from image_assets.steps.images.certificates import copies_of
from image_assets.steps.questions.image_record import ImageRecord, ImageState
from image_assets.steps.questions.waiting import usual_wait
from image_assets.steps.upkeep.erasure import erase, find_remains

router = APIRouter(prefix="/v1/images/{image_id}", tags=["images"])

_NOT_YOURS: Final = Kind(HTTPStatus.FORBIDDEN, "role-needed")
_MAY_NOT: Final = "The image may not be shown."
_BLOCKED: Final = Kind(HTTPStatus.FORBIDDEN, "blocked")
_NOT_MADE: Final = Kind(HTTPStatus.NOT_FOUND, "not-made")
_FOR_A_YEAR: Final = "private, max-age=31536000, immutable"
_SECONDS_OF_A_RUN: Final = 60
_BLOCKED_WITHIN_S: Final = 3.0
_KEYS: Final = {Picture.THUMBNAIL: object_keys.thumbnail_key, Picture.PREVIEW: object_keys.preview_key}
"""Names that need nothing but the id."""
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"image/webp": {}, "image/jpeg": {}}, "description": "The picture."},
    304: {"description": "The picture that the caller has is the current one."},
}
_ORIGINAL: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The file as it was uploaded."},
    206: {"content": {"application/octet-stream": {}}, "description": "The range that was asked for."},
    304: {"description": "The file that the caller has is the current one."},
    416: {"description": "The file has no such range."},
}
_GONE: Final = documented((409, 410))
IfNoneMatch = Annotated[str | None, Header(max_length=1_000)]


@router.get("", response_model=Image, responses={**_GONE, 304: {"description": "Nothing of it has changed."}})
def get_image(
    image_id: ImageInPath,
    service: ServiceHere,
    caller: OwnReader,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> Image | Response:
    """What is known of an image: its state, features, labels, predictions, links to its pictures and its lineage."""
    record, wait = visible_image(service, caller, image_id), None
    if record.state in {ImageState.PENDING, ImageState.PROCESSING}:
        wait = usual_wait(service.tables, service.now().date())
        response.headers["Retry-After"] = str(_SECONDS_OF_A_RUN)
    said = [word for word in service.opinions.of_day(record.day) if word.image_id == record.image_id]
    told = image_of(
        record,
        Telling(
            caller,
            service.now(),
            service.links,
            opinions=said,
            usual_wait_s=wait.seconds if wait else None,
            dagster_url=service.settings.dagster_url,
        ),
    )
    # The link to the original is another one at every moment.
    tag = _tag(told.model_dump_json(exclude={"links": {"original"}}).encode())
    response.headers["ETag"] = tag
    if _has(if_none_match, tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
    return told


class ErasedCopy(BaseModel):
    """A place that an erased image was published to."""

    place: str
    rows_removed: int
    remains: str | None = Field(description="What may hold the image there still, and for how long.")
    reached_at: datetime


class Certificate(BaseModel):
    """What is left of an erased image."""

    image_id: str
    requested_by: str
    begun_at: datetime = Field(description="From when on the image is refused at the door.")
    erased_at: datetime | None = Field(description="When nothing was left.")
    objects_removed: int
    rows_removed: int
    days_to_run: list[str]
    copies: list[ErasedCopy] = Field(description="Places that it was published to, and was removed from.")


@router.delete("", responses=documented((409,)))
def erase_image(
    image_id: ImageInPath,
    service: ServiceHere,
    caller: Admin,
    reason: Annotated[str, Query(min_length=3, max_length=200, description="Such as the number of a ticket.")],
) -> Certificate:
    """Erase an image everywhere; the certificate stays. Erasing it again answers with the same certificate.

    Once it has answered, nothing of the image is in any list, count or search of this service; others over the same
    lake follow within seconds.
    """
    remains = find_remains(service.tables, named_image(service, caller, image_id))
    try:
        row = erase(service.tables, remains, f"{caller.name}: {reason}", service.copies).row(0, named=True)
    finally:
        # A copy that is not reached leaves the certificate open; here it is gone all the same.
        service.renew()
    audit("erasure", [remains.image_id])
    days = [day.isoformat() for day in remains.days]
    copies = [
        ErasedCopy.model_validate(each) for each in copies_of(service.tables, remains.day, remains.image_id).to_dicts()
    ]
    told = {name: row[name] for name in Certificate.model_fields if name in row}
    return Certificate(**told, days_to_run=days, copies=copies)


def _derivative(picture: Picture, told: str) -> None:
    """The route of a picture that was made of an image."""

    async def get(
        image_id: ImageInPath,
        service: ServiceHere,
        caller: Annotated[Caller | None, follows(picture, Role.READ, Role.UPLOAD)],
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        return await _picture(service, caller, image_id, picture, if_none_match)

    its: dict[str, Any] = {"name": f"get_{picture}", "description": told, "responses": {**_PICTURE, **_GONE}}
    router.get(f"/{picture}", response_class=Response, **its)(get)


_derivative(Picture.THUMBNAIL, "The thumbnail: WebP, longest side at most 300 px.")
_derivative(Picture.PREVIEW, "The watermarked preview: JPEG, longest side at most 1200 px.")
_derivative(Picture.SILVER, "The cleansed image: JPEG, longest side at most 512 px, no metadata.")


@router.get("/original", responses={**_ORIGINAL, **_GONE}, response_class=Response)
def get_original(
    image_id: ImageInPath,
    service: ServiceHere,
    caller: Annotated[Caller | None, follows(Picture.ORIGINAL, Role.ADMIN, Role.UPLOAD)],
    request: Request,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The file as it was uploaded, byte for byte, with all that it tells of its owner; ranges are served."""
    record = visible_image(service, caller, image_id)
    if caller and not (caller.may(Role.ADMIN) or is_own(record, caller)):
        raise Problem(_NOT_YOURS, "An original is for who has uploaded it, and for admins.", NOT_KEPT)
    if caller is None and record.state is ImageState.BLOCKED:
        raise Problem(_BLOCKED, _MAY_NOT, NOT_KEPT)
    key = record.private.get("raw_path")
    if not key:
        raise Problem(_NOT_MADE, _not_made(record, Picture.ORIGINAL), NOT_KEPT)
    if not service.store.exists(ObjectKey(key)):
        raise Problem(_NOT_MADE, "The original is not where it was kept: image-assets doctor", NOT_KEPT)
    headers = {"ETag": f'"{record.private["sha256"]}"', "Cache-Control": "private, no-cache"}
    if _has(if_none_match, headers["ETag"]):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    wanted = request.headers.get("range", "")
    if "," in wanted or not wanted.lower().startswith("bytes="):
        # Of several ranges none is worth an answer in parts, and of another unit none is known (RFC 9110).
        request.scope["headers"] = [each for each in request.scope["headers"] if each[0] != b"range"]
    file_name = f"{record.image_id}.{key.rpartition('.')[2]}"
    return answer_with_file(service.store, ObjectKey(key), file_name, headers)


async def _picture(
    service: Service, caller: Caller | None, image_id: str, picture: Picture, if_none_match: str | None
) -> Response:
    """A derivative with the digest of its bytes, by which a copy of it is known wherever the lake lies."""
    try:
        data = await run_in_threadpool(_read, service, caller, image_id, picture)
    except ObjectNotFoundError:
        await run_in_threadpool(service.check_lake)
        record = await run_in_threadpool(visible_image, service, caller, image_id)
        raise Problem(_NOT_MADE, _not_made(record, picture), NOT_KEPT) from None
    tag = _tag(data)
    headers = {"ETag": tag, "Cache-Control": _FOR_A_YEAR}
    if _has(if_none_match, tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    media_type = "image/webp" if picture is Picture.THUMBNAIL else "image/jpeg"
    return Response(data, headers=headers, media_type=media_type)


def _read(service: Service, caller: Caller | None, image_id: str, picture: Picture) -> bytes:
    """The bytes; who follows a link was allowed to when it was made, and what is blocked since is shown to nobody."""
    if caller is None and service.search.is_blocked(as_id(image_id), within_s=_BLOCKED_WITHIN_S):
        raise Problem(_BLOCKED, _MAY_NOT, NOT_KEPT)
    if caller is None and picture in _KEYS:
        return service.store.read(_KEYS[picture](as_id(image_id)))
    record = visible_image(service, caller, image_id)
    if record.state is ImageState.BLOCKED:
        raise Problem(_BLOCKED, _MAY_NOT, NOT_KEPT)
    key = record.facts.get(PATH_COLUMNS[picture])
    if not key:
        raise Problem(_NOT_MADE, _not_made(record, picture), NOT_KEPT)
    return service.store.read(ObjectKey(key))


def _not_made(record: ImageRecord, picture: Picture) -> str:
    if record.state is ImageState.ERROR:
        return f"There is no {picture} of this image: {record.reason}"
    return f"There is no {picture} of this image yet: it is {record.state}"


def _has(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller has this version, or asks for none that there is."""
    return if_none_match is not None and (if_none_match.strip() == "*" or tag in if_none_match)


def _tag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:32]}"'
