"""Which images show the same photo as an earlier one."""

import dataframely as dy
import polars as pl

from image_assets.tables import columns
from image_assets.tables.table import Table

DUPLICATE_KINDS = ["unique", "exact", "near", "decided"]
TURNS = [
    "upright",
    "mirrored",
    "flipped",
    "half_turn",
    "transposed",
    "quarter_turn",
    "three_quarter_turn",
    "transversed",
]


class DuplicateImages(dy.Schema):
    """One row per cleansed image: the earliest image that shows the same photo, which may be itself."""

    image_id = columns.image_id()
    day = columns.day()
    canonical_id = dy.String(
        regex=columns.UUID_PATTERN, description="Earliest image of the same photo; itself when there is none before."
    )
    kind = dy.Enum(
        DUPLICATE_KINDS,
        description="unique: the first of its photo; exact: same bytes; near: same picture; decided: a person said so.",
    )
    distance_bits = dy.UInt8(nullable=True, max=64, description="Bits in which the perceptual hashes differ.")
    similarity = dy.Float32(nullable=True, description="Cosine of the vectors of near ones; null where one is missing.")
    likeness = dy.Float32(
        nullable=True, description="Correlation of the details, one picture laid over the other; of near ones."
    )
    turn = dy.Enum(TURNS, nullable=True, description="What makes the canonical image of a near one.")
    label_conflict = dy.Bool(description="Whether both came with a label, and not with the same one.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()

    @dy.rule()
    def only_the_first_is_unique(cls) -> pl.Expr:
        """An image stands for itself if and only if its kind is unique."""
        return (pl.col("image_id") == pl.col("canonical_id")) == (pl.col("kind").cast(pl.String) == "unique")


_LIKENESS = "bronze_images.sha256 silver_images.phash silver_images.cleansed_path image_embeddings.embedding"

DUPLICATE_IMAGES = Table(
    "duplicate_images",
    DuplicateImages,
    {
        "image_id": "silver_images.image_id",
        "canonical_id": f"{_LIKENESS} bronze_images.uploaded_at",
        "kind": _LIKENESS,
        "distance_bits": "silver_images.phash",
        "similarity": "image_embeddings.embedding",
        "likeness": "silver_images.cleansed_path",
        "turn": "silver_images.phash",
        "label_conflict": f"{_LIKENESS} bronze_images.label",
    },
)
