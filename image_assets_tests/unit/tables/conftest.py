"""One good row of every table, to be spoilt one value at a time."""

from datetime import UTC, date, datetime

import pytest

Row = dict[str, object]

IMAGE = "3f2b8c1e-0000-5000-8000-000000000000"
LINEAGE: Row = {
    "day": date(2026, 10, 1),
    "input_version": "1",
    "recipe_version": "1",
    "processed_at": datetime(2026, 10, 1, tzinfo=UTC),
}
SIZES: Row = {"width_px": 300, "height_px": 200, "size_bytes": 1000}
MEASURES: Row = {
    "phash": "0123456789abcdef",
    "blur": 100.0,
    "brightness_ratio": 0.5,
    "contrast_ratio": 0.25,
    "entropy_bits": 7.5,
    "is_near_uniform": False,
    "dominant_colours": ["#a0b1c2"],
}


@pytest.fixture
def good_rows() -> dict[str, Row]:
    """By table name."""
    common: Row = {"image_id": IMAGE, **LINEAGE}
    told: Row = {
        "user_id": "anna",
        "uploaded_at": datetime(2026, 10, 1, tzinfo=UTC),
        "raw_name": "dress.jpg",
        "label": "dress",
    }
    source_uri = "landing/2026-10-01/anna/dress.jpg"
    bronze: Row = {
        **common,
        **SIZES,
        **told,
        "source_uri": source_uri,
        "ingested_at": datetime(2026, 10, 1, tzinfo=UTC),
        "raw_path": "bronze/x.jpg",
        "sha256": "0" * 64,
        "format": "JPEG",
        "mime": "image/jpeg",
        "mode": "RGB",
        "frames": 1,
        "exif": "{}",
        "sidecar_problem": None,
    }
    silver: Row = {
        **common,
        **SIZES,
        **MEASURES,
        "cleansed_name": "x.jpg",
        "cleansed_path": "silver/x.jpg",
        "sha256": "0" * 64,
        "aspect_ratio": 1.5,
    }
    rejected: Row = {
        **LINEAGE,
        "item": source_uri,
        "stage": "bronze_images",
        "reason": "empty",
        "detail": "0 bytes",
        "image_id": None,
        "source_uri": source_uri,
        "sha256": None,
        "size_bytes": None,
        "state": "open",
    }
    gold: Row = {
        **common,
        **told,
        **MEASURES,
        "width_px": 300,
        "height_px": 200,
        "format": "JPEG",
        "original_width_px": 300,
        "original_height_px": 200,
        "original_size_bytes": 1000,
        "sha256": "0" * 64,
        "cleansed_path": "silver/x.jpg",
        "thumbnail_path": None,
        "preview_path": None,
        "encoder": None,
        "tags": ["red", "dress"],
        "caption": "a red dress",
        "text": "",
        "policy": "allowed",
        "top_labels": [{"label": "dress", "confidence_ratio": 0.9}],
        "state": "processing",
    }
    box: Row = dict.fromkeys(("left_ratio", "top_ratio", "right_ratio", "bottom_ratio"), 0.5)
    return {
        "bronze_images": bronze,
        "silver_images": silver,
        "thumbnails": {**common, **SIZES, "thumbnail_path": "thumbnail/x.webp", "sha256": "0" * 64},
        "watermarked_previews": {**common, **SIZES, "preview_path": "watermarked/x.jpg", "sha256": "0" * 64},
        "duplicate_images": {
            **common,
            "canonical_id": IMAGE,
            "kind": "unique",
            "distance_bits": None,
            "similarity": None,
            "likeness": None,
            "turn": None,
            "label_conflict": False,
        },
        "image_tags": {
            **common,
            "tags": [{"tag": "dress", "kind": "product", "confidence_ratio": 0.9}],
            "encoder": "tiny",
        },
        "image_captions": {**common, "caption": "a dress", "source": "template"},
        "image_text": {
            **common,
            "text": "SALE",
            "confidence_ratio": 0.9,
            "boxes": [{"text": "SALE", "confidence_ratio": 0.9, **box}],
            "reader": "eyes",
        },
        "image_moderation": {
            **common,
            "verdict": "allowed",
            "policy": None,
            "confidence_ratio": None,
            "scores": [{"policy": "weapons", "verdict": "allowed", "confidence_ratio": 0.1}],
            "encoder": "tiny",
        },
        "rejected_images": rejected,
        "gold_images": gold,
        "daily_summary": {"day": date(2026, 10, 1), "kind": "outcome", "name": "seen", "images": 1},
        "image_embeddings/tiny": {**common, "embedding": [0.6, 0.8, 0.0]},
    }
