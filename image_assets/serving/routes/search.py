"""Lists of images: the newest or least sure that meet conditions, with facets; and those like a text or an image."""

from datetime import date
from enum import StrEnum
from functools import partial
from typing import Annotated, Final, Self

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.serving.bodies import UNLIMITED
from image_assets.serving.callers import Caller, OwnReader
from image_assets.serving.clients_gone import unless_gone
from image_assets.serving.image_names import ImageInPath
from image_assets.serving.listed import (
    FACET_NAMES,
    SHOWN,
    FacetBody,
    ListedImage,
    View,
    shown_facet,
    shown_image,
    view_of,
)
from image_assets.serving.page_tokens import MAX_LENGTH, give_token, take_token
from image_assets.serving.paging import USUAL, Page, cut
from image_assets.serving.problems import documented
from image_assets.serving.sent_pictures import (
    JSON,
    OTHER_TYPE,
    BodyHere,
    media_type_of,
    picture_body,
    read_json,
    read_pictures,
)
from image_assets.serving.service import Service, ServiceHere
from image_assets.serving.visible import visible_image
from image_assets.steps.search.conditions import Condition, parse_condition
from image_assets.steps.search.gallery import Order, Wanted
from image_assets.steps.search.requests import SearchRequest
from image_assets.tables.gold import STATES

router = APIRouter(prefix="/v1", tags=["search"])

_TEXT: Final = 500
_MANY: Final = 50
_COLUMNS: Final = {"label": "label", "user": "user_id", "tag": "tags", "colour": "dominant_colours", "state": "state"}
_DAYS: Final = {"day": "=", "since": ">=", "until": "<="}
Text = Annotated[str, Field(max_length=_TEXT)]
Texts = Annotated[list[Text], Field(max_length=_MANY)]
State = StrEnum("State", STATES)  # type: ignore[misc]  # the table's own list
"""Of gold: `embedded` is complete. A record tells more: whether an image is indexed, or waits for its first run."""


class Chosen(BaseModel):
    """Which images, how many of them, and from where on."""

    model_config = ConfigDict(extra="forbid")

    where: Texts = Field(
        default=[],
        description="Conditions on columns of gold, all of which are met: column=value, or with !=, >= or <=.",
        examples=[["width_px>=300"]],
    )
    label: Texts = Field(default=[], description="With one of these labels.")
    user: Texts = Field(default=[], description="Uploaded by one of these users.")
    tag: Texts = Field(default=[], description="With one of these tags.")
    colour: Texts = Field(default=[], description="With one of these colours: a word, or #rrggbb.")
    state: list[State] = Field(
        default=[], description="In one of these states of gold; what is blocked is found in no other way."
    )
    day: date | None = Field(default=None, description="Uploaded on this day (UTC).")
    since: date | None = Field(default=None, description="Uploaded on this day or later.")
    until: date | None = Field(default=None, description="Uploaded on this day or earlier.")
    all_duplicates: bool = Field(default=False, description="Every copy of a photo, not one.")
    page_size: int = Field(default=USUAL, ge=1, description="Images per page; more than 200 are 200.")
    page_token: str | None = Field(
        default=None,
        max_length=MAX_LENGTH,
        description="`next_page_token` of the page before, with the same parameters; it goes on behind the last image "
        "of that page, also when images have come since.",
    )

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """As the command line has them."""
        chosen = [Condition(column, "=", tuple(getattr(self, name))) for name, column in _COLUMNS.items()]
        days = [
            Condition("day", comparison, (day.isoformat(),))
            for name, comparison in _DAYS.items()
            if (day := getattr(self, name))
        ]
        written = [parse_condition(each) for each in self.where]
        return (*(each for each in chosen if each.values), *days, *written)

    @property
    def count(self) -> int:
        """Images of the page."""
        return cut(self.page_size)

    @property
    def question(self) -> object:
        """What a page's token is bound to."""
        return self.model_dump(exclude={"page_size", "page_token", "facets"})

    def wanted(self, view: View) -> Wanted:
        """What is wanted, if the caller may ask for it."""
        conditions = self.conditions
        view.check(conditions)
        return Wanted(conditions, self.all_duplicates, view.owner)


class ListQuery(Chosen):
    """What `GET /v1/images` is asked with."""

    order: Order = Field(default=Order.NEWEST, description="Uploaded last first, or lowest confidence first.")
    facets: Annotated[str, Field(max_length=_TEXT)] | None = Field(
        default=None,
        description="Columns to count by, with commas between them: label, predicted_label, tag, colour, user, day, "
        "state, policy, needs_review, is_duplicate.",
        examples=["label,colour"],
    )


class ImageList(Page[ListedImage]):
    """A page of images."""

    estimated_total: int = Field(description="How many there are on all pages, as of this moment.")
    facets: dict[str, FacetBody] | None = Field(default=None, description="By name; those that were asked for.")


@router.get("/images", response_model_exclude_none=False)
def list_images(query: Annotated[ListQuery, Query()], service: ServiceHere, caller: OwnReader) -> ImageList:
    """The newest images, or those that the model is least sure of, that meet conditions; with facets if wanted."""
    view, signer = view_of(caller), service.links
    wanted = query.wanted(view)
    names = view.facets([name.strip() for name in (query.facets or "").split(",") if name.strip()])
    question = (view.owner, query.question)
    after = take_token(signer, query.page_token, question)
    page = service.search.list_images(wanted, query.order, query.count, after, SHOWN, names)
    now = service.now()
    return ImageList(
        items=[ListedImage(**shown_image(row, view, signer, now)) for row in page.rows.iter_rows(named=True)],
        estimated_total=page.total,
        facets={FACET_NAMES.get(name, name): shown_facet(page.facets[name]) for name in names} if names else None,
        next_page_token=give_token(signer, page.after, question),
    )


