"""An image as the service tells of it, and how much of it a caller may see."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from image_assets.access.links import LinkSigner
from image_assets.access.roles import Role
from image_assets.serving.callers import Caller
from image_assets.serving.labels_told import LabelChance
from image_assets.serving.links import Picture, link_to
from image_assets.serving.visible import is_own
from image_assets.steps.classification.opinions import Kind, Opinion
from image_assets.steps.questions.image_record import ImageRecord, ImageState, MadeRow

PATH_COLUMNS: Final = {
    Picture.SILVER: "cleansed_path",
    Picture.THUMBNAIL: "thumbnail_path",
    Picture.PREVIEW: "preview_path",
}
"""Columns of gold that name the pictures; empty while there is none, and when it may not be shown."""
_FEATURES: Final = (
    *("format", "original_width_px", "original_height_px", "original_size_bytes", "width_px", "height_px"),
    *("phash", "blur", "brightness_ratio", "contrast_ratio", "entropy_bits", "is_near_uniform", "dominant_colours"),
)
_SHOWN: Final = (
    "uploaded_at",
    "label",
    "label_source",
    "tags",
    "caption",
    "text",
    "canonical_id",
    "is_duplicate",
    "policy",
)
_OF_OTHERS: Final = ("canonical_id", "is_duplicate")
_OWN: Final = ("user_id", "raw_name", "sha256")
"""Columns that only the owner of the image, reviewers and admins see."""


class Prediction(BaseModel):
    """What a model took the image for."""

    label: str
    confidence_ratio: float = Field(description="Calibrated probability, 0 to 1.")
    top_labels: list[LabelChance]
    model_version: str
    needs_review: bool
    predicted_at: datetime


class Decision(BaseModel):
    """A person's word on what the image shows, whether or not it was taken back later."""

    kind: Kind
    label: str | None
    decided_by: str
    decided_at: datetime
    predicted_label: str | None = Field(description="What the model said then.")
    model_version: str | None

    @classmethod
    def of(cls, word: Opinion) -> Self:
        """A word as it lies in the lake."""
        return cls(
            kind=word.kind or Kind.LABEL,
            label=word.shows,
            decided_by=word.decided_by,
            decided_at=word.decided_at,
            predicted_label=word.predicted_label,
            model_version=word.model_version,
        )


class LineageStep(BaseModel):
    """A row that a step made of the image."""

    table: str
    recipe_version: str
    input_version: str
    processed_at: datetime
    run_url: str | None = Field(default=None, description="The run in Dagster's UI, where its address is known.")


class Lineage(BaseModel):
    """Where the image came from, and what made what is said of it."""

    source_uri: str | None = Field(default=None, description="Where the file was found; for admins.")
    sha256: str | None = Field(default=None, description="Digest of the original; for its owner, reviewers and admins.")
    encoder: str | None
    model_version: str | None
    steps: list[LineageStep]


class ImageLinks(BaseModel):
    """Where the pictures are; a link is followed without a key until it expires."""

    original: str | None = None
    silver: str | None = None
    thumbnail: str | None = None
    preview: str | None = None
    similar: str


class Image(BaseModel):
    """One image of the lake."""

    model_config = ConfigDict(protected_namespaces=())

    image_id: str
    day: date
    state: ImageState
    reason: str | None = Field(description="Why a stage refused it, of the closed list.")
    detail: str | None = Field(description="What was found, and what is allowed.")
    usual_wait_s: float | None = Field(
        default=None, description="Of an image that is not done: the median from upload to gold of the newest images."
    )
    user_id: str | None = Field(default=None, description="Who uploaded it; for its owner, reviewers and admins.")
    raw_name: str | None = Field(default=None, description="Its file's name; for its owner, reviewers and admins.")
    uploaded_at: datetime | None = None
    label: str | None = None
    label_source: str | None = None
    tags: list[str] | None = None
    caption: str | None = None
    text: str | None = None
    canonical_id: str | None = None
    is_duplicate: bool | None = None
    policy: str | None = None
    features: dict[str, Any]
    exif: dict[str, Any] | None = Field(default=None, description="Of the original; for admins: it may hold a place.")
    predictions: list[Prediction] = Field(description="One per model, that of the model in use last first.")
    decisions: list[Decision] | None = Field(default=None, description="Who decided what; for reviewers and admins.")
    links: ImageLinks
    lineage: Lineage


@dataclass(frozen=True, slots=True)
class Telling:
    """What an image is told with: who asks, when, links, and what people said of it."""

    caller: Caller
    now: datetime
    signer: LinkSigner
    opinions: Sequence[Opinion] = ()
    usual_wait_s: float | None = None
    dagster_url: str | None = None


def image_of(record: ImageRecord, telling: Telling) -> Image:
    """What a caller may see of an image; the original and its name are its owner's and for reviewers and admins."""
    caller, facts = telling.caller, record.facts
    is_private, is_reviewed = caller.may(Role.ADMIN), caller.may(Role.REVIEW)
    is_its = is_own(record, caller)
    is_open = is_reviewed or is_its
    told = {name: facts.get(name) for name in (*_SHOWN, *(_OWN if is_open else ()))}
    if not caller.sees_all:
        # Nor that somebody else has the same picture.
        told |= dict.fromkeys(_OF_OTHERS)
    return Image(
        image_id=record.image_id,
        day=record.day,
        state=record.state,
        reason=record.reason,
        detail=record.detail if is_open else None,
        usual_wait_s=telling.usual_wait_s,
        **{name: value for name, value in told.items() if name != "sha256"},
        features={name: facts.get(name) for name in _FEATURES},
        exif=_exif(record.private) if is_private else None,
        predictions=[Prediction(**row, predicted_at=row["processed_at"]) for row in record.predictions],
        decisions=[Decision.of(word) for word in telling.opinions] if is_reviewed else None,
        links=_links(record, telling, with_original=is_private or is_its),
        lineage=Lineage(
            source_uri=record.private.get("source_uri") if is_private else None,
            sha256=told.get("sha256"),
            encoder=facts.get("encoder"),
            model_version=facts.get("model_version"),
            steps=[_step(row, record.day, telling.dagster_url) for row in record.made],
        ),
    )


def _exif(private: Mapping[str, Any]) -> dict[str, Any] | None:
    told: dict[str, Any] | None = json.loads(private.get("exif") or "null")
    return told


def _links(record: ImageRecord, telling: Telling, *, with_original: bool) -> ImageLinks:
    pictures = [picture for picture, column in PATH_COLUMNS.items() if record.facts.get(column)]
    if with_original and record.facts:
        pictures.append(Picture.ORIGINAL)
    if record.state is ImageState.BLOCKED:
        # Whoever has a link may follow it; the original is for its owner and admins, with their keys.
        pictures.clear()
    links = {picture.value: link_to(telling.signer, record.image_id, picture, telling.now) for picture in pictures}
    return ImageLinks(**links, similar=f"/v1/images/{record.image_id}/similar")


def _step(row: MadeRow, day: date, dagster_url: str | None) -> LineageStep:
    """With a link to the materialization of the asset, which shows its run."""
    asset = row.table.split("/")[0]
    url = materialization_url(dagster_url, asset, day) if dagster_url else None
    return LineageStep(
        table=row.table,
        recipe_version=row.recipe_version,
        input_version=row.input_version,
        processed_at=row.processed_at,
        run_url=url if not asset.startswith("_") else None,
    )


def materialization_url(dagster_url: str, asset: str, day: date) -> str:
    """Where Dagster shows the materializations of a day of an asset, each with its run."""
    return f"{dagster_url.rstrip('/')}/assets/{quote(asset)}?view=events&partition={day}"
