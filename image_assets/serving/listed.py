"""Images in lists, as the service tells of them: what is shown, asked for and counted, and to whom."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from image_assets.access.links import LinkSigner
from image_assets.access.roles import Role
from image_assets.errors import SearchError
from image_assets.serving.callers import Caller
from image_assets.serving.links import Picture, link_to
from image_assets.steps.search.conditions import COLOUR_COLUMN, Condition
from image_assets.steps.search.gallery_facets import FACETS, Facet

SHOWN: Final = (
    *("image_id", "day", "uploaded_at", "state", "label", "label_source", "predicted_label", "confidence_ratio"),
    *("needs_review", "policy", "tags", "caption", "width_px", "height_px", "format", "model_version"),
    *("is_duplicate", "canonical_id", "main_colour", "has_thumbnail", "user_id", "raw_name"),
)
"""Columns that a list is made of."""

_OPEN: Final = frozenset(
    {
        *("image_id", "day", "uploaded_at", "state", "label", "label_source", "predicted_label", "confidence_ratio"),
        *("needs_review", "policy", "tags", "caption", "text", "width_px", "height_px", "format", "model_version"),
        *("encoder", "dominant_colours", "is_near_uniform", "phash", "blur", "brightness_ratio"),
        *("contrast_ratio", "entropy_bits", "original_width_px", "original_height_px", "original_size_bytes"),
    }
)
"""Columns that everybody may ask about; whatever gold gets besides them is for reviewers and admins."""
_OF_OTHERS: Final = frozenset({"canonical_id", "is_duplicate"})
"""Columns that tell of other images: who sees only the own ones is not told that somebody else has the same picture."""

_OF_OWNERS: Final = frozenset({"user_id", "raw_name", "sha256"})

FACET_NAMES: Final = {"user_id": "user", "tags": "tag", COLOUR_COLUMN: "colour"}
"""What facets are called where their column is called otherwise."""


@dataclass(frozen=True, slots=True)
class View:
    """What a caller sees of the images.

    Attributes:
        owner: whose images alone there are; None for everybody's.
        columns: of gold that may be asked about; None for every one.
        with_owners: whether it is shown whose images they are.
    """

    owner: str | None
    columns: Collection[str] | None
    with_owners: bool

    def check(self, conditions: Sequence[Condition]) -> None:
        """Raises `SearchError`, which lists the columns, for a condition on another one."""
        if self.columns is None:
            return
        for condition in conditions:
            if condition.column not in self.columns:
                known = ", ".join(sorted(self.columns))
                raise SearchError(f"images have no column {condition.column!r} to ask for: they have {known}")

    def facets(self, names: Sequence[str]) -> list[str]:
        """The columns of facets by their names; `SearchError`, which lists them, for others."""
        known = {FACET_NAMES.get(column, column): column for column in FACETS if self._counts(column)}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise SearchError(f"{unknown[0]!r} has no facet: {', '.join(known)} have")
        return [known[name] for name in names]

    def _counts(self, column: str) -> bool:
        return self.columns is None or column in self.columns


def view_of(caller: Caller) -> View:
    """Reviewers and admins see everything, readers no owners, and who only uploads sees the own images."""
    if caller.may(Role.REVIEW):
        return View(None, None, with_owners=True)
    if caller.sees_all:
        return View(None, _OPEN | _OF_OTHERS, with_owners=False)
    return View(caller.user_id, _OPEN | _OF_OWNERS, with_owners=True)


class ListedLinks(BaseModel):
    """Where to go from an image; a picture's link is followed without a key until it expires."""

    record: str
    thumbnail: str | None = Field(description="None while there is none, and when it may not be shown.")
    preview: str | None


class ListedImage(BaseModel):
    """An image in a list."""

    model_config = ConfigDict(protected_namespaces=())

    image_id: str
    day: date
    uploaded_at: datetime
    state: str
    label: str | None
    label_source: str | None
    predicted_label: str | None
    confidence_ratio: float | None = Field(description="Calibrated probability of the predicted label.")
    needs_review: bool | None
    policy: str | None
    tags: list[str] | None
    caption: str | None
    width_px: int = Field(description="Of the cleansed image; all its pictures have this shape.")
    height_px: int
    format: str
    model_version: str | None
    is_duplicate: bool | None = Field(description="Null for who sees only the own images.")
    canonical_id: str | None = Field(default=None, description="Earliest image of the same photo.")
    main_colour: str | None = Field(description="#rrggbb of the largest share.")
    user_id: str | None = Field(default=None, description="Who uploaded it; for its owner, reviewers and admins.")
    raw_name: str | None = Field(default=None, description="Its file's name; for its owner, reviewers and admins.")
    links: ListedLinks


class FacetValue(BaseModel):
    """A value of a column."""

    value: str | bool | None = Field(description="None stands for a missing value; ask for it with `column=`.")
    images: int = Field(description="How many a click on it shows, under all other conditions.")


class FacetBody(BaseModel):
    """The values of a column with their numbers of images."""

    values: list[FacetValue] | None = Field(description="At most 20 and the chosen ones; None: no time to count them.")
    more: int | None = Field(description="How many other values there are.")


def shown_image(row: Mapping[str, Any], view: View, signer: LinkSigner, now: datetime) -> dict[str, Any]:
    """The fields of a `ListedImage`."""
    told = {name: row[name] for name in SHOWN if name != "has_thumbnail"}
    hidden = {*(() if view.with_owners else ("user_id", "raw_name")), *(() if view.owner is None else _OF_OTHERS)}
    image_id = row["image_id"]
    pictures = {
        picture.value: link_to(signer, image_id, picture, now) if row["has_thumbnail"] else None
        for picture in (Picture.THUMBNAIL, Picture.PREVIEW)
    }
    links = ListedLinks(record=f"/v1/images/{image_id}", **pictures)
    return {**{name: None if name in hidden else value for name, value in told.items()}, "links": links}


def shown_facet(facet: Facet | None) -> FacetBody:
    """A facet as it is told."""
    if facet is None:
        return FacetBody(values=None, more=None)
    values = [
        FacetValue(value=each.isoformat() if isinstance(each, date) else each, images=images)
        for each, images in facet.counts
    ]
    return FacetBody(values=values, more=facet.more)
