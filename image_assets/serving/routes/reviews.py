"""Reviews: which images a person is asked about, what people decide, and how far that has come."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from image_assets.access.roles import Role
from image_assets.errors import AmbiguousImageError, DecisionError, ImageAssetsError, UnknownImageError
from image_assets.serving.answers import IdempotencyKey, fingerprint_of
from image_assets.serving.body_route import BodyRoute
from image_assets.serving.callers import Caller, Reviewer, needs
from image_assets.serving.image_names import ImageName, as_id
from image_assets.serving.labels_told import LabelChance
from image_assets.serving.links import Picture, link_to
from image_assets.serving.observing.audit import audit
from image_assets.serving.page_tokens import give_token, take_token
from image_assets.serving.paging import USUAL, Items, Page, PageSize, PageToken, cut
from image_assets.serving.problems import ProblemBody, body_of_error, documented
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.classification.conflicts import Conflict, find_conflicts
from image_assets.steps.classification.label_decisions import Decision, KeptDecisions, record_decisions
from image_assets.steps.classification.opinions import Kind
from image_assets.steps.classification.review_progress import progress_of
from image_assets.steps.classification.review_queue import QueueParams, ReviewItem, Why
from image_assets.steps.classification.taken_back import hold_again

router = APIRouter(prefix="/v1/reviews", tags=["reviews"], route_class=BodyRoute)

_MOST_ITEMS, _MOST_DECISIONS = 20, 64
_LONGEST_LABEL: Final = 200
_ID_LENGTH: Final = 48
_THEIRS: Final = (UnknownImageError, AmbiguousImageError, DecisionError)


class ReviewLinks(BaseModel):
    """Where the pictures are; a link is followed without a key until it expires."""

    thumbnail: str
    preview: str
    image: str


class ModelAnswer(BaseModel):
    """What the model says."""

    model_config = ConfigDict(protected_namespaces=())

    predicted_label: str | None
    confidence_ratio: float | None
    top_labels: list[LabelChance] | None
    model_version: str | None


class ReviewBody(BaseModel):
    """An image to decide on, which nobody else is asked about until then."""

    image_id: str
    day: date
    why: Why
    until: datetime = Field(description="From when on others are asked, unless the caller asks or decides before.")
    answer: ModelAnswer | None = Field(description="Null where the caller is to look at the picture alone.")
    links: ReviewLinks


class ReviewList(Items[ReviewBody]):
    """What the caller is asked about next."""


class DecisionBody(BaseModel):
    """A decision on an image."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"image_id": "5c1f8a3e-8f0b-5d6c-9a55-2f1f0f1d7a11", "kind": "label", "label": "dress", "id": "k3-0001"}
            ]
        },
    )

    image_id: ImageName | None = Field(default=None, description="Left out to take back the own last word.")
    kind: Kind = Field(default=Kind.LABEL, description="label, accept (the model is right), skip, or undo.")
    label: str = Field(
        default="", max_length=_LONGEST_LABEL, description="What it shows; of accept: what the caller was shown."
    )
    id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="The caller's own name for the decision: sent again it is the same one.",
    )

    @model_validator(mode="after")
    def _names_an_image(self) -> "DecisionBody":
        if self.image_id is None and self.kind is not Kind.UNDO:
            raise ValueError(f"image_id is needed: only undo can do without, {self.kind} cannot")
        return self


class DecisionsBody(BaseModel):
    """Decisions, each kept or refused by itself."""

    model_config = ConfigDict(extra="forbid")

    decisions: Annotated[list[DecisionBody], Field(min_length=1, max_length=_MOST_DECISIONS)]


class OutcomeBody(BaseModel):
    """What people together say of an image."""

    label: str = Field(description="What counts; while people differ what stood before.")
    is_conflict: bool
    sides: dict[str, str] = Field(description="Who stands by which label.")
    settled_by: str | None


