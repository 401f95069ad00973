"""Accepting what the model says of all images that match: counted and looked at before, taken back as one."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from image_assets.serving.callers import PageReviewer
from image_assets.serving.gallery.pages import ShowHere, filled_in, go_to, with_query
from image_assets.serving.gallery.review import tabs_of
from image_assets.serving.routes.joint_reviews import (
    MOST_SHOWN,
    AcceptBody,
    BatchId,
    MatchQuery,
    TogetherBody,
    accept_matching,
    get_matching,
    undo_matching,
)
from image_assets.serving.routes.reviews import get_progress
from image_assets.serving.service import ServiceHere
from image_assets.steps.classification.joint_acceptance import MOST_AT_ONCE

router = APIRouter(include_in_schema=False)

_PAGE = "/review/many"


class ManyQuery(BaseModel):
    """What is looked at; `done` and `undone` name what was accepted and taken back before."""

    predicted_label: Annotated[str, Field(max_length=200)] = ""
    min_percent: Annotated[int, Field(ge=0, le=100)] = 0
    done: BatchId | None = None
    undone: Annotated[int | None, Field(ge=0)] = None

    @property
    def match(self) -> MatchQuery | None:
        """What may be accepted; None until a label is chosen."""
        if not self.predicted_label:
            return None
        return MatchQuery(predicted_label=self.predicted_label, min_confidence=self.min_percent / 100)


class ManyForm(BaseModel):
    """Accepting all, with the number repeated."""

    predicted_label: Annotated[str, Field(min_length=1, max_length=200)]
    min_percent: Annotated[int, Field(ge=0, le=100)]
    count: Annotated[int, Field(ge=1, le=MOST_AT_ONCE)]
    without: Annotated[list[UUID], Field(max_length=MOST_SHOWN)] = []
    id: BatchId


class UndoForm(BaseModel):
    """Taking all back."""

    id: BatchId


@router.get(_PAGE)
def show_many(
    service: ServiceHere, caller: PageReviewer, show: ShowHere, query: Annotated[ManyQuery, Query()]
) -> Response:
    """What would be accepted, and its number."""
    return show(
        "many.html.jinja",
        asked=query,
        labels=service.joint.waiting().rows(),
        found=get_matching(service, caller, query.match) if query.match else None,
        kept=service.joint.kept(query.done, caller.name) if query.done else 0,
        batch_id=f"many-{uuid4().hex[:12]}",
        tabs=tabs_of(service, get_progress(service, caller), caller),
    )


@router.post(_PAGE)
def accept_many(service: ServiceHere, caller: PageReviewer, form: Annotated[ManyForm, filled_in(ManyForm)]) -> Response:
    """Accept as `POST /v1/reviews/matching` does."""
    told = {"predicted_label": form.predicted_label, "min_confidence": form.min_percent / 100}
    accept_matching(service, caller, AcceptBody(**told, count=form.count, without=form.without, id=form.id))
    return go_to(with_query(_PAGE, {"done": form.id}))


@router.post(f"{_PAGE}/undo")
def undo_many(service: ServiceHere, caller: PageReviewer, form: Annotated[UndoForm, filled_in(UndoForm)]) -> Response:
    """Take back as `POST /v1/reviews/matching/undo` does."""
    undone = undo_matching(service, caller, TogetherBody(id=form.id))
    return go_to(with_query(_PAGE, {"undone": len(undone.image_ids)}))
