"""Which unsure images teach the next model most: doubtful ones that are unlike each other, one of each photo.

Doubt is how close the second label comes to the first (margin sampling; Settles 2009). Of the most doubtful few hundred
each next one is as doubtful, and as far from those before it and from decided ones, as can be. Of images that no model
has judged those come first that stand for most others. Vectors of these, and of some decided ones, alone are read.
"""

from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.search.spread import Vectors, spread_by_likeness, spread_by_weight
from image_assets.tables.embeddings import embeddings_name

DOUBT: Final = (
    1
    - pl.col("top_labels").list.first().struct.field("confidence_ratio")
    + pl.col("top_labels").list.get(1, null_on_oob=True).struct.field("confidence_ratio").fill_null(0)
)
"""0..1, of a row of gold: 1 when two labels are as probable; null where no model has said anything."""

POOL: Final = 512
LEAST_DOUBT: Final = 1e-3
LOT: Final = pl.col("image_id").str.slice(24)
"""The last digits of an image_id, which is a digest, are as good as a draw of lots."""

_READ: Final = ["image_id", "recipe_version", "embedding"]


_Kept = dict[tuple[str, date], tuple[str | None, frozenset[str], pl.DataFrame]]
"""By encoder and day: the version of the file, which ids were looked for, and what was found."""


class ReviewOrder:
    """Orders the unsure images of a lake; keeps the vectors of the last time, so that few are read again.

    Args:
        tables: the lake's tables.
        pool: how many of the most doubtful are spread, and of those that no model has judged; from twice as many
            decided ones.
    """

    def __init__(self, tables: ParquetTables, pool: int = POOL) -> None:
        self._tables, self._pool = tables, pool
        self._kept: _Kept = {}

    def order(self, unsure: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
        """Unsure images in another order, which is the same each time for the same lake.

        Args:
            unsure: `image_id`, `day`, `doubt` and `encoder`, whose vector there is; one row for each photo.
            decided: `image_id`, `day` and `encoder` of images of which gold has a person's word.
        """
        judged = unsure.drop_nulls("doubt").sort("doubt", "image_id", descending=[True, False])
        unjudged = unsure.filter(pl.col("doubt").is_null()).sort(LOT, "image_id")
        known = decided.sort(LOT, "image_id").head(2 * self._pool)
        asked = [
            each.select("image_id", "day", "encoder") for each in (judged[: self._pool], unjudged[: self._pool], known)
        ]
        vectors, parts = self._vectors(pl.concat(asked)), []
        for part in (judged, unjudged):
            parts += [_spread(part[: self._pool], vectors, known), part[self._pool :]]
            known = pl.concat([each.select("image_id") for each in (known, part[: self._pool])])
        return pl.concat(parts)

    def _vectors(self, images: pl.DataFrame) -> pl.DataFrame:
        """`image_id` and `embedding` of those whose vectors can be compared: of the encoder and recipe most have."""
        asked = images.drop_nulls("encoder").group_by("encoder", "day", maintain_order=True).agg("image_id")
        kept, self._kept = self._kept, {}
        found: dict[tuple[str, str], list[pl.DataFrame]] = {}
        for encoder, day, ids in asked.sort("encoder", "day").iter_rows():
            for (recipe,), rows in self._of_day(encoder, day, frozenset(ids), kept).group_by("recipe_version"):
                found.setdefault((encoder, str(recipe)), []).append(rows.select("image_id", "embedding"))
        wholes = [pl.concat(found[name]) for name in sorted(found)]
        return max(wholes, key=lambda rows: rows.height, default=pl.DataFrame())

    def _of_day(self, encoder: str, day: date, ids: frozenset[str], kept: _Kept) -> pl.DataFrame:
        key = object_keys.table_key(embeddings_name(encoder), day)
        version = self._tables.store.version(key)
        if version is None:
            return pl.DataFrame(schema=dict.fromkeys(_READ, pl.String))
        known = kept.get((encoder, day))
        if known is None or known[0] != version or not ids <= known[1]:
            known = version, ids, self._tables.scan_files([key], _READ, _among(ids))
        self._kept[encoder, day] = known
        return known[2].filter(pl.col("image_id").is_in(list(ids)))


def _among(ids: frozenset[str]) -> pl.Expr:
    """The bounds spare what lies outside of them, the ids what lies between them."""
    name = pl.col("image_id")
    return name.is_between(pl.lit(min(ids)), pl.lit(max(ids))) & name.is_in(sorted(ids))


def _spread(pool: pl.DataFrame, vectors: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Those that have a vector, spread, before those that have none."""
    if vectors.is_empty():
        return pool
    found = pool.join(vectors, on="image_id", maintain_order="left")
    before = vectors.join(known, on="image_id", how="semi")
    order = _order(found, before["embedding"].to_numpy())
    others = pool.join(vectors, on="image_id", how="anti", maintain_order="left")
    return pl.concat([found[order].select(pool.columns), others])


def _order(found: pl.DataFrame, known: Vectors) -> npt.NDArray[np.intp]:
    """Either all have a doubt or none."""
    vectors, doubts = found["embedding"].to_numpy(), found["doubt"]
    if doubts.null_count():
        return spread_by_likeness(vectors, known)
    return spread_by_weight(vectors, np.maximum(doubts.to_numpy(), LEAST_DOUBT), known)
