"""Vectors, one table per encoder."""

from functools import cache

import dataframely as dy
import polars as pl

from image_assets.tables import columns
from image_assets.tables.table import Table

IMAGE_EMBEDDINGS = "image_embeddings"
UNIT_NORM_TOLERANCE = 1e-3


def embeddings_name(encoder: str) -> str:
    """Name of the table of an encoder, whatever its dimension."""
    return f"{IMAGE_EMBEDDINGS}/{encoder}"


@cache
def embeddings_table(encoder: str, dimension: int) -> Table:
    """The table of an encoder's vectors; vectors of several encoders live side by side."""

    class ImageEmbeddings(dy.Schema):
        """One row per image and encoder: a vector of unit length."""

        image_id = columns.image_id()
        day = columns.day()
        embedding = dy.Array(dy.Float32(), dimension, description="Unit-length vector (cosine = dot product).")
        input_version = columns.input_version()
        recipe_version = columns.recipe_version()
        processed_at = columns.processed_at()

        @dy.rule()
        def is_finite_and_of_unit_length(cls) -> pl.Expr:
            """Every number is finite and the Euclidean norm is 1."""
            return (_norm() - 1.0).abs() <= UNIT_NORM_TOLERANCE

    return Table(embeddings_name(encoder), ImageEmbeddings)


def _norm() -> pl.Expr:
    # A vector that holds a NaN or an infinity has no finite norm, so the comparison fails for it too.
    return pl.col("embedding").arr.to_list().list.eval(pl.element() ** 2).list.sum().sqrt()


ALL_EMBEDDINGS = Table(
    IMAGE_EMBEDDINGS,
    embeddings_table("any", 1).schema,
    {"image_id": "silver_images.image_id", "embedding": "silver_images.cleansed_path"},
)
"""Those of all encoders together: the columns are the same, the dimension of the vectors is not."""
