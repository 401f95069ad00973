"""Duplicates: each image of a day is compared with every image of that day and of all days before.

What a row says follows from originals, cleansed images, vectors and people's decisions alone, never from the rows of
another day. So days may be computed in any order, at the same time, and again. When an earlier day changes, the rows
of later days have another `input_version` and are out of date.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Unpack

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.duplicates.canonicals import choose_canonicals
from image_assets.steps.duplicates.content import file_words, remember
from image_assets.steps.duplicates.links import DuplicateParams, find_links
from image_assets.steps.duplicates.pair_decisions import PairDecisions, as_photos, read_pair_decisions
from image_assets.steps.duplicates.pool import ARRIVAL, open_duplicate_pool
from image_assets.steps.increment.frame import settle_frame
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.pace import Pace, untold
from image_assets.steps.increment.recipe import Recipe, version_of
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.tables.duplicates import DUPLICATE_IMAGES, DUPLICATE_KINDS
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.plain_labels import plain_label

_CODE_VERSION = 4


def find_duplicates(
    tables: ParquetTables,
    day: date,
    encoder: EncoderDescription,
    params: DuplicateParams,
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring `duplicate_images` of a day in line with this and all earlier days."""
    inputs, on_progress = partial(duplicate_inputs, tables, day, encoder), pace.get("on_progress", untold)
    compared = partial(_compared, tables=tables, day=day, encoder=encoder, params=params)
    report = settle_frame(tables, duplicate_target(params), day, inputs, compared, on_progress=on_progress)
    if not report.is_unchanged:
        remember(tables, embedding_target(encoder).table.name, day)
    return report


def duplicate_recipe(params: DuplicateParams) -> Recipe:
    """What decides besides the images; whose vectors are compared is part of the images' version."""
    return Recipe({"code": _CODE_VERSION, **asdict(params)})


def duplicate_target(params: DuplicateParams) -> Target:
    """What is wanted of `duplicate_images`."""
    return Target(DUPLICATE_IMAGES, duplicate_recipe(params))


def duplicate_inputs(tables: ParquetTables, day: date, encoder: EncoderDescription) -> pl.DataFrame:
    """The cleansed images of a day; all share one version, which changes with any image until that day."""
    images = tables.read(SILVER_IMAGES, day).select("image_id")
    origins = tables.read(BRONZE_IMAGES, day).select("image_id", "source_uri", "sha256", "size_bytes")
    version = duplicate_versions(tables, [day], encoder)[day]
    return images.join(origins, on="image_id", maintain_order="left").with_columns(input_version=pl.lit(version))


def duplicate_versions(
    tables: ParquetTables, days: Collection[date], encoder: EncoderDescription
) -> Mapping[date, str]:
    """The version that all images of a day share, by day."""
    if not days:
        return {}
    wanted, last = embedding_target(encoder), max(days)
    words = file_words(tables, wanted.table.name, last)
    decisions = read_pair_decisions(tables.store, last)
    return {
        day: version_of(
            wanted.recipe_version,
            *words.filter(pl.col("day") <= day)["word"],
            *(each for each in decisions if each.since <= f"{day}"),
        )
        for day in days
    }


def _compared(
    asked: pl.DataFrame, tables: ParquetTables, day: date, encoder: EncoderDescription, params: DuplicateParams
) -> pl.DataFrame:
    """One search for all images of the day."""
    decisions = as_photos(read_pair_decisions(tables.store, day))
    pool = open_duplicate_pool(tables, embedding_target(encoder), day, params.max_bits)
    images, links = find_links(pool, asked["sha256"].unique(), decisions, params)
    return _rows(images, links, decisions).join(asked, on="image_id", how="semi")


def _rows(images: pl.DataFrame, links: pl.DataFrame, decisions: PairDecisions) -> pl.DataFrame:
    """What `duplicate_images` says of each image."""
    ordered = images.sort(ARRIVAL)
    firsts = ordered.unique("photo", keep="first", maintain_order=True)
    photos, near = firsts["photo"].to_list(), links.select("photo", "other").rows()
    chosen = choose_canonicals(photos, near, decisions.same, decisions.different)
    rows = ordered.with_columns(other=pl.col("photo").replace_strict(chosen, return_dtype=pl.String))
    stand_ins = firsts.select(other="photo", canonical_id="image_id", canonical_label="label")
    rows = rows.join(stand_ins, on="other").join(links.drop("sha256"), on=["photo", "other"], how="left")
    distance = pl.when(_KIND == "exact").then(0).otherwise("distance_bits").cast(pl.UInt8)
    kind = _KIND.cast(pl.Enum(DUPLICATE_KINDS))
    columns = {"kind": kind, "distance_bits": distance, "label_conflict": _LABEL_CONFLICT}
    return rows.select("image_id", "canonical_id", "similarity", "likeness", "turn", **columns)


_KIND = (
    pl.when(pl.col("image_id") == pl.col("canonical_id"))
    .then(pl.lit("unique"))
    .when(pl.col("photo") == pl.col("other"))
    .then(pl.lit("exact"))
    .when(pl.col("distance_bits").is_not_null())
    .then(pl.lit("near"))
    .otherwise(pl.lit("decided"))
)
_LABEL_CONFLICT = (plain_label("label") != plain_label("canonical_label")).fill_null(value=False)
