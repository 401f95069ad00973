"""Which upstream columns each column of a table is made from."""

from collections.abc import Collection, Mapping
from typing import Any

import dagster as dg

from image_assets.tables.catalogue import TABLES, WHOLE_TABLES
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.embeddings import embeddings_table
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_MODERATION, IMAGE_TAGS, IMAGE_TEXT
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.predictions import ALL_PREDICTIONS
from image_assets.tables.rejections import REJECTED_IMAGES
from image_assets.tables.training import CLASSIFIER_EVALUATIONS, LABEL_ISSUES, TRAINING_SET

_EMBEDDINGS = "image_embeddings"
_COLUMNS = {
    _EMBEDDINGS: embeddings_table("any", 1).schema.column_names(),
    **{table.name: table.schema.column_names() for table in (*TABLES, *WHOLE_TABLES, ALL_PREDICTIONS)},
}
# Of the partition or of the run that made the row; the versions hash what the other columns come from.
_OWN = {"day", "input_version", "recipe_version", "processed_at"}

_ORIGINAL, _CLEANSED = "bronze_images.raw_path", "silver_images.cleansed_path"
_VECTOR = "image_embeddings.embedding"
_ALIKE = f"bronze_images.sha256 silver_images.phash {_CLEANSED} {_VECTOR}"
_GROUPED = "bronze_images.user_id duplicate_images.canonical_id"
_VERDICT = "image_moderation.verdict"
_DERIVED = {"*": _ORIGINAL, "image_id": "bronze_images.image_id"}
_JUDGED = {"*": _VECTOR, "image_id": "image_embeddings.image_id", "encoder": ""}

# By table and column; `*` is every column that is not named.
_SOURCES: Mapping[str, Mapping[str, str]] = {
    SILVER_IMAGES.name: {**_DERIVED, "cleansed_name": "bronze_images.image_id"},
    THUMBNAILS.name: _DERIVED,
    WATERMARKED_PREVIEWS.name: _DERIVED,
    _EMBEDDINGS: {"image_id": "silver_images.image_id", "embedding": _CLEANSED},
    DUPLICATE_IMAGES.name: {
        "image_id": "silver_images.image_id",
        "canonical_id": f"{_ALIKE} bronze_images.uploaded_at",
        "kind": _ALIKE,
        "distance_bits": "silver_images.phash",
        "similarity": _VECTOR,
        "likeness": _CLEANSED,
        "turn": "silver_images.phash",
        "label_conflict": f"{_ALIKE} bronze_images.label",
    },
    IMAGE_TAGS.name: _JUDGED,
    IMAGE_MODERATION.name: _JUDGED,
    IMAGE_CAPTIONS.name: {
        "image_id": "image_tags.image_id silver_images.image_id",
        "caption": f"image_tags.tags {_CLEANSED}",
    },
    IMAGE_TEXT.name: {**_DERIVED, "reader": ""},
    ALL_PREDICTIONS.name: {
        "*": f"{_VECTOR} {_CLEANSED}",
        "image_id": "image_embeddings.image_id",
        "model_version": "classifier_evaluations.is_promoted",
    },
    REJECTED_IMAGES.name: {
        "item": "bronze_images.image_id",
        **{name: f"bronze_images.{name}" for name in ("image_id", "source_uri", "sha256", "size_bytes")},
    },
    GOLD_IMAGES.name: {
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
        "cleansed_path": f"{_CLEANSED} {_VERDICT}",
        "thumbnail_path": f"thumbnails.thumbnail_path {_VERDICT}",
        "preview_path": f"watermarked_previews.preview_path {_VERDICT}",
        "state": "rejected_images.image_id image_embeddings.image_id thumbnails.thumbnail_path "
        f"watermarked_previews.preview_path {_VERDICT}",
    },
    DAILY_SUMMARY.name: {
        "name": "bronze_images.format rejected_images.reason rejected_images.stage gold_images.state gold_images.label",
        "images": "bronze_images.image_id rejected_images.item gold_images.image_id",
    },
    TRAINING_SET.name: {
        "image_id": "silver_images.image_id",
        "user_id": "bronze_images.user_id",
        "label": "bronze_images.label",
        "label_source": "bronze_images.label",
        "group_id": _GROUPED,
        "split": f"{_GROUPED} bronze_images.label",
    },
    LABEL_ISSUES.name: {
        "*": f"training_set.label training_set.group_id duplicate_images.canonical_id {_VECTOR}",
        "image_id": "training_set.image_id",
        "label": "training_set.label",
        "other_image_id": "duplicate_images.canonical_id",
    },
    CLASSIFIER_EVALUATIONS.name: {
        "*": f"training_set.label training_set.split {_VECTOR}",
        **dict.fromkeys(("challenger", "role", "model_version", "evaluated_at"), ""),
        "images": "training_set.split",
    },
}


def upstream_of(spec: dg.AssetSpec) -> set[str]:
    """Names of the assets that an asset depends on."""
    return {dep.asset_key.to_user_string() for dep in spec.deps}


def column_sources(asset: str, upstream: Collection[str]) -> Mapping[str, list[str]]:
    """By column, the upstream columns that it is made from, such as `bronze_images.label`; none for its own.

    Args:
        asset: the asset that makes the table.
        upstream: assets that it depends on; the settings choose between some of them.
    """
    told = _SOURCES.get(asset, {})
    found = {
        column: [source for source in told.get(column, told.get("*", "")).split() if source.split(".")[0] in upstream]
        for column in _COLUMNS.get(asset, [])
        if column not in _OWN
    }
    return {column: sources for column, sources in found.items() if sources}


def describe_lineage(spec: dg.AssetSpec) -> Mapping[str, dg.MetadataValue[Any]]:
    """The same as metadata of a materialization; nothing for an asset that is no table."""
    sources = column_sources(spec.key.to_user_string(), upstream_of(spec))
    deps = {column: [_dep(source) for source in found] for column, found in sources.items()}
    return {"dagster/column_lineage": dg.MetadataValue.column_lineage(dg.TableColumnLineage(deps))} if deps else {}


def _dep(source: str) -> dg.TableColumnDep:
    asset, column = source.split(".")
    return dg.TableColumnDep(dg.AssetKey(asset), column)
