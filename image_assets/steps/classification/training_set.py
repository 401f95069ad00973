"""The training set: every labelled image of the lake, whoever labelled it, with the split it belongs to for good."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.search.near_duplicates import pairs_within
from image_assets.steps.classification.label_decisions import read_decisions
from image_assets.steps.classification.splits import assign_splits, group_images, strictest
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.gold import LABEL_SOURCES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.plain_labels import plain_label
from image_assets.tables.training import SPLITS, TRAINING_SET

_LIKE_BITS = 4


@dataclass(frozen=True, slots=True)
class TrainingSetReport:
    """The committed rows and whether they differ from those of before."""

    rows: pl.DataFrame
    is_changed: bool


def build_training_set(tables: ParquetTables) -> TrainingSetReport:
    """Bring `training_set` in line with labels, decisions and duplicates; splits given once are kept."""
    is_changed = tables.replace_if_changed(TRAINING_SET, None, partial(_training_set, tables))
    return TrainingSetReport(tables.read(TRAINING_SET, None), is_changed)


def _training_set(tables: ParquetTables) -> pl.DataFrame:
    rows = _grouped(tables, _labelled(tables))
    return rows.with_columns(split=_splits(tables, rows), label_source=pl.col("label_source").cast(_SOURCE))


_SPLIT, _SOURCE = pl.Enum(SPLITS), pl.Enum(LABEL_SOURCES)


def _labelled(tables: ParquetTables) -> pl.DataFrame:
    """Cleansed images with a label, in its normal form: a person's before the uploader's."""
    decided = read_decisions(tables.store).select("image_id", decided="label")
    has_label = pl.col("label").is_not_null() | pl.col("image_id").is_in(decided.get_column("image_id").implode())
    uploads = tables.scan(BRONZE_IMAGES, ["image_id", "day", "user_id", "label"], where=has_label)
    cleansed = tables.scan(SILVER_IMAGES, ["image_id"])
    rows = uploads.join(cleansed, on="image_id", how="semi").join(decided, on="image_id", how="left")
    source = pl.when(pl.col("decided").is_null()).then(pl.lit("supplied")).otherwise(pl.lit("human"))
    label = pl.coalesce("decided", plain_label("label"))
    return (
        rows.select("image_id", "day", "user_id", label=label, label_source=source).drop_nulls("label").sort("image_id")
    )


def _grouped(tables: ParquetTables, rows: pl.DataFrame) -> pl.DataFrame:
    groups = group_images([*_links(rows), *duplicate_links(tables)])
    return rows.with_columns(group_id=pl.Series([groups[name] for name in rows["image_id"]], dtype=pl.String))


def _links(rows: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Each image with its user; an image without a user with itself."""
    for image_id, user_id in rows.select("image_id", "user_id").iter_rows():
        # No image_id begins with u, and it sorts after all of them: no group is named after a user.
        yield image_id, image_id if user_id is None else f"user {user_id}"


def duplicate_links(tables: ParquetTables) -> list[tuple[str, str]]:
    """Each duplicate with the image that stands for it; pairs of like hashes while duplicates were never looked for."""
    if not tables.days(DUPLICATE_IMAGES.name):
        return _like_hashes(tables)
    links = tables.scan(DUPLICATE_IMAGES, ["image_id", "canonical_id"])
    return links.filter(pl.col("image_id") != pl.col("canonical_id")).rows()


def _like_hashes(tables: ParquetTables) -> list[tuple[str, str]]:
    images = tables.scan(SILVER_IMAGES, ["image_id", "phash"])
    ids, hashes = images["image_id"].to_list(), images["phash"].str.to_integer(base=16, dtype=pl.UInt64).to_numpy()
    pairs = pairs_within(hashes, hashes, _LIKE_BITS)
    return [(ids[one], ids[other]) for one, other in zip(pairs.new, pairs.pool, strict=True) if one < other]


def _splits(tables: ParquetTables, rows: pl.DataFrame) -> pl.Series:
    groups: dict[str, Counter[str]] = {}
    for group, label in rows.select("group_id", "label").iter_rows():
        groups.setdefault(group, Counter())[label] += 1
    known = tables.read_or_empty(TRAINING_SET, None).select("image_id", "split")
    former = rows.join(known, on="image_id").group_by("group_id").agg("split")
    settled = {group: split for group, splits in former.iter_rows() if (split := strictest(splits))}
    assigned = assign_splits(groups, settled)
    return pl.Series([assigned[group] for group in rows["group_id"]], dtype=_SPLIT)
