"""What models say of an image: tags, a caption, the text in it, and whether it may be shown."""

import dataframely as dy
import polars as pl

from image_assets.tables import columns
from image_assets.tables.table import Table

VERDICTS = ["allowed", "unjudged", "review", "blocked"]
_CONFIDENCE = dy.Float32(min=0.0, max=1.0)


class ImageTags(dy.Schema):
    """One row per embedded image: the terms of the vocabulary that it was found to show."""

    image_id = columns.image_id()
    day = columns.day()
    tags = dy.List(
        dy.Struct(
            {
                "tag": dy.String(min_length=1),
                "kind": dy.String(min_length=1),
                "confidence_ratio": _CONFIDENCE,
            }
        ),
        description="Surest first; kind is product, colour, … as the vocabulary has it. Empty when nothing is sure.",
    )
    encoder = dy.String(min_length=1, description="Whose vectors were compared.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()


class ImageCaptions(dy.Schema):
    """One row per image: a sentence that says what it shows."""

    image_id = columns.image_id()
    day = columns.day()
    caption = dy.String(nullable=True, min_length=1, description="Null when there is nothing to say.")
    source = dy.String(min_length=1, description="template: put together from the tags; else the model's name.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()


class ImageText(dy.Schema):
    """One row per image: the text that can be read in it."""

    image_id = columns.image_id()
    day = columns.day()
    text = dy.String(description="All lines, from top to bottom, one per line; empty when there is none.")
    confidence_ratio = dy.Float32(nullable=True, min=0.0, max=1.0, description="Mean over the letters; null: no text.")
    boxes = dy.List(
        dy.Struct(
            {
                "text": dy.String(min_length=1),
                "confidence_ratio": _CONFIDENCE,
                "left_ratio": _CONFIDENCE,
                "top_ratio": _CONFIDENCE,
                "right_ratio": _CONFIDENCE,
                "bottom_ratio": _CONFIDENCE,
            }
        ),
        description="A box per line, upright; edges as shares of the picture's width and height.",
    )
    reader = dy.String(min_length=1, description="What read it.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()


class ImageModeration(dy.Schema):
    """One row per embedded image, or per image that a classifier looked at: whether it may be shown."""

    image_id = columns.image_id()
    day = columns.day()
    verdict = dy.Enum(VERDICTS, description="The worst that a policy says; unjudged: nothing here can tell.")
    policy = dy.String(nullable=True, description="The policy that says review or blocked; null otherwise.")
    confidence_ratio = dy.Float32(nullable=True, min=0.0, max=1.0, description="Of that policy.")
    scores = dy.List(
        dy.Struct(
            {
                "policy": dy.String(min_length=1),
                "verdict": dy.Enum(VERDICTS),
                "confidence_ratio": dy.Float32(nullable=True, min=0.0, max=1.0),
            }
        ),
        min_length=1,
        description="What every policy says; no confidence where it cannot be judged.",
    )
    encoder = dy.String(min_length=1, description="Whose vectors were compared, or what looked at the picture.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()

    @dy.rule()
    def names_the_policy_that_holds_it(cls) -> pl.Expr:
        """A policy is named when, and only when, the picture is held."""
        return pl.col("policy").is_not_null() == pl.col("verdict").is_in(["review", "blocked"])


_OF_VECTORS = {"*": "image_embeddings.embedding", "image_id": "image_embeddings.image_id", "encoder": ""}

IMAGE_TAGS = Table("image_tags", ImageTags, _OF_VECTORS)
IMAGE_CAPTIONS = Table(
    "image_captions",
    ImageCaptions,
    {
        "image_id": "image_tags.image_id silver_images.image_id",
        "caption": "image_tags.tags silver_images.cleansed_path",
    },
)
IMAGE_TEXT = Table(
    "image_text",
    ImageText,
    {"*": "bronze_images.raw_path", "image_id": "bronze_images.image_id", "reader": ""},
)
IMAGE_MODERATION = Table(
    "image_moderation",
    ImageModeration,
    {
        "*": "image_embeddings.embedding silver_images.cleansed_path",
        "image_id": "image_embeddings.image_id silver_images.image_id",
        "encoder": "",
    },
)
