"""The rows of gold that a search looks at: whatever columns the files of its days have, of whatever age they are."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import polars.selectors as cs

from image_assets.errors import ObjectChangedError, SearchError
from image_assets.ids import ObjectKey
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
        versions: of the files that may be read, by key; any of those whose key is missing.
    """

    tables: ParquetTables
    schemas: Mapping[date, pl.Schema]
    versions: Mapping[ObjectKey, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """Every column that some day has, those of the newest day first."""
        return list(self.dtypes)

    @property
    def dtypes(self) -> dict[str, pl.DataType]:
        """Their types, that of the newest day that has the column."""
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
            ObjectChangedError: a file is of another version.
        """
        self.check(conditions)
        where = [] if ids is None else [pl.col("image_id").is_in(ids.implode())]
        parts = []
        for schema, keys in self._alike(days):
            present = [name for name in columns if name in schema]
            if all(condition.column in schema for condition in conditions):
                met = [expression_of(condition, schema[condition.column]) for condition in conditions]
                rows = self.tables.scan_files(keys, present, where=pl.all_horizontal(*where, *met, pl.lit(value=True)))
                parts.append(rows.select(present).with_columns(_ENUMS_AS_TEXT))
                self._check_versions(keys)
        empty = pl.DataFrame(schema={name: self.dtypes.get(name, pl.Null) for name in columns})
        return pl.concat([*parts, empty.with_columns(_ENUMS_AS_TEXT)], how="diagonal_relaxed").select(columns)

    def check(self, conditions: Sequence[Condition]) -> None:
        """Raises `SearchError` when a condition is on a column that no day has."""
        for condition in conditions:
            if condition.column not in self.columns:
                raise SearchError(f"gold_images has no column {condition.column!r}: it has {', '.join(self.columns)}")

    def _check_versions(self, keys: Sequence[ObjectKey]) -> None:
        for key in keys:
            if self.versions and self.tables.store.version(key) != self.versions.get(key):
                raise ObjectChangedError(f"{self.tables.store.uri(key)} was replaced meanwhile: search again", key=key)

    def _alike(self, days: Collection[date] | None) -> Iterator[tuple[pl.Schema, list[ObjectKey]]]:
        """Files that have the same columns, which can be read together."""
        files: dict[tuple[tuple[str, pl.DataType], ...], list[ObjectKey]] = {}
        for day in self.schemas if days is None else days:
            keys = self.tables.keys(GOLD_IMAGES.name, day) or [self.tables.key(GOLD_IMAGES.name, day)]
            files.setdefault(tuple(self.schemas[day].items()), []).extend(keys)
        for schema, keys in files.items():
            yield pl.Schema(schema), keys
