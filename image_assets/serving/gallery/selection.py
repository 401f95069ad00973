"""Several images at once: what will be done to how many is said and confirmed before anything is."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, ValidationError

from image_assets.errors import DecisionError, NoDayError
from image_assets.ids import ImageId
from image_assets.serving.callers import Caller, PageAdmin, PageReviewer
from image_assets.serving.gallery.detail import ERASE, ErasureForm, check_typed, tell_erased
from image_assets.serving.gallery.grid_query import LONGEST_LISTED, GridQuery
from image_assets.serving.gallery.pages import ShowHere, filled_in, go_to, with_query
from image_assets.serving.listed import SHOWN, ListedImage, shown_image, view_of
from image_assets.serving.observing.audit import audit
from image_assets.serving.problems import Kind, Problem
from image_assets.serving.routes.records import erase_image
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.search.gallery import Wanted

router = APIRouter(include_in_schema=False)

MOST_LABELLED: Final = 2_000
MOST_ERASED: Final = 100
"""An erasure looks through all tables, while the browser waits."""
_MOST_CHOSEN, _SHOWN, _TOGETHER = 200, 24, 64
_IDS_LENGTH: Final = 40 * _MOST_CHOSEN
_CHANGED: Final = Kind(HTTPStatus.CONFLICT, "changed-since")
_TOO_MANY: Final = Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "too-many")


class SelectionQuery(GridQuery):
    """What is chosen: images by their ids, or every image of the list."""

    chosen_ids: list[UUID] = Field(default=[], max_length=_MOST_CHOSEN, alias="chosen")
    every: bool = False

    def pairs(self, *without: str) -> list[tuple[str, str]]:
        """Those of the grid."""
        return super().pairs("chosen_ids", "every", *without)


class SelectionForm(BaseModel):
    """What is done to how many: ids with blanks between them, or the list's part of an address."""

    images: Annotated[str, Field(max_length=_IDS_LENGTH)] = ""
    listed: Annotated[str, Field(max_length=LONGEST_LISTED)] = ""
    count: Annotated[int, Field(ge=1, le=10**9)]


class LabelForm(SelectionForm):
    """A label for all; sent again under its id it is the same decision."""

    label: Annotated[str, Field(min_length=1, max_length=200)]
    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{4,20}$")]


class ErasuresForm(SelectionForm, ErasureForm):
    """Erasing all."""


class DoneQuery(BaseModel):
    """What was done."""

    what: Annotated[str, Field(pattern="^(labelled|erased)$")] = "labelled"
    count: Annotated[int, Field(ge=0, le=10**9)] = 0
    label: Annotated[str, Field(max_length=200)] = ""
    listed: Annotated[str, Field(max_length=LONGEST_LISTED)] = ""

    @property
    def back(self) -> str:
        """Address of the list that the images were chosen from; of the first page, where it names none."""
        try:
            asked = GridQuery.read(self.listed)
        except ValidationError:
            return "/"
        return asked.address(page_token=asked.page_token)


@dataclass(frozen=True, slots=True)
class Selected:
    """Images that are meant.

    Attributes:
        ids: of at most so many as anything may be done to.
        total: how many there are.
    """

    ids: Sequence[ImageId]
    total: int


@router.get("/selection")
def show_selection(
    asked: Annotated[SelectionQuery, Query()], service: ServiceHere, caller: PageReviewer, show: ShowHere
) -> Response:
    """What is chosen, and what can be done to it."""
    selected = _selected(service, caller, asked, asked.chosen_ids, is_every=asked.every)
    view, now = view_of(caller), service.now()
    shown = selected.ids[:_SHOWN]
    rows = service.search.rows(shown, view.owner, SHOWN).iter_rows(named=True) if shown else ()
    labels = service.search.count_facets(Wanted(), ["label"])["label"] if selected.total else None
    return show(
        "selection.html.jinja",
        asked=asked,
        selected=selected,
        images=[ListedImage(**shown_image(row, view, service.links, now)) for row in rows],
        labels=[value for value, _ in labels.counts if value] if labels else [],
        listed=urlencode(asked.pairs()) if asked.every else "",
        is_every=asked.every,
        batch_id=f"many-{uuid4().hex[:12]}",
        most_labelled=MOST_LABELLED,
        most_erased=MOST_ERASED,
        erase_word=ERASE,
    )


@router.get("/selection/done")
def show_done(done: Annotated[DoneQuery, Query()], _: PageReviewer, show: ShowHere) -> Response:
    """What was done."""
    return show("done.html.jinja", done=done)


@router.post("/selection/label")
def label_selection(
    service: ServiceHere, caller: PageReviewer, form: Annotated[LabelForm, filled_in(LabelForm)]
) -> Response:
    """Decide that all of them show this, if they are as many as the page had said."""
    ids = _confirmed(service, caller, form, MOST_LABELLED)
    for start in range(0, len(ids), _TOGETHER):
        some = ids[start : start + _TOGETHER]
        told = [Decision(each, form.label, decision_id=f"{form.id}.{each}") for each in some]
        record_decisions(service.tables, told, caller.name, service.now(), service.opinions)
        audit("decision", some, note=form.id)
    return go_to(with_query("/selection/done", {"what": "labelled", "count": len(ids), "label": form.label}))


@router.post("/selection/erase")
def erase_selection(
    service: ServiceHere, caller: PageAdmin, form: Annotated[ErasuresForm, filled_in(ErasuresForm)]
) -> Response:
    """Erase all of them, if they are as many as the page had said and the word was typed."""
    check_typed(form.word)
    ids = _confirmed(service, caller, form, MOST_ERASED)
    for each in ids:
        erase_image(each, service, caller, form.reason)
    return tell_erased(len(ids))


def _confirmed(service: Service, caller: Caller, form: SelectionForm, most: int) -> Sequence[ImageId]:
    """The images of a form.

    Raises:
        Problem: 409 when they are not as many any more, 422 when they are too many for one go.
        DecisionError: the form was not made by the page.
    """
    try:
        chosen = [UUID(each) for each in form.images.split()]
        asked = GridQuery.read(form.listed)
    except (ValueError, ValidationError) as error:
        raise DecisionError("this is no selection of the page: choose the images again") from error
    selected = _selected(service, caller, asked, chosen, is_every=not chosen)
    if selected.total != form.count:
        found = f"{selected.total:,} images are meant by now, not {form.count:,}"
        raise Problem(_CHANGED, f"{found}: look at them again; nothing was done.")
    if selected.total > most:
        raise Problem(_TOO_MANY, f"{selected.total:,} images are too many at once: choose at most {most:,}.")
    return selected.ids


def _selected(
    service: Service, caller: Caller, asked: GridQuery, chosen: Sequence[UUID], *, is_every: bool
) -> Selected:
    view = view_of(caller)
    if not is_every:
        rows = service.search.rows([ImageId(str(each)) for each in chosen], view.owner, ["day"])
        return Selected([ImageId(each) for each in rows.get_column("image_id")], rows.height)
    request = asked.request(view, service)
    try:
        return Selected(*service.search.first(request, asked.sort, MOST_LABELLED))
    except NoDayError:
        return Selected((), 0)
