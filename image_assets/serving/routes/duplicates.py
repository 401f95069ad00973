"""Duplicates: images of one photo, which of them to keep, and what people say of a pair."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from image_assets.access.roles import Role
from image_assets.serving.body_route import BodyRoute
from image_assets.serving.callers import Reviewer, needs
from image_assets.serving.image_names import ImageName, as_id
from image_assets.serving.links import Picture, link_to
from image_assets.serving.observing.audit import audit
from image_assets.serving.page_tokens import give_token, take_token
from image_assets.serving.paging import USUAL, Page, PageSize, PageToken, cut
from image_assets.serving.problems import documented
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.duplicates.groups import DuplicateGroup, Keeper
from image_assets.steps.duplicates.pair_decisions import (
    PairVerdict,
    PairWord,
    record_pair_decision,
    undo_pair_decisions,
)

router = APIRouter(prefix="/v1/duplicates", tags=["duplicates"], route_class=BodyRoute)

_MOST_PAIRS = 64
DecisionId = Annotated[
    str | None,
    Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="The caller's own name for it: sent again it is the same."),
]


class DuplicateImage(BaseModel):
    """An image of a group, with what it is compared by."""

    image_id: str
    day: date
    kind: str = Field(description="unique: the first; exact: the same bytes; near: the same picture; decided.")
    distance_bits: int | None
    similarity: float | None
    likeness: float | None
    turn: str | None = Field(description="How it is turned or mirrored.")
    label: str | None = Field(description="That came with the upload.")
    raw_name: str
    uploaded_at: datetime
    width_px: int
    height_px: int
    size_bytes: int
    format: str
    verdict: PairVerdict | None = Field(
        description="What a person said of it and the first; counts from the next run of its day on."
    )
    decided_by: str | None = Field(description="Who said so.")
    since: date | None = Field(description="The verdict counts once this day and those after it have run again.")
    preview: str = Field(description="Followed without a key until it expires.")


class GroupBody(BaseModel):
    """Images of one photo, two or more; the first stands for all."""

    canonical_id: str
    images: list[DuplicateImage]
    keeper_id: str = Field(description="The one to keep, if one is to be kept.")
    keeper_reason: Keeper


class GroupList(Page[GroupBody]):
    """A page of groups, in the order of their first images' ids."""

    total: int


class PairBody(BaseModel):
    """A verdict on two images."""

    model_config = ConfigDict(extra="forbid")

    one: ImageName
    other: ImageName
    verdict: PairVerdict


class PairsBody(BaseModel):
    """Verdicts, kept in their order."""

    model_config = ConfigDict(extra="forbid")

    pairs: Annotated[list[PairBody], Field(min_length=1, max_length=_MOST_PAIRS)]
    keeper_id: ImageName | None = Field(default=None, description="The image of them to keep, if the caller says so.")
    id: DecisionId = None


class UndoBody(BaseModel):
    """Taking back what the caller said last."""

    model_config = ConfigDict(extra="forbid")

    id: DecisionId = None


class PairResult(BaseModel):
    """A kept verdict."""

    first_id: str
    second_id: str
    verdict: PairVerdict
    decided_by: str
    decided_at: datetime
    since: date = Field(description="It counts once this day and those after it have run again.")


class PairResults(BaseModel):
    """What was kept."""

    results: list[PairResult]


@router.get("", dependencies=[needs(Role.REVIEW)])
def get_duplicates(
    service: ServiceHere,
    page_size: PageSize = USUAL,
    page_token: PageToken = None,
    decided: Annotated[bool, Query(description="Also groups of which people have said everything.")] = False,
) -> GroupList:
    """Groups of images of one photo, with a suggestion which one to keep."""
    after = take_token(service.links, page_token, ("duplicates", decided)) or ""
    page = service.duplicates.page(cut(page_size), after, only_undecided=not decided)
    mark = None if page.is_last or not page.groups else page.groups[-1].canonical_id
    return GroupList(
        items=[_group(service, each) for each in page.groups],
        total=page.total,
        next_page_token=give_token(service.links, mark, ("duplicates", decided)),
    )


@router.post("", responses=documented((409,)))
def post_duplicates(service: ServiceHere, caller: Reviewer, body: PairsBody) -> PairResults:
    """Say of pairs that they are the same photo or different ones, and which image is to be kept if one is.

    Of two verdicts on a pair the later counts; undo takes back the caller's own.
    """
    results = []
    keeper_id = as_id(body.keeper_id) if body.keeper_id else None
    for pair in body.pairs:
        kept = record_pair_decision(
            service.tables,
            as_id(pair.one),
            as_id(pair.other),
            pair.verdict,
            caller.name,
            service.now(),
            decision_id=body.id,
            keeper_id=keeper_id,
        )
        audit("pair decision", [kept.first_id, kept.second_id], pair.verdict)
        results.append(_result(kept))
    return PairResults(results=results)


@router.post("/undo")
def undo_duplicates(service: ServiceHere, caller: Reviewer, body: UndoBody) -> PairResults:
    """Take back what the caller said last: of all pairs that were sent together under one id."""
    undone = undo_pair_decisions(service.tables, caller.name, service.now(), decision_id=body.id)
    for each in undone:
        audit("pair decision", [each.first_id, each.second_id], PairVerdict.UNDO)
    return PairResults(results=[_result(each) for each in undone])


def _group(service: Service, group: DuplicateGroup) -> GroupBody:
    signer, now = service.links, service.now()
    images = [
        DuplicateImage(**image, preview=link_to(signer, image["image_id"], Picture.PREVIEW, now))
        for image in group.images
    ]
    return GroupBody(
        canonical_id=group.canonical_id, images=images, keeper_id=group.keeper_id, keeper_reason=group.keeper
    )


def _result(kept: PairWord) -> PairResult:
    return PairResult(
        first_id=kept.first_id,
        second_id=kept.second_id,
        verdict=PairVerdict(kept.verdict),
        decided_by=kept.decided_by,
        decided_at=datetime.fromisoformat(kept.decided_at),
        since=date.fromisoformat(kept.since),
    )
