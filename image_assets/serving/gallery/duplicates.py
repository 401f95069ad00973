"""Images of one photo side by side: which are the same, and which one to keep."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from image_assets.access.roles import Role
from image_assets.serving.callers import NeedsOnPage, PageReviewer
from image_assets.serving.gallery.pages import ShowHere, filled_in, go_to, size, with_query
from image_assets.serving.page_tokens import MAX_LENGTH
from image_assets.serving.routes.duplicates import (
    DuplicateImage,
    GroupBody,
    PairBody,
    PairsBody,
    UndoBody,
    get_duplicates,
    post_duplicates,
    undo_duplicates,
)
from image_assets.serving.service import ServiceHere
from image_assets.steps.duplicates.groups import Keeper
from image_assets.steps.duplicates.pair_decisions import PairVerdict, find_void

router = APIRouter(include_in_schema=False)

_PAGE: Final = "/duplicates"
_GROUPS: Final = 12
_MOST_IMAGES: Final = 65
REASONS: Final = {
    Keeper.MOST_PIXELS: "it has the most pixels",
    Keeper.LARGEST_FILE: "of as many pixels it is the largest file",
    Keeper.LABELLED: "it alone has a label",
    Keeper.EARLIEST: "it came first, and nothing else tells them apart",
    Keeper.CHOSEN: "somebody chose it",
}


class Effect(StrEnum):
    """What is said of a group."""

    KEEP = "keep"
    """They are one photo, and the chosen image is the one to keep."""
    MERGE = "merge"
    """They are one photo."""
    PART = "part"
    """The chosen image is another photo; of the first, all others are."""


class GroupForm(BaseModel):
    """What is said of a group, as its form sends it."""

    effect: Effect
    first: UUID
    others: Annotated[list[UUID], Field(min_length=1, max_length=_MOST_IMAGES - 1)]
    chosen: UUID
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    decided: bool = False
    page_token: Annotated[str, Field(max_length=MAX_LENGTH)] = ""

    @property
    def pairs(self) -> PairsBody:
        """As the route of verdicts takes it."""
        verdict = PairVerdict.DIFFERENT if self.effect is Effect.PART else PairVerdict.SAME
        is_one = self.effect is Effect.PART and self.chosen in self.others
        others = [self.chosen] if is_one else self.others
        pairs = [PairBody(one=str(self.first), other=str(each), verdict=verdict) for each in others]
        return PairsBody(pairs=pairs, keeper_id=str(self.chosen) if self.effect is Effect.KEEP else None, id=self.id)


class BackForm(BaseModel):
    """Taking back what was said last, and where to go on."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    decided: bool = False
    page_token: Annotated[str, Field(max_length=MAX_LENGTH)] = ""


@router.get(_PAGE, dependencies=[Depends(NeedsOnPage(Role.REVIEW))])
def show_duplicates(
    service: ServiceHere,
    show: ShowHere,
    *,
    decided: Annotated[bool, Query()] = False,
    page_token: Annotated[str | None, Query(max_length=MAX_LENGTH)] = None,
) -> Response:
    """Groups of two and more, a page of them."""
    found = get_duplicates(service, _GROUPS, page_token, decided)
    return show(
        "duplicates.html.jinja",
        groups=[(each, _facts(each)) for each in found.items],
        total=found.total,
        decided=decided,
        page_token=page_token or "",
        next_page_token=found.next_page_token,
        void=find_void(service.tables),
        reasons=REASONS,
        new_id=lambda: f"form-{uuid4().hex}",
    )


@router.post(_PAGE)
def decide_group(
    service: ServiceHere, caller: PageReviewer, form: Annotated[GroupForm, filled_in(GroupForm)]
) -> Response:
    """Say it as `POST /v1/duplicates` does."""
    post_duplicates(service, caller, form.pairs)
    return go_to(_back(form.decided, form.page_token))


@router.post(f"{_PAGE}/undo")
def undo_group(service: ServiceHere, caller: PageReviewer, form: Annotated[BackForm, filled_in(BackForm)]) -> Response:
    """Take back as `POST /v1/duplicates/undo` does."""
    undo_duplicates(service, caller, UndoBody(id=form.id))
    return go_to(_back(form.decided, form.page_token))


def _back(decided: bool, page_token: str) -> str:
    return with_query(_PAGE, {"decided": "true" if decided else "", "page_token": page_token})


def _facts(group: GroupBody) -> list[tuple[str, list[str], bool]]:
    """What is known of the images: a name, a value for each of them, and whether these differ."""
    rows = {name: [told(each) for each in group.images] for name, told in _TOLD}
    return [(name, values, _differ(values)) for name, values in rows.items()]


def _differ(values: Sequence[str]) -> bool:
    return len(set(values)) > 1


def _likeness(image: DuplicateImage) -> str:
    """How it is like the first, as the comparison found."""
    if image.kind != "near":
        return {"unique": "the first", "exact": "the same bytes", "decided": "somebody said so"}[image.kind]
    turn = f", {image.turn.replace('_', ' ')}" if image.turn and image.turn != "upright" else ""
    return f"{image.likeness:.2f}{turn}" if image.likeness is not None else f"near{turn}"


_TOLD: Final[Sequence[tuple[str, Any]]] = (
    ("Name", lambda image: image.raw_name),
    ("Pixels", lambda image: f"{image.width_px} × {image.height_px}"),  # noqa: RUF001 - the sign of multiplication
    ("File", lambda image: f"{size(image.size_bytes)} {image.format}"),
    ("Label", lambda image: image.label or "–"),  # noqa: RUF001 - as everywhere where nothing is known
    ("Uploaded", lambda image: f"{image.uploaded_at:%Y-%m-%d %H:%M}"),
    ("Likeness", _likeness),
)