class PictureQuery(Chosen):
    """What is asked with a picture."""

    min_score: float = Field(default=-1.0, ge=-1, le=1, description="Lowest cosine similarity.")


class SearchQuery(PictureQuery):
    """What is looked for: like a text or an image; with neither, the newest."""

    text: Annotated[str, Field(min_length=1, max_length=_TEXT)] | None = Field(
        default=None, description="What the images should show.", examples=["red dress"]
    )
    image_id: Annotated[str, Field(min_length=4, max_length=36, pattern="^[0-9a-f-]+$")] | None = Field(
        default=None, description="An image that they should look like, or the beginning of its id."
    )
    words: bool = Field(default=True, description="Whether words that describe an image count beside its looks.")
    strict: bool = Field(default=False, description="Whether a word that the encoder does not know is refused.")


class SearchBody(SearchQuery):
    """The same in a body, and like a vector."""

    vector: Annotated[list[float], Field(max_length=10_000)] | None = Field(
        default=None, description="Numbers of the encoder that the images should be near to, of any length but 0."
    )

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if sum(each is not None for each in (self.text, self.image_id, self.vector)) > 1:
            raise ValueError("a text, an image_id or a vector: one of them, not several")
        return self


class FoundImage(ListedImage):
    """An image that was found."""

    score: float | None = Field(description="Cosine similarity to what was asked for; None when nothing was.")
    words: list[str] = Field(description="Of the text, by which the image is described.")


class FoundImages(Page[FoundImage]):
    """A page of images, best first: by looks, or by looks and words once words of the text describe any image."""

    unknown: list[str] = Field(description="Words of the text that the encoder does not know.")
    nearest_to: str | None = Field(
        description="The part of the text that looks were compared with; None: with no text, as no word is known."
    )
    encoder: str = Field(description="Whose vectors were compared.")
    index_version: str | None = Field(description="Build of the index; None while every vector is compared.")


@router.get("/search", responses=documented((409,)))
async def search_images(
    request: Request, query: Annotated[SearchQuery, Query()], service: ServiceHere, caller: OwnReader
) -> FoundImages:
    """Images like a text or like another image, that meet conditions."""
    return await _searched(request, service, caller, query, None)


@router.post(
    "/search",
    responses={**OTHER_TYPE, **documented((409,))},
    max_body_size=UNLIMITED,
    openapi_extra=picture_body(are_many=False, or_json=SearchBody.model_json_schema()),
)
async def search_images_by(
    request: Request,
    query: Annotated[PictureQuery, Query()],
    service: ServiceHere,
    caller: OwnReader,
    held: BodyHere,
) -> FoundImages:
    """Images like a picture (the body, or the file of a form), or what JSON says: a text, an image or a vector.

    Beside a picture the conditions stand in the address, otherwise all stands in the JSON.
    """
    if media_type_of(request) == JSON:
        body = await read_json(request, held.of(caller.name), SearchBody)
        if query.model_fields_set:
            raise SearchError(f"{min(query.model_fields_set)} belongs into the JSON, where the rest is")
        return await _searched(request, service, caller, body, body.vector)
    service.inference.refuse_when_full(caller.name)
    (picture,) = await read_pictures(request, held.of(caller.name), most=1)
    (vector,) = await unless_gone(request, service.inference.encode_images([bytes(picture.data)], caller.name))
    return await _searched(request, service, caller, query, vector.tolist())


@router.get("/images/{image_id}/similar", responses=documented((409, 410)))
def list_similar(
    image_id: ImageInPath, query: Annotated[PictureQuery, Query()], service: ServiceHere, caller: OwnReader
) -> FoundImages:
    """Images that look like this one, which is not among them; nor are its copies, unless all are wanted."""
    record = visible_image(service, caller, image_id)
    asked = SearchQuery(**query.model_dump(), image_id=record.image_id)
    return _found(service, caller, asked, None)


async def _searched(
    request: Request, service: Service, caller: Caller, asked: PictureQuery, vector: list[float] | None
) -> FoundImages:
    """In threads of its own: searches wait for the model and compare vectors, and others find a thread meanwhile."""
    find = partial(_found, service, caller, asked, vector)
    return await unless_gone(request, anyio.to_thread.run_sync(find, limiter=service.searching))


def _found(service: Service, caller: Caller, asked: PictureQuery, vector: list[float] | None) -> FoundImages:
    view, signer = view_of(caller), service.links
    wanted, question = asked.wanted(view), (view.owner, asked.question, vector)
    like = asked if isinstance(asked, SearchQuery) else SearchQuery()
    request = SearchRequest(
        text=like.text,
        image_id=ImageId(like.image_id) if like.image_id else None,
        vector=vector,
        conditions=wanted.conditions,
        min_score=asked.min_score,
        count=asked.count,
        after=take_token(signer, asked.page_token, question),
        with_duplicates=wanted.with_duplicates,
        with_words=like.words,
        strict=like.strict,
        owner=wanted.owner,
        columns=SHOWN,
    )
    page, now = service.search.search(request), service.now()
    return FoundImages(
        items=[
            FoundImage(**shown_image(row, view, signer, now), score=row["score"], words=row["words"])
            for row in page.rows.iter_rows(named=True)
        ],
        unknown=list(page.unknown),
        nearest_to=page.nearest_to,
        encoder=service.encoder_description.name,
        index_version=page.index_version,
        next_page_token=give_token(signer, page.after, question),
    )
