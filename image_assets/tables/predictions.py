"""What a model takes each image for; one folder per model version, so that history stays."""

import dataframely as dy

from image_assets.tables import columns
from image_assets.tables.table import Table

IMAGE_PREDICTIONS = "image_predictions"
TOP_LABELS = 3


class ImagePredictions(dy.Schema):
    """One row per image and model version: the most probable labels."""

    image_id = columns.image_id()
    day = columns.day()
    label = dy.String(description="The most probable label.")
    confidence_ratio = columns.ratio("Calibrated probability of the label.")
    top_labels = dy.List(
        dy.Struct({"label": dy.String(), "confidence_ratio": dy.Float32(min=0.0, max=1.0)}),
        min_length=1,
        max_length=TOP_LABELS,
        description="At most three labels with their probabilities, most probable first.",
    )
    model_version = dy.String(min_length=1, description="Which model said so.")
    needs_review = dy.Bool(description="Whether the confidence is below the threshold.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()


ALL_PREDICTIONS = Table(
    IMAGE_PREDICTIONS,
    ImagePredictions,
    {
        "*": "image_embeddings.embedding silver_images.cleansed_path",
        "image_id": "image_embeddings.image_id",
        "model_version": "classifier_evaluations.is_promoted",
    },
)
"""Those of all model versions together."""


def predictions_table(model_version: str) -> Table:
    """The table of one version; versions live side by side."""
    return Table(f"{IMAGE_PREDICTIONS}/{model_version}", ImagePredictions)