class DecisionResult(BaseModel):
    """What became of a decision."""

    id: str | None
    image_id: str | None
    is_kept: bool
    kind: Kind
    label: str | None = Field(default=None, description="As it is kept, in its normal form.")
    decided_by: str | None = None
    decided_at: datetime | None = None
    outcome: OutcomeBody | None = Field(default=None, description="Null while nobody says what the image shows.")
    problem: ProblemBody | None = None


class DecisionResults(BaseModel):
    """In the order of the decisions; gold has them after the next run of the days."""

    results: list[DecisionResult]
    days: list[date]


class AgreementBody(BaseModel):
    """How often people gave the model's answer, on images drawn at random whose answer they had not seen."""

    agreed: int
    decided: int
    share: float | None
    low: float = Field(description="Lower end of the 95 % interval (Wilson).")
    high: float


class ProgressBody(BaseModel):
    """How far it has come; days are UTC."""

    done_today: int = Field(description="Images that the caller decided or skipped.")
    done_today_by_all: int
    per_hour: float | None = Field(description="The caller's pace within the last hour.")
    left: int = Field(description="Photos that wait for the caller.")
    hours_left: float | None
    conflicts: int
    agreement: AgreementBody


class ConflictBody(BaseModel):
    """An image on which people differ, until somebody decides who had said nothing before."""

    image_id: str
    day: date
    label: str = Field(description="What counts meanwhile.")
    sides: dict[str, str] = Field(description="Who says what.")
    since: datetime
    links: ReviewLinks


class ConflictList(Page[ConflictBody]):
    """A page of conflicts, the oldest first."""

    total: int


@router.get("")
def get_reviews(
    service: ServiceHere,
    caller: Reviewer,
    count: Annotated[int, Query(ge=1, le=_MOST_ITEMS)] = 5,
    second_opinions: Annotated[
        bool, Query(description="Ask about images, too, that one other person has decided.")
    ] = False,
) -> ReviewList:
    """The next images for the caller; those that he has already come first, and are his for five minutes more."""
    params = QueueParams(service.settings.audit_share, second_opinions)
    items = service.reviews.next_items(caller.name, count, service.now(), params)
    return ReviewList(items=[_item(service, each) for each in items])


