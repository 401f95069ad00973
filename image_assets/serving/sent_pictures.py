"""Pictures within requests: the body itself from programs, the files of a form from browsers and curl.

The caller is known before a body is read, and a body is not read when there is no room for what is in it.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request

from image_assets.serving.problems import Kind, Problem

Model = TypeVar("Model", bound=BaseModel)

PICTURE_BYTES: Final = 32 * 2**20
"""Largest body with one picture: larger ones are uploaded, and asked for by their id."""

PICTURES_BYTES: Final = 64 * 2**20
MOST_PICTURES: Final = 64
FORM: Final = "multipart/form-data"
JSON: Final = "application/json"
OTHER_TYPE: Final[dict[int | str, dict[str, Any]]] = {
    408: {"description": "The client hung up before it was answered."},
    415: {"description": "The body is of a type that this address does not take."},
}
"""What routes answer besides that take bodies of several types."""

_UNKNOWN_TYPE: Final = Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type")
_NO_PICTURE: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request")
_RAW: Final = ("image/", "application/octet-stream")


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A file of a request; `name` as the sender calls it, empty when the body is the file."""

    name: str
    data: bytes


def media_type_of(request: Request) -> str:
    """What a body is said to be, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_pictures(request: Request, most: int) -> list[SentPicture]:
    """The pictures of a request, one at least.

    Raises:
        Problem: 415 for a body of another type, 422 for none or for more pictures than are allowed.
    """
    media_type = media_type_of(request)
    if media_type.startswith(_RAW):
        return [SentPicture("", await request.body())]
    if media_type != FORM:
        raise Problem(_UNKNOWN_TYPE, f"send {' or '.join((*_RAW, FORM))}, not {media_type or 'a body without a type'}")
    pictures = await _files(request)
    if not 1 <= len(pictures) <= most:
        raise Problem(_NO_PICTURE, f"{len(pictures)} files: send 1 to {most}")
    return pictures


async def read_json(request: Request, model: type[Model]) -> Model:
    """The body of a request that may also be sent in other types, which FastAPI does not parse itself."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        faults = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(faults) from error


async def _files(request: Request) -> list[SentPicture]:
    # One more than is ever allowed, so that the answer is the same for all of them.
    async with request.form(max_files=MOST_PICTURES + 1, max_fields=8, max_part_size=2**16) as form:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        return [SentPicture(file.filename or "", await file.read()) for file in files]


def picture_body(*, are_many: bool, or_json: dict[str, Any] | None = None) -> dict[str, Any]:
    """A body with pictures as OpenAPI describes it; `or_json` is the schema of what may be sent instead."""
    file = {"type": "string", "format": "binary"}
    several = {"type": "array", "items": file, "minItems": 1, "maxItems": MOST_PICTURES} if are_many else file
    form = {"type": "object", "required": ["file"], "properties": {"file": several}}
    content: dict[str, Any] = {FORM: {"schema": form}, "image/*": {"schema": file}, _RAW[1]: {"schema": file}}
    if or_json:
        content[JSON] = {"schema": or_json}
    return {"requestBody": {"required": True, "content": content}}
