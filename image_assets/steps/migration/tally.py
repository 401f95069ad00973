"""What a scan has found, counted as it goes."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from image_assets.tables.migration import REGISTERED

_SHOWN = 3


@dataclass
class Tally:
    """Counts of a scan.

    Attributes:
        entries: how many were noted.
        unchanged: how many an earlier scan has noted as they are; of this call.
        kinds: by kind, how many.
        size_bytes: of the files of each kind.
        days: how many files each day gets.
        dated_by: how many files each source of dates has dated.
        examples: of each kind that is no upload, a few: path and detail.
    """

    entries: int = 0
    unchanged: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    size_bytes: Counter[str] = field(default_factory=Counter)
    days: Counter[date] = field(default_factory=Counter)
    dated_by: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, rows: pl.DataFrame) -> None:
        """Count the rows of a shard."""
        self.entries += rows.height
        for kind, count, size in rows.group_by("kind").agg(pl.len(), pl.col("size_bytes").sum().alias("size")).rows():
            self.kinds[kind] += count
            self.size_bytes[kind] += size
        for counter, column in ((self.days, "day"), (self.dated_by, "dated_by")):
            counter.update(dict(rows.get_column(column).drop_nulls().value_counts().iter_rows()))
        others = rows.filter(pl.col("detail").is_not_null())
        for kind, path, detail in others.select("kind", "path", "detail").iter_rows():
            shown = self.examples.setdefault(kind, [])
            if len(shown) < _SHOWN:
                shown.append((path, detail))

    @property
    def registered(self) -> int:
        """How many pictures."""
        return self.kinds[REGISTERED]
