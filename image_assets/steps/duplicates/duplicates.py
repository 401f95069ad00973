"""Duplicates: each image of a day is compared with every image of that day and of all days before.

What a row says follows from originals, cleansed images, vectors and people's decisions alone, never from the rows of
another day. So days may be computed in any order, at the same time, and again. When an earlier day changes, the rows
of later days have another `input_version` and are out of date.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import count
from typing import Unpack

import polars as pl

from image_assets.lake import object_keys
from image_assets.lake.lots import WHOLE
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.duplicates.canonicals import choose_canonicals
from image_assets.steps.duplicates.content import file_words, remember
from image_assets.steps.duplicates.links import DuplicateParams, find_links
from image_assets.steps.duplicates.pair_decisions import PairDecisions, as_photos, read_pair_decisions
from image_assets.steps.duplicates.pool import ARRIVAL, DuplicatePool, open_duplicate_pool
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


@dataclass
class DayComparison:
    """What the images of a day are compared with, opened once for all of its lots.

    The version is looked up before anything is opened: what changes in between makes the rows out of date, never wrong.

    Attributes:
        tables: the lake's tables, with all of the day.
        day: the partition.
        encoder: whose vectors are compared.
        params: when two pictures are one photo.
    """

    tables: ParquetTables
    day: date
    encoder: EncoderDescription
    params: DuplicateParams
    _version: str | None = field(default=None, init=False)
    _pool: DuplicatePool | None = field(default=None, init=False)
    _decisions: PairDecisions | None = field(default=None, init=False)

    @property
    def version(self) -> str:
        """What all rows of the day have as `input_version`."""
        self._version = self._version or duplicate_version(self.tables, self.day, self.encoder)
        return self._version

    def renew(self) -> None:
        """Look anew at what there is."""
        self._version = self._pool = self._decisions = None

    def rows_of(self, asked: pl.DataFrame) -> pl.DataFrame:
        """What `duplicate_images` says of images (`image_id`, `sha256`)."""
        wanted = embedding_target(self.encoder)
        if self._pool is None or self._decisions is None:
            self._decisions = as_photos(read_pair_decisions(self.tables.store, self.day))
            self._pool = open_duplicate_pool(self.tables, wanted, self.day, self.params.max_bits)
            remember(self.tables, wanted.table.name, self.day)
        images, links = find_links(self._pool, asked["sha256"].unique(), self._decisions, self.params)
        return _rows(images, links, self._decisions).join(asked, on="image_id", how="semi")


def find_duplicates(
    tables: ParquetTables, day: date, comparison: DayComparison, **pace: Unpack[Pace]
) -> IncrementReport:
    """Bring `duplicate_images` of a day, or of a lot of it, in line with this and all earlier days."""
    if tables.lot != WHOLE:
        # A file of the whole day would hide those of its lots.
        tables.store.delete(object_keys.table_key(DUPLICATE_IMAGES.name, day))
    looks = count()

    def inputs() -> pl.DataFrame:
        if next(looks):
            comparison.renew()
        return duplicate_inputs(tables, day, comparison.version)

    target, on_progress = duplicate_target(comparison.params), pace.get("on_progress", untold)
    return settle_frame(tables, target, day, inputs, comparison.rows_of, on_progress=on_progress)


def duplicate_recipe(params: DuplicateParams) -> Recipe:
    """What decides besides the images; whose vectors are compared is part of the images' version."""
    return Recipe({"code": _CODE_VERSION, **asdict(params)})


def duplicate_target(params: DuplicateParams) -> Target:
    """What is wanted of `duplicate_images`."""
    return Target(DUPLICATE_IMAGES, duplicate_recipe(params))


def duplicate_inputs(tables: ParquetTables, day: date, version: str) -> pl.DataFrame:
    """The cleansed images of a day, or of a lot of it, which all share the day's version."""
    images = tables.read(SILVER_IMAGES, day).select("image_id")
    origins = tables.read(BRONZE_IMAGES, day).select("image_id", "sha256")
    return images.join(origins, on="image_id", maintain_order="left").with_columns(input_version=pl.lit(version))


def duplicate_version(tables: ParquetTables, day: date, encoder: EncoderDescription) -> str:
    """The version that all images of a day share: it changes with any image until that day."""
    return duplicate_versions(tables, [day], encoder)[day]


def duplicate_versions(
    tables: ParquetTables, days: Collection[date], encoder: EncoderDescription
) -> Mapping[date, str]:
    """The same of several days."""
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
