"""How long uploads have taken lately to become images."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.gold import GOLD_IMAGES

_DAYS, _IMAGES = 3, 500
# Longer ago than that it was uploaded elsewhere, or another recipe has made the row anew.
LONGEST_WAIT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UsualWait:
    """The median of the newest images.

    Attributes:
        seconds: from the upload to the row of gold.
        images: of how many; few say little.
    """

    seconds: float
    images: int

    def __str__(self) -> str:
        minutes = self.seconds / 60
        return f"{minutes:.0f} min" if minutes >= 1 else f"{self.seconds:.0f} s"


def usual_wait(tables: ParquetTables, today: date) -> UsualWait | None:
    """Of images of the last few days; None while there are none that came to this lake as they were uploaded."""
    recent = {today - timedelta(days=back) for back in range(_DAYS)}
    days = [day for day in tables.days(GOLD_IMAGES.name) if day in recent]
    waited = pl.col("processed_at") - pl.col("uploaded_at")
    rows = tables.scan(GOLD_IMAGES, ["uploaded_at", "processed_at"], days)
    waits = (
        rows.sort("processed_at")
        .tail(_IMAGES)
        .select(wait=waited)
        .filter(pl.col("wait").is_between(timedelta(0), LONGEST_WAIT))
    )
    if waits.is_empty():
        return None
    return UsualWait(waits.select(pl.col("wait").dt.total_microseconds().median()).item() / 1e6, waits.height)