@router.post("", response_model=DecisionResults, responses=documented((409,)))
def post_reviews(
    request: Request,
    service: ServiceHere,
    caller: Reviewer,
    body: DecisionsBody,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Decide on images under the caller's name.

    What cannot be kept says why in its own result; when nothing could be, that is the answer. An image of which a word
    is taken back is the caller's again for five minutes.
    """
    asked = fingerprint_of(request.method, request.url.path, body.model_dump_json())
    with service.answers.remembering(caller.name, idempotency_key) as memory:
        if replayed := memory.replay(asked):
            return replayed
        # Killed before its answer was kept, the same request makes the same decisions again.
        batch = fingerprint_of(idempotency_key, asked)[:_ID_LENGTH] if idempotency_key else None
        results = decide_each(service, caller, body.decisions, batch)
        response = Response(results.model_dump_json(), media_type="application/json")
        memory.keep(asked, response)
        return response


def decide_each(
    service: Service, caller: Caller, decisions: Sequence[DecisionBody], batch: str | None = None
) -> DecisionResults:
    """Keep or refuse each by itself; the first refusal is raised when nothing could be kept."""
    results, days, problems = [], set[date](), []
    for number, each in enumerate(decisions):
        word = _decision(each, each.id or (batch and f"{batch}.{number}"))
        try:
            kept = record_decisions(service.tables, [word], caller.name, service.now(), service.opinions)
        except _THEIRS as error:
            problems.append(error)
            results.append(_refused(each, error))
        else:
            days.update(kept.days)
            results.append(_kept(each, kept))
            if each.kind is Kind.UNDO:
                (day,), image_id = kept.days, kept.opinions[0].image_id
                hold_again(service.store, service.opinions, day, image_id, caller.name, service.now())
    if len(problems) == len(results):
        raise problems[0]
    audit("decision", [each.image_id for each in results if each.is_kept and each.image_id])
    return DecisionResults(results=results, days=sorted(days))


@router.get("/progress")
def get_progress(service: ServiceHere, caller: Reviewer) -> ProgressBody:
    """What the caller and all have done, what is left, and how often the model was right."""
    opinions, left = service.opinions.recent(), service.reviews.count_left(caller.name)
    progress = progress_of(opinions, caller.name, service.now())
    agreement = progress.agreement
    return ProgressBody(
        done_today=progress.done_today,
        done_today_by_all=progress.done_today_by_all,
        per_hour=progress.per_hour,
        left=left,
        hours_left=left / progress.per_hour if progress.per_hour else None,
        conflicts=len(find_conflicts(service.opinions, opinions)),
        agreement=AgreementBody(
            agreed=agreement.agreed,
            decided=agreement.decided,
            share=agreement.share,
            low=agreement.low,
            high=agreement.high,
        ),
    )


@router.get("/conflicts", dependencies=[needs(Role.REVIEW)])
def get_conflicts(
    service: ServiceHere,
    page_size: PageSize = USUAL,
    page_token: PageToken = None,
) -> ConflictList:
    """Images on which people differ: both names, and what each says."""
    found = find_conflicts(service.opinions, service.opinions.recent())
    after = take_token(service.links, page_token, "conflicts") or ""
    rest = [each for each in found if _mark(each) > after]
    page = rest[: cut(page_size)]
    mark = _mark(page[-1]) if len(page) < len(rest) else None
    return ConflictList(
        items=[_conflict(service, each) for each in page],
        total=len(found),
        next_page_token=give_token(service.links, mark, "conflicts"),
    )


def _decision(body: DecisionBody, name: str | None) -> Decision:
    image = as_id(body.image_id) if body.image_id else ""
    return Decision(image, body.label, kind=body.kind, decision_id=name)


def _kept(body: DecisionBody, kept: KeptDecisions) -> DecisionResult:
    (word,) = kept.opinions
    outcome = kept.outcomes.get(word.image_id)
    return DecisionResult(
        id=body.id,
        image_id=word.image_id,
        is_kept=True,
        kind=word.kind or Kind.LABEL,
        label=word.shows,
        decided_by=word.decided_by,
        decided_at=word.decided_at,
        outcome=OutcomeBody(
            label=outcome.label,
            is_conflict=outcome.is_conflict,
            sides=dict(outcome.sides),
            settled_by=outcome.settled_by,
        )
        if outcome
        else None,
    )


def _refused(body: DecisionBody, error: ImageAssetsError) -> DecisionResult:
    problem = ProblemBody(**body_of_error(error))
    return DecisionResult(id=body.id, image_id=body.image_id, is_kept=False, kind=body.kind, problem=problem)


def _item(service: Service, item: ReviewItem) -> ReviewBody:
    lease = item.lease
    return ReviewBody(
        image_id=lease.image_id,
        day=lease.day,
        why=item.why,
        until=lease.until,
        answer=ModelAnswer(**item.answer) if item.answer else None,
        links=links_of(service, lease.image_id),
    )


def _conflict(service: Service, conflict: Conflict) -> ConflictBody:
    return ConflictBody(
        image_id=conflict.image_id,
        day=conflict.day,
        label=conflict.label,
        sides=dict(conflict.sides),
        since=conflict.since,
        links=links_of(service, conflict.image_id),
    )


def _mark(conflict: Conflict) -> str:
    """Sorts as the conflicts do."""
    return f"{conflict.since:%Y%m%dT%H%M%S%f} {conflict.image_id}"


def links_of(service: Service, image_id: str) -> ReviewLinks:
    """Links to an image's pictures."""
    signer, now = service.links, service.now()
    return ReviewLinks(
        thumbnail=link_to(signer, image_id, Picture.THUMBNAIL, now),
        preview=link_to(signer, image_id, Picture.PREVIEW, now),
        image=f"/v1/images/{image_id}",
    )
