"""A day's rows as they are published: gold with its tags, what of the EXIF may be seen, and vectors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Final

import numpy as np
import orjson
import polars as pl

from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.publishing.postgres.binary import pack_json, pack_vectors
from image_assets.publishing.postgres.images_table import IMAGE_COLUMNS
from image_assets.publishing.postgres.vector_column import VectorColumn
from image_assets.steps.images.certificates import erased_ids
from image_assets.steps.increment.recipe import version_of
from image_assets.steps.vectors.stored_vectors import StoredVectors, vectors_of
from image_assets.tables.enrichment import IMAGE_TAGS
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES

CODE_VERSION: Final = 1
_SHOWN_EXIF: Final = (
    "maker",
    "model",
    "lens",
    "software",
    "iso",
    "orientation",
    "exposure_s",
    "aperture",
    "focal_length_mm",
    "taken_at",
)
"""No place, and nothing of `raw`, which may name a person or a camera's serial number."""
_PICTURES: Final = {"cleansed": "silver", "thumbnail": "thumbnail", "preview": "preview"}
"""By column of gold, without `_path`: the picture as the service names it."""
_RENAMED: Final = {
    f"{before}{side}_px": f"{before}{side}" for before in ("", "original_") for side in ("width", "height")
}


@dataclass(frozen=True)
class PublishedDay:
    """An `OfferedDay`: what a day should have where it is published; vectors are only read of what is asked for.

    Attributes:
        tables: the lake's tables.
        day: the day.
        encoder: whose vectors are published.
        column: how they are kept.
        service_url: where people reach the service, for addresses of pictures; else they are those of the lake.
    """

    tables: ParquetTables
    day: date
    encoder: EncoderDescription
    column: VectorColumn
    service_url: str | None = None

    @property
    def encoder_label(self) -> str:
        """Tells apart what cannot be compared: the encoder with the recipe of its vectors."""
        return label_of(self.encoder, self._vectors)

    @cached_property
    def vectors_version(self) -> str:
        """Of the day's file of vectors; empty when there is none."""
        return self._vectors.versions.get(self.day.isoformat(), "")

    @cached_property
    def rows(self) -> pl.DataFrame:
        """Everything but the vectors, `versions` included, by image; an image that was erased has no row."""
        # First of all: what is read later may be newer, never older.
        _ = self.vectors_version
        gold = self.tables.read(GOLD_IMAGES, self.day)
        gold = gold.filter(~pl.col("image_id").is_in(list(erased_ids(self.tables, self.day))))
        joined = gold.join(self._exif, on="image_id", how="left", maintain_order="left")
        joined = joined.join(self._tags, on="image_id", how="left", maintain_order="left")
        joined = joined.join(self._identities, on="image_id", how="left", maintain_order="left")
        joined = joined.with_columns(self._address(name) for name in _PICTURES).rename(_RENAMED)
        joined = joined.with_columns(
            encoder=pl.when(pl.col("vector_version").is_not_null()).then(pl.lit(self.encoder_label)),
            exif=pl.col("exif").fill_null("{}"),
        )
        own = [version_of(CODE_VERSION, *row) for row in joined.select(_DECIDING).iter_rows()]
        return joined.with_columns(pl.Series("version", own, pl.String), *_plain_texts())

    @property
    def versions(self) -> dict[str, str]:
        """Of each image, by id."""
        return dict(self.rows.select("image_id", "version").iter_rows())

    def images(self, ids: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Rows of `IMAGE_COLUMNS` and the vector, packed, of these images."""
        chosen = self._chosen(ids)
        with_vector = chosen.filter(pl.col("vector_version").is_not_null())
        yield from self._shaped(chosen.filter(pl.col("vector_version").is_null()), None)
        for vectors in self._vectors.read(with_vector.select("image_id", "day")):
            # In the order of the vectors, whose rows may have been replaced since they were counted.
            its = vectors.select("image_id").join(with_vector, on="image_id", how="inner", maintain_order="left")
            yield from self._shaped(its, vectors.join(its, on="image_id", how="semi", maintain_order="left"))
            with_vector = with_vector.join(its, on="image_id", how="anti", maintain_order="left")
        yield from self._shaped(with_vector.with_columns(encoder=None, vector_version=None), None)

    def tags(self, ids: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Rows of `TAG_COLUMNS` of these images; the surest of a word's kinds."""
        tags = self._chosen(ids).select("image_id", "tags_of").explode("tags_of").unnest("tags_of").drop_nulls("tag")
        tags = tags.unique(["image_id", "tag"], keep="first", maintain_order=True)
        return tags.select(_id_bytes("image_id"), _without_nul("tag"), "kind", "confidence_ratio").iter_rows()

    def _chosen(self, ids: Sequence[str]) -> pl.DataFrame:
        return self.rows.join(pl.DataFrame({"image_id": ids}), on="image_id", how="semi", maintain_order="left")

    def _shaped(self, rows: pl.DataFrame, vectors: pl.DataFrame | None) -> Iterator[Sequence[Any]]:
        packed: Sequence[bytes | None] = [None] * rows.height
        if vectors is not None and vectors.height:
            numbers = vectors.get_column("embedding").to_numpy().astype(np.float32, copy=False)
            packed = pack_vectors(numbers, self.column.kind)
        columns = rows.with_columns(_id_bytes("image_id"), _id_bytes("canonical_id")).select(list(IMAGE_COLUMNS))
        exif = list(IMAGE_COLUMNS).index("exif")
        for row, vector in zip(columns.iter_rows(), packed, strict=True):
            yield *row[:exif], pack_json(_shown_exif(row[exif])), *row[exif + 1 :], vector

    @cached_property
    def _vectors(self) -> StoredVectors:
        return vectors_of(self.tables, self.encoder)

    @property
    def _identities(self) -> pl.DataFrame:
        found = self._vectors.identities(self.day)
        return found.select("image_id", vector_version="input_version")

    @property
    def _exif(self) -> pl.DataFrame:
        return self.tables.scan(BRONZE_IMAGES, ["image_id", "exif"], [self.day])

    @property
    def _tags(self) -> pl.DataFrame:
        found = self.tables.read_or_empty(IMAGE_TAGS, self.day)
        version = pl.col("input_version") + pl.col("recipe_version")
        return found.select("image_id", tags_of="tags", tags_version=version)

    @cached_property
    def _lake_address(self) -> str:
        found = self.tables.store.uri(object_keys.SILVER).removesuffix(object_keys.SILVER)
        return found if "://" in found else f"file://{found}"

    def _address(self, name: str) -> pl.Expr:
        key = pl.col(f"{name}_path")
        if self.service_url:
            there = f"{self.service_url.rstrip('/')}/v1/images/"
            address = pl.lit(there) + pl.col("image_id") + pl.lit(f"/{_PICTURES[name]}")
        else:
            address = pl.lit(self._lake_address) + key
        return pl.when(key.is_not_null()).then(address).alias(f"{name}_url")


def label_of(encoder: EncoderDescription, vectors: StoredVectors) -> str:
    """See `PublishedDay.encoder_label`."""
    return f"{encoder.name}@{vectors.recipe_version}"


_DECIDING: Final = [
    "input_version",
    "recipe_version",
    "exif",
    "tags_version",
    "vector_version",
    "encoder",
    "cleansed_url",
    "thumbnail_url",
    "preview_url",
]
"""Gold's own version stands for all of its columns."""


def _shown_exif(text: str) -> str:
    found = orjson.loads(text)
    return orjson.dumps({name: found[name] for name in _SHOWN_EXIF if name in found}).decode()


def _plain_texts() -> list[pl.Expr]:
    """PostgreSQL's texts hold no NUL."""
    texts = ("user_id", "raw_name", "caption", "text", "label", "predicted_label")
    return [_without_nul(name) for name in texts] + [pl.col("label_source", "policy", "state").cast(pl.String)]


def _without_nul(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all("\0", "\N{REPLACEMENT CHARACTER}", literal=True)


def _id_bytes(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all("-", "", literal=True).str.decode("hex")
