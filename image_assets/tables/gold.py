"""What consumers read: the curated join and the day in numbers."""

import dataframely as dy

from image_assets.tables import columns
from image_assets.tables.enrichment import VERDICTS
from image_assets.tables.images import SILVER_IMAGES
from image_assets.tables.table import Table

LABEL_SOURCES = ["human", "supplied"]
STATES = ["processing", "embedded", "error", "blocked"]
SUMMARY_KINDS = ["outcome", "reason", "state", "label", "format", "stage"]


class GoldImages(dy.Schema):
    """One row per image that is fit for use, with all that is known of it."""

    image_id = columns.image_id()
    day = columns.day()
    user_id = dy.String(nullable=True, description="Who uploaded it.")
    uploaded_at = columns.instant("When it was uploaded.")
    raw_name = dy.String(description="The name that the user gave it.")
    label = dy.String(
        nullable=True,
        description="What people decided, while they differ what stood before; else what came with the upload.",
    )
    label_source = dy.Enum(LABEL_SOURCES, nullable=True, description="human: a decision; supplied: with the upload.")
    format = dy.String(description="Format of the original.")
    original_width_px = columns.pixels("Width of the original as stored.")
    original_height_px = columns.pixels("Height of the original as stored.")
    original_size_bytes = columns.size_bytes("Size of the original.")
    sha256 = columns.sha256("Digest of the original.")
    phash = dy.String(description="64-bit perceptual hash in hexadecimal.")
    blur = dy.Float32(description="Variance of the Laplacian; low is blurred.")
    brightness_ratio = columns.ratio("Mean luma.")
    contrast_ratio = columns.ratio("Standard deviation of luma.")
    entropy_bits = dy.Float32(description="Shannon entropy of the luma histogram.")
    is_near_uniform = dy.Bool(description="Whether the picture shows next to nothing.")
    dominant_colours = dy.List(dy.String(), description="Largest share first.")
    width_px = columns.pixels("Width of the cleansed image.")
    height_px = columns.pixels("Height of the cleansed image.")
    cleansed_path = dy.String(nullable=True, min_length=1, description="Key of the cleansed image; null when blocked.")
    thumbnail_path = dy.String(nullable=True, description="Key of the thumbnail; null when blocked.")
    preview_path = dy.String(nullable=True, description="Key of the watermarked preview; null when blocked.")
    encoder = dy.String(nullable=True, description="Encoder whose vector exists; null while there is none.")
    canonical_id = dy.String(
        nullable=True, description="Earliest image of the same photo, mostly itself; null while not compared."
    )
    is_duplicate = dy.Bool(nullable=True, description="Whether there is an earlier one.")
    tags = dy.List(dy.String(), nullable=True, description="What it shows, surest first; null while untagged.")
    caption = dy.String(nullable=True, description="A sentence that says what it shows.")
    text = dy.String(nullable=True, description="The text in it, a line per line; empty: none; null: not read.")
    predicted_label = dy.String(nullable=True, description="The most probable label; null while not predicted.")
    confidence_ratio = dy.Float32(nullable=True, min=0.0, max=1.0, description="Calibrated probability of it.")
    top_labels = dy.List(
        dy.Struct({"label": dy.String(), "confidence_ratio": dy.Float32()}),
        nullable=True,
        description="At most three labels with their probabilities, most probable first.",
    )
    model_version = dy.String(nullable=True, description="Which model predicted.")
    needs_review = dy.Bool(
        nullable=True, description="Whether the model is unsure and no person has decided, or people differ."
    )
    policy = dy.Enum(VERDICTS, nullable=True, description="Whether it may be shown; null while not judged.")
    state = dy.Enum(
        STATES,
        description="error: a later stage rejected it; blocked: may not be shown; embedded: complete; else processing.",
    )
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()


class DailySummary(dy.Schema):
    """The day in numbers: one row per thing counted, so that a new count needs no new column."""

    day = dy.Date(primary_key=True, description="The partition.")
    kind = dy.Enum(SUMMARY_KINDS, primary_key=True, description="What is counted.")
    name = dy.String(primary_key=True, description="Which of its kind, such as a reason or a label.")
    images = dy.UInt32(description="How many images.")


_VERDICT = "image_moderation.verdict"

GOLD_IMAGES = Table(
    "gold_images",
    GoldImages,
    {
        **{name: f"silver_images.{name}" for name in SILVER_IMAGES.schema.column_names()},
        **{name: f"bronze_images.{name}" for name in ("user_id", "uploaded_at", "raw_name", "label")},
        **{name: f"bronze_images.{name}" for name in ("format", "sha256")},
        **{f"original_{name}": f"bronze_images.{name}" for name in ("width_px", "height_px", "size_bytes")},
        **{name: f"image_predictions.{name}" for name in ("confidence_ratio", "top_labels", "model_version")},
        "label_source": "bronze_images.label",
        "predicted_label": "image_predictions.label",
        "needs_review": "image_predictions.needs_review",
        "encoder": "image_embeddings.image_id",
        "canonical_id": "duplicate_images.canonical_id",
        "is_duplicate": "duplicate_images.canonical_id",
        "tags": "image_tags.tags",
        "caption": "image_captions.caption",
        "text": "image_text.text",
        "policy": _VERDICT,
        # None of the three is shown when blocked.
        "cleansed_path": f"silver_images.cleansed_path {_VERDICT}",
        "thumbnail_path": f"thumbnails.thumbnail_path {_VERDICT}",
        "preview_path": f"watermarked_previews.preview_path {_VERDICT}",
        "state": "rejected_images.image_id image_embeddings.image_id thumbnails.thumbnail_path "
        f"watermarked_previews.preview_path {_VERDICT}",
    },
)
DAILY_SUMMARY = Table(
    "daily_summary",
    DailySummary,
    {
        "name": "bronze_images.format rejected_images.reason rejected_images.stage gold_images.state gold_images.label",
        "images": "bronze_images.image_id rejected_images.item gold_images.image_id",
    },
)
