"""The first page: images as a grid, with what they can be narrowed by, and all that a facet has to choose from."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from image_assets.access.roles import Role
from image_assets.errors import NoDayError
from image_assets.serving.bodies import UNLIMITED
from image_assets.serving.callers import Caller, NeedsOnPage, PageReader
from image_assets.serving.clients_gone import unless_gone
from image_assets.serving.gallery.facets import TITLES, ShownFacet, facets_of, names_for
from image_assets.serving.gallery.grid_query import GridQuery
from image_assets.serving.gallery.pages import ShowHere, go_to
from image_assets.serving.gallery.vector_in_address import as_text
from image_assets.serving.listed import View, shown_image, view_of
from image_assets.serving.page_tokens import give_token, take_token
from image_assets.serving.routes.search import FoundImage
from image_assets.serving.sent_pictures import BodyHere, read_pictures
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.search.gallery_facets import Listed
from image_assets.steps.search.image_lists import Sort
from image_assets.steps.search.requests import BrowsedPage

router = APIRouter(include_in_schema=False)

_PATIENCE_S: Final = 10.0
"""For facets that are asked for by themselves."""
_MOST_VALUES: Final = 400
_LONGEST_HREF: Final = 100
_TRIED: Final = 8
_STEPS: Final = 100
_SORTS: Final = {
    Sort.BEST: "Best first",
    Sort.MOST_ALIKE: "Most alike first",
    Sort.NEWEST: "Newest first",
    Sort.LEAST_SURE: "Least sure first",
}
_PLAIN_SORTS: Final = {Sort.BEST: "Newest first", Sort.LEAST_SURE: "Least sure first"}
"""Of images that nothing is asked about; with a question later, the best come first."""


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page of the grid.

    Attributes:
        images: in their order.
        first: number of the first of them in the list, from 1 on.
        total: images of the list.
        met: images that meet the conditions, whatever they look like.
        is_cut: whether more meet them than are ranked.
        unknown: words that the encoder does not know.
        nearest_to: the rest of the text; None when there is none.
        steps: how many images have which score, in hundredths; the slider counts with it.
        back: address of the page before.
        next: address of the page after.
        tail: what is added to the address of an image, so that its page knows the list.
    """

    images: Sequence[FoundImage]
    first: int
    total: int
    met: int
    is_cut: bool
    unknown: Sequence[str]
    nearest_to: str | None
    steps: Sequence[tuple[int, int]]
    back: str | None
    next: str | None
    tail: str

    @property
    def last(self) -> int:
        """Number of the last image of the page."""
        return self.first + len(self.images) - 1


@dataclass(frozen=True, slots=True)
class WayOut:
    """What would show images where none are shown: an address, in words, and how many it shows."""

    words: str
    address: str
    images: int


class FilterQuery(GridQuery):
    """What the choices are asked with.

    Attributes:
        facet: the only one that is wanted.
        holding: a text that its values hold.
    """

    facet: Annotated[str, Field(max_length=40)] = ""
    holding: Annotated[str, Field(max_length=200)] = ""

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """Those of the grid."""
        return super().pairs("facet", "holding", *without)


@router.get("/")
def show_grid(
    asked: Annotated[GridQuery, Query()], service: ServiceHere, caller: PageReader, show: ShowHere
) -> Response:
    """Images that meet what the address says."""
    view = view_of(caller)
    try:
        page = page_of(service, asked, view)
        facets = facets_of(service, asked, view, names_for(view))
        ways = [] if page.images else ways_out(service, asked, view)
    except NoDayError:
        page, facets, ways = None, [], []
    return show(
        "grid.html.jinja",
        asked=asked,
        page=page,
        facets=facets,
        ways=ways,
        sorts=_SORTS if asked.is_asking else _PLAIN_SORTS,
        titles=TITLES,
    )


@router.get("/filters")
def show_filters(
    asked: Annotated[FilterQuery, Query()], service: ServiceHere, caller: PageReader, show: ShowHere
) -> Response:
    """All that can be chosen from, counted however long it takes; of one facet far more values than beside the grid."""
    view = view_of(caller)
    names = names_for(view)
    if asked.facet in names:
        names = [asked.facet]
    listed = Listed(_MOST_VALUES, asked.holding) if asked.facet else Listed()
    try:
        facets: list[ShownFacet] = facets_of(service, asked, view, names, _PATIENCE_S, listed)
    except NoDayError:
        facets = []
    return show("filters.html.jinja", asked=asked, facets=facets)


class _AsksByPicture(NeedsOnPage):
    """A picture to search with changes nothing, so it bears no mark: a form with a file is read but once."""

    async def check_mark(self, request: Request, service: Service, caller: Caller) -> None:
        """See `Needs`."""


PictureAsker = Annotated[Caller, Depends(_AsksByPicture(Role.READ, Role.UPLOAD))]


@router.post("/", max_body_size=UNLIMITED)
async def search_by_picture(request: Request, service: ServiceHere, caller: PictureAsker, held: BodyHere) -> Response:
    """Make an address of a picture, by what it looks like; the picture is kept nowhere."""
    service.inference.refuse_when_full(caller.name)
    (picture,) = await read_pictures(request, held.of(caller.name), most=1)
    (vector,) = await unless_gone(request, service.inference.encode_images([bytes(picture.data)], caller.name))
    return go_to(GridQuery(picture=as_text(vector, service.encoder_description)).address())


def page_of(service: Service, asked: GridQuery, view: View) -> ShownPage:
    """The page that an address names."""
    signer, now, bound = service.links, service.now(), (view.owner, asked.question)
    after = take_token(signer, asked.page_token, bound)
    found = service.search.browse(asked.request(view, service, after), asked.sort)

    def turned(mark: str | None) -> str | None:
        return None if mark is None else asked.address(page_token=give_token(signer, mark or None, bound))

    return ShownPage(
        images=_images(found, view, service, now),
        first=found.page.before + 1,
        total=found.total,
        met=found.met,
        is_cut=found.is_cut,
        unknown=found.unknown,
        nearest_to=found.nearest_to,
        steps=sorted(Counter(math.floor(_STEPS * score + 1e-9) for score in found.scores).items()),
        back=turned(found.page.back),
        next=turned(found.page.after),
        tail=tail_of(asked),
    )


def tail_of(asked: GridQuery) -> str:
    """What names the list in an image's address; left to the script where sixty times of it would fill the page."""
    tail = asked.address("")
    return tail if len(tail) <= _LONGEST_HREF else ""


def ways_out(service: Service, asked: GridQuery, view: View) -> list[WayOut]:
    """What to leave out so that images are shown; one count for each choice."""
    found = []
    if asked.is_asking and asked.min_score > -1:
        wider = service.search.browse(asked.model_copy(update={"min_score": -1.0}).request(view, service), asked.sort)
        found.append(WayOut("any likeness", asked.address(min_score=None), wider.total))
    for name, value in asked.chosen()[:_TRIED]:
        images = service.search.count(asked.without(name, value).wanted(view, service))
        words = f"{TITLES.get(name, name).lower()} {value or 'none'}"
        found.append(WayOut(words, asked.less(name, value), images))
    return [each for each in found if each.images]


def _images(found: BrowsedPage, view: View, service: Service, now: datetime) -> list[FoundImage]:
    return [
        FoundImage(**shown_image(row, view, service.links, now), score=row["score"], words=row["words"])
        for row in found.rows.iter_rows(named=True)
    ]
