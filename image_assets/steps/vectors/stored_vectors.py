"""An encoder's vectors as its table has them: always of one recipe, because those of others cannot be compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from image_assets.ids import ObjectKey
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.tables.table import Table

_COLUMNS = ["image_id", "day", "input_version", "embedding"]


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """The vectors of a table that one recipe made; what else is in the table is passed over.

    Attributes:
        tables: the lake's tables.
        table: of one encoder.
        recipe_version: of the wanted vectors.
        at_once: about how many are read at a time; small days are read together up to twice as many.
    """

    tables: ParquetTables
    table: Table
    recipe_version: str
    at_once: int = 20_000

    @property
    def arrived_at(self) -> dict[str, datetime]:
        """When the last of each day's vectors came, by day in ISO 8601."""
        listed = self.tables.listed(self.table.name)
        return {day.isoformat(): max(info.arrived_at for info in files) for day, files in listed.items()}

    @property
    def versions(self) -> dict[str, str]:
        """The version of each day's rows, by day in ISO 8601."""
        return {day.isoformat(): version for day, version in self.tables.versions(self.table.name).items()}

    def is_whole(self, day: date) -> bool:
        """Whether every vector of a committed day is a wanted one."""
        return self.tables.scan(self.table, ["image_id"], [day], ~self._is_wanted).is_empty()

    def identities(self, day: date) -> pl.DataFrame:
        """`image_id` and `input_version` of the vectors of a day; none of a day that was never committed."""
        return self._scan(day, ["image_id", "input_version"])

    def read(self, images: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """`image_id`, `day`, `input_version` and `embedding` of those images (`image_id`, `day`) that have a vector.

        They come a bounded number at a time, by day in the order of the images, and small days together; within a day
        they are sorted by id, within each of its lots if more are asked for than are read at a time.
        """
        waiting: list[pl.DataFrame] = []
        for part in self._parts(images):
            waiting.append(part)
            if sum(each.height for each in waiting) >= self.at_once:
                yield pl.concat(waiting)
                waiting = []
        if waiting:
            yield pl.concat(waiting)

    def read_files(self, files: Sequence[ObjectKey], ids: pl.Series) -> pl.DataFrame:
        """The same of these files of the table."""
        return self._wanted_of(files, _COLUMNS, _is_one_of(ids))

    def read_whole(self, images: pl.DataFrame) -> pl.DataFrame:
        """The same at once."""
        return pl.concat([self._none(_COLUMNS), *self.read(images)])

    def _parts(self, images: pl.DataFrame) -> Iterator[pl.DataFrame]:
        for (day,), its in images.group_by("day", maintain_order=True):
            ids = its.get_column("image_id").sort()
            lots = self.tables.keys(self.table.name, day) if ids.len() > self.at_once else []
            if len(lots) > 1:
                yield from (self._wanted_of([lot], _COLUMNS, _is_one_of(ids)) for lot in lots)
                continue
            for start in range(0, ids.len(), self.at_once):
                some = ids[start : start + self.at_once]
                # The bounds spare what lies outside of them, the ids what lies between them.
                is_near = pl.col("image_id").is_between(pl.lit(some[0]), pl.lit(some[-1]))
                yield self._scan(day, _COLUMNS, is_near, _is_one_of(some))

    def _scan(self, day: date, columns: list[str], *where: pl.Expr) -> pl.DataFrame:
        return self._wanted_of(self.tables.keys(self.table.name, day), columns, *where)

    def _wanted_of(self, files: Sequence[ObjectKey], columns: list[str], *where: pl.Expr) -> pl.DataFrame:
        if not files:
            return self._none(columns)
        rows = self.tables.scan_files(files, columns, pl.all_horizontal(self._is_wanted, *where))
        # Vectors of former weights, all passed over, may have been of another dimension.
        return rows if rows.height else self._none(columns)

    def _none(self, columns: list[str]) -> pl.DataFrame:
        return self.table.no_rows.select(columns)

    @property
    def _is_wanted(self) -> pl.Expr:
        return pl.col("recipe_version") == self.recipe_version


def _is_one_of(ids: pl.Series) -> pl.Expr:
    return pl.col("image_id").is_in(ids.implode())


def vectors_of(tables: ParquetTables, encoder: EncoderDescription) -> StoredVectors:
    """The vectors that these weights made."""
    target = embedding_target(encoder)
    return StoredVectors(tables, target.table, target.recipe_version)
