"""Reviewing: one picture after the other, by keys or by buttons; what people differ on; labels that are doubtful."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from image_assets.serving.callers import Caller, PageReviewer
from image_assets.serving.gallery.pages import ShowHere, filled_in, go_to, percent, with_query
from image_assets.serving.page_tokens import MAX_LENGTH
from image_assets.serving.routes.joint_reviews import IssueBody, get_issues
from image_assets.serving.routes.reviews import (
    DecisionBody,
    ProgressBody,
    ReviewBody,
    ReviewLinks,
    decide_each,
    get_conflicts,
    get_progress,
    get_reviews,
)
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.classification.opinions import Kind
from image_assets.steps.classification.review_queue import Why

router = APIRouter(include_in_schema=False)

_HELD: Final = 12
"""Pictures of a page: the one that is looked at, five that are loaded ahead, and some to fetch the next ones in."""
_CONFLICTS: Final = 24
_QUESTIONS: Final = {
    Why.UNSURE: "What does it show?",
    Why.CONFLICT: "Two people differ. What does it show?",
    Why.SECOND_OPINION: "Somebody has decided. What do you say?",
}


class Place(StrEnum):
    """Where a decision is made, and where its form leads back to."""

    QUEUE = "/review"
    ISSUES = "/review/issues"
    CONFLICTS = "/review/conflicts"


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture that a person is asked about.

    Attributes:
        image_id: which.
        links: to its pictures.
        question: what is asked.
        detail: what is known already.
        told: what can be accepted; None where the picture is to be looked at first.
        said: the label that it has, of a doubtful one.
    """

    image_id: str
    links: ReviewLinks
    question: str
    detail: str
    told: str | None
    said: str | None = None


class DecisionForm(BaseModel):
    """What the form of a picture sends."""

    place: Place = Place.QUEUE
    second_opinions: bool = False
    image_id: UUID | None = None
    kind: Kind = Kind.LABEL
    label: Annotated[str, Field(max_length=200)] = ""
    other: Annotated[str, Field(max_length=200)] = ""
    told: Annotated[str, Field(max_length=200)] = ""
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    mark: str = ""

    @property
    def decision(self) -> DecisionBody:
        """As the route of decisions takes it."""
        labels = {Kind.LABEL: self.label or self.other, Kind.ACCEPT: self.told}
        # Only taking back can do without an image: without one there is nothing to decide on.
        image_id = self.image_id if self.kind is Kind.UNDO else self.image_id or UUID(int=0)
        return DecisionBody(
            image_id=str(image_id) if image_id else None, kind=self.kind, label=labels.get(self.kind, ""), id=self.id
        )

    def back(self, image_id: str | None) -> str:
        """The page to go on with; what was taken back comes first there."""
        first = image_id if self.kind is Kind.UNDO and self.place is not Place.CONFLICTS else None
        return with_query(self.place, {"second_opinions": "true" if self.second_opinions else "", "first": first})


@router.get("/review")
def show_queue(
    service: ServiceHere,
    caller: PageReviewer,
    show: ShowHere,
    *,
    second_opinions: Annotated[bool, Query()] = False,
    first: UUID | None = None,
) -> Response:
    """What the model is least sure of, one picture after the other; `first` is shown first, if it is the caller's."""
    found = get_reviews(service, caller, _HELD, second_opinions).items
    return show(
        "review.html.jinja",
        asked=_led_by(first, [_of_queue(each) for each in found]),
        place=Place.QUEUE,
        second_opinions=second_opinions,
        **_common(service, caller),
    )


@router.get("/review/issues")
def show_issues(service: ServiceHere, caller: PageReviewer, show: ShowHere, first: UUID | None = None) -> Response:
    """Labels that models disagree with, one picture after the other; `first` as in the queue."""
    found = get_issues(service, caller, _HELD).items
    return show(
        "review.html.jinja",
        asked=_led_by(first, [_of_issues(each) for each in found]),
        place=Place.ISSUES,
        second_opinions=False,
        **_common(service, caller),
    )


@router.get("/review/conflicts")
def show_conflicts(
    service: ServiceHere,
    caller: PageReviewer,
    show: ShowHere,
    page_token: Annotated[str | None, Query(max_length=MAX_LENGTH)] = None,
) -> Response:
    """Pictures on which people differ: who says what, and a form for the third who decides."""
    return show(
        "conflicts.html.jinja",
        found=get_conflicts(service, _CONFLICTS, page_token),
        place=Place.CONFLICTS,
        **_common(service, caller),
    )


@router.post("/review")
def decide(
    service: ServiceHere, caller: PageReviewer, form: Annotated[DecisionForm, filled_in(DecisionForm)]
) -> Response:
    """Decide as `POST /v1/reviews` does."""
    (result,) = decide_each(service, caller, [form.decision]).results
    return go_to(form.back(result.image_id))


def tabs_of(service: Service, progress: ProgressBody, caller: Caller) -> list[tuple[str, str, int | None]]:
    """The queues, each with how many wait in it."""
    return [
        (Place.QUEUE.value, "Queue", progress.left),
        (Place.CONFLICTS.value, "Conflicts", progress.conflicts),
        (Place.ISSUES.value, "Label issues", service.issues.count_left(caller.name)),
        ("/review/many", "Accept many", None),
    ]


def _common(service: Service, caller: Caller) -> dict[str, Any]:
    """What every page of a queue shows."""
    progress = get_progress(service, caller)
    return {
        "labels": service.labels.all(),
        "progress": progress,
        "ends_at": _end(service.now(), progress),
        "tabs": tabs_of(service, progress, caller),
        "new_id": lambda: f"form-{uuid4().hex}",
    }


def _led_by(first: UUID | None, asked: list[Asked]) -> list[Asked]:
    return sorted(asked, key=lambda each: each.image_id != str(first))


def _end(now: datetime, progress: ProgressBody) -> datetime | None:
    return now + timedelta(hours=progress.hours_left) if progress.hours_left else None


def _of_queue(item: ReviewBody) -> Asked:
    answer, question = item.answer, _QUESTIONS[item.why]
    if answer is None or answer.predicted_label is None:
        detail = "Look first: the model's answer is kept back." if answer is None else "No model has seen it yet."
        return Asked(item.image_id, item.links, question, detail, None)
    chances = [(each.label, each.confidence_ratio) for each in answer.top_labels or []]
    told = chances or [(answer.predicted_label, answer.confidence_ratio or 0.0)]
    detail = "The model says " + ", or ".join(f"{label} {percent(chance)}" for label, chance in told)
    return Asked(item.image_id, item.links, question, detail, answer.predicted_label)


def _of_issues(item: IssueBody) -> Asked:
    sure = f", {percent(item.confidence_ratio)} sure" if item.confidence_ratio is not None else ""
    who = "A near-copy is called" if item.kind == "conflict" else "Models that never saw it say"
    detail = f"{who} {item.suggested_label}{sure}"
    question = f"Is it {item.label}?"
    return Asked(item.image_id, item.links, question, detail, item.suggested_label, item.label)
