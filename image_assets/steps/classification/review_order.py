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

_LEAST_DOUBT: Final = 1e-3
_MOST_BYTES: Final = 2**28
"""A second's work: a file is read whole, however few of its vectors are wanted."""

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
        most_bytes: of files of vectors that are read: the pool is of the days of the most doubtful images.
    """

    def __init__(self, tables: ParquetTables, pool: int = POOL, most_bytes: int = _MOST_BYTES) -> None:
        self._tables, self._pool, self._most_bytes = tables, pool, most_bytes
        self._kept: _Kept = {}

    def order(self, unsure: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
        """Unsure images in another order, which is the same each time for the same lake.

        Args:
            unsure: `image_id`, `day`, `doubt` and `encoder`, whose vector there is; one row for each photo.
            decided: `image_id`, `day` and `encoder` of images of which gold has a person's word.
        """
        judged = unsure.drop_nulls("doubt").sort("doubt", "image_id", descending=[True, False])
        unjudged = unsure.filter(pl.col("doubt").is_null()).sort(LOT, "image_id")
        near = self._near(pl.concat([judged, unjudged]).select("day", "encoder"))
        known = decided.join(near, on="day", how="semi").sort(LOT, "image_id").head(2 * self._pool)
        pools = [
            part.join(near, on="day", how="semi", maintain_order="left").head(self._pool) for part in (judged, unjudged)
        ]
        asked = [each.select("image_id", "day", "encoder") for each in (*pools, known)]
        vectors, parts = self._vectors(pl.concat(asked)), []
        for part, pool in zip((judged, unjudged), pools, strict=True):
            parts += [_spread(pool, vectors, known), part.join(pool, on="image_id", how="anti", maintain_order="left")]
            known = pl.concat([each.select("image_id") for each in (known, pool)])
        return pl.concat(parts)

    def _near(self, images: pl.DataFrame) -> pl.DataFrame:
        """Days of images, in their order, for as long as their files of vectors are not too much to read."""
        days = images.drop_nulls("encoder").unique("day", keep="first", maintain_order=True)
        files = [self._tables.keys(embeddings_name(encoder), day) for day, encoder in days.iter_rows()]
        sizes = self._tables.store.sizes([key for keys in files for key in keys])
        of_day = [sum(sizes.get(key, 0) for key in keys) for keys in files]
        before = pl.Series(of_day, dtype=pl.Int64).cum_sum().shift(1, fill_value=0)
        return days.filter(before < self._most_bytes)

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
        name = embeddings_name(encoder)
        version = self._tables.version(name, day)
        if version is None:
            return pl.DataFrame(schema=dict.fromkeys(_READ, pl.String))
        known = kept.get((encoder, day))
        if known is None or known[0] != version or not ids <= known[1]:
            known = version, ids, self._tables.scan_files(self._tables.keys(name, day), _READ, _among(ids))
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
    return (
        spread_by_likeness(vectors, known)
        if doubts.null_count()
        else spread_doubtful(vectors, doubts.to_numpy(), known)
    )


def spread_doubtful(
    vectors: Vectors, doubts: npt.NDArray[np.float32], known: Vectors | None = None
) -> npt.NDArray[np.intp]:
    """Places by doubt and distance; doubt counts twice, or oddities of little doubt would come before what matters."""
    return spread_by_weight(vectors, np.maximum(doubts, _LEAST_DOUBT) ** 2, known)
