"""What gold does not show yet: days that a former model predicted, and what people said since they were run."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.label_decisions import read_decisions
from image_assets.steps.classification.opinions import OpinionLog
from image_assets.steps.classification.outcomes import outcomes_of
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.training import TRAINING_SET

_PREDICTED = ["image_id", "predicted_label", "model_version"]


@dataclass(frozen=True, slots=True)
class DecisionCount:
    """What people have said so far.

    Attributes:
        images: decided ones.
        people: who decided them.
        unlearnt: images whose decision the last training did not have.
    """

    images: int
    people: int
    unlearnt: int


def count_decisions(tables: ParquetTables) -> DecisionCount:
    """How much there is to learn from people."""
    decided = read_decisions(tables.store)
    learnt = tables.read_or_empty(TRAINING_SET, None).filter(pl.col("label_source") == "human")
    unlearnt = decided.join(learnt.select("image_id", "label"), on=["image_id", "label"], how="anti")
    return DecisionCount(decided.height, decided.get_column("decided_by").n_unique(), unlearnt.height)


def days_behind(tables: ParquetTables, model_version: str | None) -> dict[date, int]:
    """Days whose gold a run would change, with how many of their predictions are of another version.

    Args:
        tables: the lake's tables.
        model_version: the one in charge; None asks for decisions alone.
    """
    said = _said(OpinionLog(tables.store))
    of_others = {day: _of_others(tables, day, model_version) for day in tables.days(GOLD_IMAGES.name)}
    return {day: count for day, count in of_others.items() if count or _is_untold(tables, day, said.get(day))}


def predictions_in_gold(tables: ParquetTables, days: Iterable[date]) -> pl.DataFrame:
    """`image_id`, `predicted_label` and `model_version` of the images of some days."""
    there = [day for day in days if tables.exists(GOLD_IMAGES, day)]
    return tables.scan(GOLD_IMAGES, _PREDICTED, there)


def count_changed(before: pl.DataFrame, after: pl.DataFrame) -> tuple[int, int]:
    """Of the images of `predictions_in_gold`: how many another model has predicted since, and how many anew."""
    both = before.join(after, on="image_id", suffix="_after")
    again = both.filter(pl.col("model_version").ne_missing(pl.col("model_version_after")))
    changed = again.filter(pl.col("predicted_label").ne_missing(pl.col("predicted_label_after")))
    return again.height, changed.height


def _of_others(tables: ParquetTables, day: date, model_version: str | None) -> int:
    versions = tables.read_column(GOLD_IMAGES.name, day, "model_version").drop_nulls()
    return int((versions != model_version).sum()) if model_version else 0


def _said(log: OpinionLog) -> dict[date, dict[str, str]]:
    """By day the images on which there are words, each with what counts; empty where all was taken back."""
    opinions = log.all()
    outcomes, said = outcomes_of(opinions), defaultdict[date, dict[str, str]](dict)
    for image_id in {each.image_id for each in opinions}:
        outcome = outcomes.get(image_id)
        said[log.day_of(image_id)][image_id] = outcome.label if outcome else ""
    return said


def _is_untold(tables: ParquetTables, day: date, said: dict[str, str] | None) -> bool:
    """Whether gold has an image under another word than people's; of an image that gold lacks nothing is to be told."""
    if not said:
        return False
    rows = tables.scan(GOLD_IMAGES, ["image_id", "label", "label_source"], [day])
    told = {name: label if source == "human" else "" for name, label, source in rows.iter_rows()}
    return any(label != told.get(image_id, label) for image_id, label in said.items())
