"""Pictures within requests: the body itself from programs, the files of a form from browsers and curl."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from image_assets.serving.forms import Form
from image_assets.serving.held_bodies import HeldBody, hold_pieces
from image_assets.serving.problems import Kind, Problem, documented
from image_assets.serving.service import ServiceHere

Model = TypeVar("Model", bound=BaseModel)

OTHER_TYPE: Final = documented((408, 415))
"""What routes answer besides that take bodies of several types."""

MOST_PICTURES: Final = 64
JSON: Final = "application/json"

_FORM: Final = "multipart/form-data"
_RAW: Final = ("image/", "application/octet-stream")
_JSON_BYTES: Final = 2**20
# Larger pictures are uploaded, and asked for by their id.
_PICTURES_BYTES: Final = 2**26
_UNKNOWN_TYPE: Final = Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-body")
_WRONG_NUMBER: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request")


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A file of a request; `name` as its sender calls it, empty when the body is the file."""

    name: str
    pieces: list[bytes] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """The whole of it, which is kept once."""
        self.pieces[:] = [b"".join(self.pieces)]
        return self.pieces[0]

    def take(self, data: bytes) -> None:
        """The next bytes of it."""
        self.pieces.append(data)


async def _hold(service: ServiceHere) -> AsyncIterator[HeldBody]:
    with service.bodies.one() as body:
        yield body


BodyHere = Annotated[HeldBody, Depends(_hold)]
"""The type of a route's parameter that is the body, held until the route has answered."""


def media_type_of(request: Request) -> str:
    """What a body is said to be, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, held: HeldBody, model: type[Model]) -> Model:
    """The body of a request that may also be sent in other types, which FastAPI does not parse itself."""
    data = b"".join([piece async for piece in hold_pieces(request, held, _JSON_BYTES)])
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        faults = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(faults) from error


async def read_pictures(request: Request, held: HeldBody, most: int = MOST_PICTURES) -> Sequence[SentPicture]:
    """The pictures of a request, one at least.

    Raises:
        Problem: 415 for a body of another type, 422 for none or more pictures than allowed, 503 while others are held,
            and as of `read_pieces`.
    """
    media_type = media_type_of(request)
    if media_type.startswith(_RAW):
        picture = SentPicture("")
        async for piece in hold_pieces(request, held, _PICTURES_BYTES):
            picture.take(piece)
        return [picture]
    if media_type != _FORM:
        raise Problem(_UNKNOWN_TYPE, f"Content-Type is {_FORM}, image/… or application/octet-stream.")
    pictures = await _files(request, held)
    if not 1 <= len(pictures) <= most:
        raise Problem(_WRONG_NUMBER, f"{len(pictures)} files: send 1 to {most}.")
    return pictures


async def _files(request: Request, held: HeldBody) -> list[SentPicture]:
    pictures: list[SentPicture] = []

    def begin(name: str) -> SentPicture:
        pictures.append(SentPicture(name))
        return pictures[-1]

    form = Form(request.headers["content-type"], begin, MOST_PICTURES)
    async for piece in hold_pieces(request, held, _PICTURES_BYTES):
        form.feed(piece)
    form.finish()
    return pictures


def picture_body(*, are_many: bool, or_json: dict[str, Any]) -> dict[str, Any]:
    """A body with pictures as OpenAPI describes it; `or_json` is the schema of what may be sent instead."""
    file = {"type": "string", "format": "binary"}
    several = {"type": "array", "items": file, "minItems": 1, "maxItems": MOST_PICTURES} if are_many else file
    form = {"type": "object", "required": ["file"], "properties": {"file": several}}
    content = {_FORM: form, "image/*": file, _RAW[1]: file, JSON: or_json}
    return {"requestBody": {"required": True, "content": {name: {"schema": each} for name, each in content.items()}}}
