"""What the service answers, as it stands in `docs/openapi.json`: instants and days are texts in ISO 8601."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict


class LabelChance(TypedDict):
    """A label that a model thinks of, and its calibrated probability."""

    label: str
    confidence_ratio: float


class Said(TypedDict):
    """What a model takes a picture for."""

    label: str
    confidence_ratio: float
    top_labels: Sequence[LabelChance]
    needs_review: bool
    model_version: str


class SaidOfOne(TypedDict, total=False):
    """Of one of several: `prediction`, or the `problem` with it; named by `file` or `image_id`."""

    file: str
    image_id: str
    prediction: Said
    problem: Mapping[str, Any]


class Prediction(Said):
    """The same, and when."""

    predicted_at: str


class ListedImage(TypedDict):
    """An image in a list; what is not for the caller is None."""

    image_id: str
    day: str
    uploaded_at: str
    state: str
    label: str | None
    label_source: str | None
    predicted_label: str | None
    confidence_ratio: float | None
    needs_review: bool | None
    policy: str | None
    tags: Sequence[str] | None
    caption: str | None
    width_px: int
    height_px: int
    format: str
    model_version: str | None
    is_duplicate: bool | None
    canonical_id: str | None
    main_colour: str | None
    user_id: str | None
    raw_name: str | None
    links: Mapping[str, str | None]


class FoundImage(ListedImage):
    """An image that was found, its likeness, and the words of the text by which it is described."""

    score: float | None
    words: Sequence[str]


class ImageList(TypedDict):
    """A page of images; `next_page_token` is None on the last."""

    items: Sequence[ListedImage]
    next_page_token: str | None
    estimated_total: int
    facets: Mapping[str, Mapping[str, Any]] | None


class FoundImages(TypedDict):
    """A page of images, best first."""

    items: Sequence[FoundImage]
    next_page_token: str | None
    unknown: Sequence[str]
    nearest_to: str | None
    encoder: str
    index_version: str | None


class Image(TypedDict):
    """One image; what is not for the caller is None."""

    image_id: str
    day: str
    state: str
    reason: str | None
    detail: str | None
    usual_wait_s: float | None
    user_id: str | None
    raw_name: str | None
    uploaded_at: str | None
    label: str | None
    label_source: str | None
    tags: Sequence[str] | None
    caption: str | None
    text: str | None
    canonical_id: str | None
    is_duplicate: bool | None
    policy: str | None
    features: Mapping[str, Any]
    exif: Mapping[str, Any] | None
    predictions: Sequence[Prediction]
    decisions: Sequence[Mapping[str, Any]] | None
    links: Mapping[str, str | None]
    lineage: Mapping[str, Any]


class Vectors(TypedDict):
    """Unit vectors of an encoder."""

    encoder: str
    revision: str
    dimension: int
    vectors: Sequence[Sequence[float]]


class ReviewBody(TypedDict):
    """An image that a reviewer is asked about, until when it is his, and what the model says, if that is told."""

    image_id: str
    day: str
    why: str
    until: str
    answer: Mapping[str, Any] | None
    links: Mapping[str, str]


class ErasedCopy(TypedDict):
    """A place that an erased image was published to, and what may hold it there still."""

    place: str
    rows_removed: int
    remains: str | None
    reached_at: str


class Certificate(TypedDict):
    """What is left of an erased image."""

    image_id: str
    requested_by: str
    begun_at: str
    erased_at: str | None
    objects_removed: int
    rows_removed: int
    days_to_run: Sequence[str]
    copies: Sequence[ErasedCopy]
