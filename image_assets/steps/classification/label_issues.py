"""Labels worth a second look: people or near-duplicates that differ, and labels that no classifier believes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.classifier import Reads
from image_assets.models.classifiers.label_noise import find_doubtful_labels
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.classification.labelled_inputs import examples_of
from image_assets.steps.classification.opinions import read_opinions
from image_assets.steps.classification.outcomes import outcomes_of
from image_assets.steps.classification.splits import group_images
from image_assets.steps.classification.training_set import duplicate_links
from image_assets.tables.training import LABEL_ISSUES, TRAINING_SET

_Issue = dict[str, object]


@dataclass(frozen=True, slots=True)
class LabelIssuesReport:
    """The committed rows and whether they differ from those of before."""

    rows: pl.DataFrame
    is_changed: bool


def find_label_issues(tables: ParquetTables, encoder: EncoderDescription) -> LabelIssuesReport:
    """Bring `label_issues` in line with the training set.

    Raises:
        TableError: there is no training set.
        ModelError: no labelled image has a vector of the encoder.
    """
    is_changed = tables.replace_if_changed(LABEL_ISSUES, None, partial(_label_issues, tables, encoder))
    return LabelIssuesReport(tables.read(LABEL_ISSUES, None), is_changed)


def _label_issues(tables: ParquetTables, encoder: EncoderDescription) -> pl.DataFrame:
    training = tables.read(TRAINING_SET, None)
    conflicts = list(_conflicts(tables, training))
    noise = list(_noise(tables, training, encoder)) if training["group_id"].n_unique() > 1 else []
    found = [*_disputes(tables, training), *conflicts, *noise]
    issues = [{**issue, "rank": rank} for rank, issue in enumerate(found, start=1)]
    return pl.DataFrame(issues, schema=LABEL_ISSUES.schema.create_empty().schema)


def _disputes(tables: ParquetTables, training: pl.DataFrame) -> Iterator[_Issue]:
    """Every image on which people differ, with the latest other label."""
    outcomes = outcomes_of(read_opinions(tables.store))
    for row in training.sort("image_id").iter_rows(named=True):
        outcome = outcomes.get(row["image_id"])
        if outcome and outcome.is_conflict:
            other = next(label for label in reversed([*outcome.sides.values()]) if label != row["label"])
            yield _issue("disputed", row, other, None, None)


def _conflicts(tables: ParquetTables, training: pl.DataFrame) -> Iterator[_Issue]:
    """Every image of a family of near-duplicates whose label is not that of the family's first image."""
    families = group_images(duplicate_links(tables))
    family = pl.col("image_id").replace_strict(families, default=None, return_dtype=pl.String)
    related = training.with_columns(family=family).drop_nulls("family")
    for members in related.sort("image_id").partition_by("family", maintain_order=True):
        first, *others = members.iter_rows(named=True)
        for other in others:
            if other["label"] != first["label"]:
                yield _issue("conflict", other, first["label"], None, first["image_id"])


def _noise(tables: ParquetTables, training: pl.DataFrame, encoder: EncoderDescription) -> Iterator[_Issue]:
    """Supplied labels that heads trained on other groups' images do not believe; people's words stand."""
    from image_assets.models.classifiers.head_trainer import predict_out_of_fold

    labels = tuple(training["label"].unique().sort())
    examples, found = examples_of(tables, training, labels, Reads.EMBEDDING, encoder)
    groups = np.unique(found["group_id"].to_numpy(), return_inverse=True)[1]
    if len(labels) < 2 or groups.max(initial=0) < 1:
        return
    for doubt in find_doubtful_labels(predict_out_of_fold(labels, examples, groups), examples.targets):
        row = found.row(doubt.index, named=True)
        if row["label_source"] == "supplied":
            yield _issue("noise", row, labels[doubt.suggested], doubt.confidence, None)


def _issue(kind: str, row: _Issue, suggested: str, confidence: float | None, other: object) -> _Issue:
    return {
        **{name: row[name] for name in ("image_id", "day", "label")},
        "kind": kind,
        "suggested_label": suggested,
        "confidence_ratio": confidence,
        "other_image_id": other,
    }
