"""Labels that a person may choose from, in an order that stays: buttons and keys do not move."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

from image_assets.lake.day_frames import DayFrames
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.opinions import OpinionLog, standing_words
from image_assets.tables.gold import GOLD_IMAGES

_READ: Final = ["label", "label_source", "predicted_label", "top_labels"]


class KnownLabels:
    """The labels of a lake; may be shared by threads."""

    def __init__(self, tables: ParquetTables, log: OpinionLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._frames = DayFrames(tables, GOLD_IMAGES.name, _READ, _of_a_day, clock)

    def all(self) -> Mapping[str, int]:
        """By label how often people gave it: what models tell apart first, then what uploads and people added.

        What people added comes in the order in which it was first said, so that a new label goes to the end.
        """
        rows = pl.concat([pl.DataFrame(schema=_OF_A_DAY), *self._frames.all()]).unique()
        given = Counter(word.shows for word in standing_words(self._log.recent()) if word.shows)
        known = [*rows.filter("is_told")["label"].sort(), *rows.filter(~pl.col("is_told"))["label"].sort(), *given]
        return {label: given[label] for label in dict.fromkeys(known)}


_OF_A_DAY: Final[dict[str, Any]] = {"label": pl.String, "is_told": pl.Boolean}


def _of_a_day(rows: pl.DataFrame) -> pl.DataFrame:
    """Labels of a day, each with whether a model gives it; what people said is known from themselves."""
    ranked = rows.select(pl.col("top_labels").explode().struct.field("label").cast(pl.String))
    best = rows.select(pl.col("predicted_label").cast(pl.String).alias("label"))
    supplied = rows.filter(pl.col("label_source").cast(pl.String) == "supplied").select(pl.col("label").cast(pl.String))
    told = pl.concat([ranked, best]).with_columns(is_told=pl.lit(value=True))
    return pl.concat([told, supplied.with_columns(is_told=pl.lit(value=False))]).drop_nulls().unique()
