"""The rows of gold that a search looks at: whatever columns the files of its days have, of whatever age they are."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import polars.selectors as cs

from image_assets.errors import SearchError, TableError
from image_assets.ids import ImageId, ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.search.conditions import Condition, expression_of
from image_assets.tables.gold import GOLD_IMAGES

# The days of an older release may know other values.
_ENUMS_AS_TEXT = cs.enum().cast(pl.String)


@dataclass(frozen=True, slots=True)
class GoldRows:
    """Gold of all days, read where it lies.

    Attributes:
        tables: the lake's tables.
        schemas: the columns of each day's file.
    """

    tables: ParquetTables
    schemas: Mapping[date, pl.Schema]

    @property
    def columns(self) -> list[str]:
        """Every column that some day has, those of the newest day first."""
        return list(self._dtypes)

    @property
    def _dtypes(self) -> dict[str, pl.DataType]:
        newest_first = [self.schemas[day] for day in sorted(self.schemas, reverse=True)]
        # The newest day's type wins, and its columns come first.
        older_too = {name: dtype for schema in reversed(newest_first) for name, dtype in schema.items()}
        return {name: older_too[name] for schema in newest_first for name in schema}

    def select(
        self,
        columns: Sequence[str],
        conditions: Sequence[Condition] = (),
        *,
        days: Collection[date] | None = None,
        ids: pl.Series | None = None,
    ) -> pl.DataFrame:
        """Rows that meet every condition; a column that a day does not have is missing in its rows.

        Raises:
            SearchError: a condition is on a column that no day has, or its value is of another type.
        """
        self._check(conditions)
        where = [] if ids is None else [pl.col("image_id").is_in(ids.implode())]
        parts = []
        for schema, keys in self._alike(days):
            present = [name for name in columns if name in schema]
            if all(condition.column in schema for condition in conditions):
                met = [expression_of(condition, schema[condition.column]) for condition in conditions]
                rows = self.tables.scan_files(keys, present, where=pl.all_horizontal(*where, *met, pl.lit(value=True)))
                parts.append(rows.select(present).with_columns(_ENUMS_AS_TEXT))
        empty = pl.DataFrame(schema={name: self._dtypes.get(name, pl.Null) for name in columns})
        return pl.concat([*parts, empty.with_columns(_ENUMS_AS_TEXT)], how="diagonal_relaxed").select(columns)

    def find(self, conditions: Sequence[Condition], *, with_duplicates: bool) -> pl.DataFrame:
        """`image_id` and `day` of the images that meet every condition.

        Of duplicates only the first, unless wanted: the canonical image, or the one of the lowest id when that does not
        meet the conditions. What is blocked is found by nobody who does not ask for a state.
        """
        found = self.select(["image_id", "day", "canonical_id", "state"], conditions)
        if not any(condition.column == "state" for condition in conditions):
            found = found.filter(pl.col("state").ne_missing("blocked"))
        if not with_duplicates:
            canonical = pl.coalesce("canonical_id", "image_id")
            found = found.with_columns(canonical=canonical).sort(pl.col("canonical") != pl.col("image_id"), "image_id")
            found = found.unique("canonical", keep="first", maintain_order=True)
        return found.select("image_id", "day")

    def copies_of(self, image_id: ImageId) -> pl.Series:
        """The ids of an image and of its duplicates."""
        rows = self.select(["image_id", "canonical_id"]).with_columns(canonical=pl.coalesce("canonical_id", "image_id"))
        its = rows.filter(pl.col("image_id") == image_id).get_column("canonical")
        return rows.filter(pl.col("canonical").is_in(its.implode())).get_column("image_id")

    def _check(self, conditions: Sequence[Condition]) -> None:
        for condition in conditions:
            if condition.column not in self.columns:
                raise SearchError(f"gold_images has no column {condition.column!r}: it has {', '.join(self.columns)}")

    def _alike(self, days: Collection[date] | None) -> Iterator[tuple[pl.Schema, list[ObjectKey]]]:
        """Files that have the same columns, which can be read together."""
        files: dict[tuple[tuple[str, pl.DataType], ...], list[ObjectKey]] = {}
        for day in self.schemas if days is None else days:
            key = object_keys.table_key(GOLD_IMAGES.name, day)
            files.setdefault(tuple(self.schemas[day].items()), []).append(key)
        for schema, keys in files.items():
            yield pl.Schema(schema), keys


def open_gold(tables: ParquetTables) -> GoldRows:
    """Gold as it is now; `TableError` when no day was committed yet."""
    days = tables.days(GOLD_IMAGES.name)
    if not days:
        raise TableError(f"{GOLD_IMAGES.name} has no day yet: image-assets run", table=GOLD_IMAGES.name)
    return GoldRows(tables, {day: tables.schema_of(GOLD_IMAGES.name, day) for day in days})
