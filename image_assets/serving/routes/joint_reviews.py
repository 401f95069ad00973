"""Reviews of many images at once, and of labels that are doubtful."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from image_assets.ids import ImageId
from image_assets.serving.body_route import BodyRoute
from image_assets.serving.callers import Reviewer
from image_assets.serving.observing.audit import audit
from image_assets.serving.paging import Items
from image_assets.serving.routes.reviews import ReviewLinks, links_of
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.classification.issue_queue import IssueItem
from image_assets.steps.classification.joint_acceptance import MOST_AT_ONCE, Match

router = APIRouter(prefix="/v1/reviews", tags=["reviews"], route_class=BodyRoute)

MOST_SHOWN: Final = 60
_MOST_ISSUES, _LONGEST_LABEL = 20, 200
BatchId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]{4,20}$", description="The caller's own name for it: sent again it is the same.")
]


class MatchQuery(BaseModel):
    """Which answers of the model are meant."""

    model_config = ConfigDict(extra="forbid")

    predicted_label: str = Field(min_length=1, max_length=_LONGEST_LABEL, examples=["dress"])
    min_confidence: float = Field(default=0.0, ge=0, le=1, description="How sure the model is at least.")

    @property
    def match(self) -> Match:
        """As steps have it."""
        return Match(self.predicted_label, self.min_confidence)


class MatchBody(BaseModel):
    """An image that would be accepted."""

    image_id: str
    links: ReviewLinks


class Matches(BaseModel):
    """What would be accepted; photos that somebody looks at right now are not among them."""

    count: int
    most_at_once: int
    images: list[MatchBody] = Field(description="Some of them, the least sure first.")


class AcceptBody(MatchQuery):
    """Accepting all that match."""

    count: int = Field(ge=1, le=MOST_AT_ONCE, description="How many the caller was told: with another number it fails.")
    without: list[UUID] = Field(
        default=[],
        max_length=MOST_SHOWN,
        description="Images that match and are left out: they still wait for a decision, and count.",
    )
    id: BatchId


class TogetherBody(BaseModel):
    """Taking back what was accepted together."""

    model_config = ConfigDict(extra="forbid")

    id: BatchId


class Joined(BaseModel):
    """What was decided together; gold has it after the next run of the days."""

    image_ids: list[str]
    days: list[date]


class IssueBody(BaseModel):
    """A label to keep or to change, about which nobody else is asked until then."""

    image_id: str
    day: date
    until: datetime
    kind: str = Field(description="noise: no model believes it; conflict: a near-copy has another one.")
    label: str = Field(description="What was said.")
    suggested_label: str
    confidence_ratio: float | None = Field(description="How sure models are that learned from other images.")
    links: ReviewLinks


class IssueList(Items[IssueBody]):
    """Doubtful labels, the most doubtful first."""

    left: int


@router.get("/matching")
def get_matching(
    service: ServiceHere,
    _: Reviewer,
    query: Annotated[MatchQuery, Query()],
) -> Matches:
    """How many images wait for a decision and match, and some of them: nothing is accepted by asking."""
    found = service.joint.find(query.match, service.now())
    shown = [MatchBody(image_id=each, links=links_of(service, each)) for each in found[:MOST_SHOWN]]
    return Matches(count=len(found), most_at_once=MOST_AT_ONCE, images=shown)


@router.post("/matching")
def accept_matching(service: ServiceHere, caller: Reviewer, body: AcceptBody) -> Joined:
    """Accept what the model says of all images that match, but for some, if they are as many as the caller repeats."""
    without = {ImageId(str(each)) for each in body.without}
    done = service.joint.accept(body.match, body.count, body.id, caller.name, service.now(), without)
    audit("joint acceptance", done.image_ids, note=body.id)
    return Joined(image_ids=[*done.image_ids], days=[*done.days])


@router.post("/matching/undo")
def undo_matching(service: ServiceHere, caller: Reviewer, body: TogetherBody) -> Joined:
    """Take back what the caller accepted together, but for images of which the caller said something since."""
    done = service.joint.undo(body.id, caller.name, service.now())
    audit("joint acceptance", done.image_ids, "undone", body.id)
    return Joined(image_ids=[*done.image_ids], days=[*done.days])


@router.get("/issues")
def get_issues(
    service: ServiceHere, caller: Reviewer, count: Annotated[int, Query(ge=1, le=_MOST_ISSUES)] = 5
) -> IssueList:
    """Labels that models disagree with, or near-copies; they are the caller's for five minutes."""
    items = service.issues.next_items(caller.name, count, service.now())
    return IssueList(items=[_issue(service, each) for each in items], left=service.issues.count_left(caller.name))


def _issue(service: Service, item: IssueItem) -> IssueBody:
    return IssueBody(
        image_id=item.lease.image_id,
        day=item.lease.day,
        until=item.lease.until,
        kind=item.kind,
        label=item.label,
        suggested_label=item.suggested,
        confidence_ratio=item.confidence_ratio,
        links=links_of(service, item.lease.image_id),
    )
