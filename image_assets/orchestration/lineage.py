"""Which upstream columns a column of gold comes from, as Dagster draws them."""

from collections.abc import Iterator

import dagster as dg

from image_assets.orchestration.assets.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.enrichment import ENRICHMENT, IMAGE_MODERATION
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.predictions import IMAGE_PREDICTIONS

# Columns of gold that are named or meant otherwise than upstream: the rest is taken over under its name.
_RENAMED = {
    "sha256": (BRONZE_IMAGES.name, "sha256"),
    "original_width_px": (BRONZE_IMAGES.name, "width_px"),
    "original_height_px": (BRONZE_IMAGES.name, "height_px"),
    "original_size_bytes": (BRONZE_IMAGES.name, "size_bytes"),
    "encoder": (IMAGE_EMBEDDINGS, "image_id"),
    "label_source": (BRONZE_IMAGES.name, "label"),
    "is_duplicate": (DUPLICATE_IMAGES.name, "canonical_id"),
    "policy": (IMAGE_MODERATION.name, "verdict"),
    **{name: (IMAGE_PREDICTIONS, name) for name in ("confidence_ratio", "top_labels", "model_version", "needs_review")},
    "predicted_label": (IMAGE_PREDICTIONS, "label"),
}
_UPSTREAM = (SILVER_IMAGES, BRONZE_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS, DUPLICATE_IMAGES, *ENRICHMENT)
_OWN = {"day", "input_version", "recipe_version", "processed_at"}


def gold_lineage() -> dg.TableColumnLineage:
    """One source per column; a column without one is made in gold."""
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(dg.AssetKey(asset), column)]
            for name in GOLD_IMAGES.schema.column_names()
            if name not in _OWN
            for asset, column in _sources(name)
        }
    )


def _sources(name: str) -> Iterator[tuple[str, str]]:
    if name in _RENAMED:
        yield _RENAMED[name]
        return
    for table in _UPSTREAM:
        if name in table.schema.column_names():
            yield table.name, name
            return
