"""One image: its picture, what is known of it, who said what, what is like it, and where it came from."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response
from markupsafe import Markup, escape
from pydantic import BaseModel, Field

from image_assets.errors import ModelError, SearchError, TableError
from image_assets.ids import ImageId
from image_assets.serving.callers import Caller, PageAdmin, PageReader
from image_assets.serving.gallery.grid import tail_of
from image_assets.serving.gallery.grid_query import LONGEST_LISTED, GridQuery
from image_assets.serving.gallery.pages import ShowHere, filled_in, go_to, with_query
from image_assets.serving.labels_told import LabelChance
from image_assets.serving.listed import SHOWN, ListedImage, shown_image, view_of
from image_assets.serving.page_tokens import give_token
from image_assets.serving.problems import Kind, Problem
from image_assets.serving.records import Image
from image_assets.serving.routes.records import erase_image, get_image
from image_assets.serving.routes.search import FoundImage, PictureQuery, list_similar
from image_assets.serving.service import Service, ServiceHere
from image_assets.shown_text import plain_lines
from image_assets.steps.questions.image_record import ImageState

router = APIRouter(include_in_schema=False)

ERASE: Final = "erase"
"""The word that is typed before what cannot be undone."""
NOT_TYPED: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "not-confirmed")
_ALIKE, _COPIES_SHOWN = 12, 12
STATES: Final[Mapping[ImageState, str]] = {
    ImageState.PENDING: "Landed: the next run takes it in.",
    ImageState.PROCESSING: "Taken in: a run is at work on it.",
    ImageState.EMBEDDED: "It has a vector, and can be found by likeness.",
    ImageState.INDEXED: "It is in the index; its row of gold is not complete yet.",
    ImageState.DONE: "Complete, and in the index.",
    ImageState.ERROR: "Refused: it cannot become an image.",
    ImageState.BLOCKED: "It may not be shown.",
    ImageState.ERASED: "Nothing but a certificate is left.",
}
_SHOWN_STATES: Final = (ImageState.EMBEDDED, ImageState.INDEXED, ImageState.DONE)


@dataclass(frozen=True, slots=True)
class Said:
    """A word on what an image shows, of a model or of a person.

    Attributes:
        at: when.
        who: a person's name, or a model's version.
        what: in words.
        confidence: how sure a model was.
        others: what else it thought of.
    """

    at: datetime
    who: str
    what: str
    confidence: float | None = None
    others: Sequence[LabelChance] = ()


@dataclass(frozen=True, slots=True)
class InList:
    """Where an image stands in the list that it was opened from.

    Attributes:
        number: from 1 on.
        total: images of the list.
        previous: address of the one before.
        following: address of the one behind.
        back: address of the page of the list that begins with this image.
        left: address of the page on which the list goes on without it.
    """

    number: int
    total: int
    previous: str | None
    following: str | None
    back: str
    left: str


class ErasureForm(BaseModel):
    """What an erasure needs."""

    reason: Annotated[str, Field(min_length=3, max_length=190)]
    word: Annotated[str, Field(max_length=20)] = ""
    listed: Annotated[str, Field(max_length=LONGEST_LISTED)] = ""


@router.get("/images/{image_id}")
def show_image(
    image_id: UUID, asked: Annotated[GridQuery, Query()], service: ServiceHere, caller: PageReader, show: ShowHere
) -> Response:
    """Everything about an image that the caller may know."""
    image = get_image(str(image_id), service, caller, Response())
    assert isinstance(image, Image)
    is_shown = image.state in _SHOWN_STATES
    place = in_list(service, caller, asked, ImageId(image.image_id))
    return show(
        "detail.html.jinja",
        image=image,
        state=STATES[image.state],
        said=sorted(_said(image), key=lambda each: each.at, reverse=True),
        place=place,
        listed=place.left.partition("?")[2] if place else "",
        alike=_alike(service, caller, image_id) if is_shown else [],
        copies=copies_of(service, caller, ImageId(image.image_id)) if is_shown else [],
        told=_as_json(image),
        erase_word=ERASE,
    )


@router.post("/images/{image_id}/erase")
def erase_shown(
    image_id: UUID, service: ServiceHere, caller: PageAdmin, form: Annotated[ErasureForm, filled_in(ErasureForm)]
) -> Response:
    """Erase as `DELETE /v1/images/{image_id}` does."""
    check_typed(form.word)
    erase_image(str(image_id), service, caller, form.reason)
    return tell_erased(1, form.listed)


def tell_erased(count: int, listed: str = "") -> Response:
    """The page that says so and leads back to the list, unless the address of that is too long to be passed on."""
    kept = listed if len(quote(listed)) <= LONGEST_LISTED else ""
    return go_to(with_query("/selection/done", {"what": "erased", "count": count, "listed": kept}))


def check_typed(word: str) -> None:
    """Raises `Problem`, 422, unless the word was typed that what cannot be undone asks for."""
    if word.strip().lower() != ERASE:
        raise Problem(NOT_TYPED, f"Nothing was erased: type the word {ERASE} to say that it is meant.")


def in_list(service: Service, caller: Caller, asked: GridQuery, image_id: ImageId) -> InList | None:
    """Where an image stands in a list; None when it is not in it, or the list cannot be made any more."""
    view = view_of(caller)
    with suppress(SearchError, TableError, ModelError):
        request = asked.request(view, service)
        found, total = service.search.around(request, asked.sort, image_id)
        if found is None:
            return None
        tail = tail_of(asked) or asked.address("")
        beside = [each and f"/images/{each}{tail}" for each in (found.previous, found.following)]
        token = give_token(service.links, found.mark or None, (view.owner, asked.question))
        back = asked.address(page_token=token)
        left = back if found.following else asked.address()
        return InList(found.before + 1, total, beside[0], beside[1], back, left)
    return None


def copies_of(service: Service, caller: Caller, image_id: ImageId) -> list[ListedImage]:
    """Other images of the same photo that the caller may see."""
    view, now = view_of(caller), service.now()
    with suppress(TableError):
        names = [each for each in service.search.copies_of(image_id) if each != image_id]
        rows = service.search.rows(names, view.owner, SHOWN).head(_COPIES_SHOWN)
        return [ListedImage(**shown_image(row, view, service.links, now)) for row in rows.iter_rows(named=True)]
    return []


def _alike(service: Service, caller: Caller, image_id: UUID) -> list[FoundImage]:
    """Nothing, where vectors cannot be compared: the rest of the page does not depend on them."""
    with suppress(SearchError, TableError, ModelError):
        return list_similar(str(image_id), PictureQuery(page_size=_ALIKE), service, caller).items
    return []


def _said(image: Image) -> Iterator[Said]:
    for each in image.predictions:
        others = [chance for chance in each.top_labels if chance.label != each.label]
        yield Said(each.predicted_at, each.model_version, each.label, each.confidence_ratio, others)
    for word in image.decisions or ():
        kinds = {"skip": "skipped", "undo": "took the last word back", "accept": f"accepted {word.label}"}
        yield Said(word.decided_at, word.decided_by, kinds.get(word.kind.value, f"decided {word.label}"))


def _as_json(image: Image) -> Markup:
    """In lines, each of them plain."""
    return escape(plain_lines(image.model_dump_json(indent=2, exclude={"links"})))
