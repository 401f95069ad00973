"""Challenges: how a new classifier did against the one in charge, read back from what both answered.

No model is loaded and no vector is read: `classifier_answers` has what each said of every image of the test split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.paired_test import PairedTest, compare_pairs
from image_assets.steps.classification.champion import find_card, read_champion
from image_assets.steps.classification.forecast import tell_basis
from image_assets.steps.classification.review_progress import wilson_interval
from image_assets.tables.training import CLASSIFIER_EVALUATIONS, answers_table

Confusion = tuple[tuple[int, ...], ...]
"""Images by given label (rows) and predicted label (columns)."""


class Change(StrEnum):
    """What a new classifier's other answer means."""

    MENDED = "mended"
    """The challenger alone is right."""
    BROKEN = "broken"
    """The champion alone was right."""
    OTHER = "other"
    """Neither is right."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a classifier is right on the test split.

    Attributes:
        right: images.
        images: of how many.
        ratio: 0..1.
        low: lower end of its 95 % interval (Wilson, 1927).
        high: its upper end.
    """

    right: int
    images: int
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How both do on one label.

    Attributes:
        label: which.
        images: of the test split that have it.
        challenger_recall: 0..1, of them that the challenger found.
        challenger_precision: 0..1, of those that it takes for the label; 0 when it takes none.
        champion_recall: the same of the champion; None where there was none.
        champion_precision: likewise.
    """

    label: str
    images: int
    challenger_recall: float
    challenger_precision: float
    champion_recall: float | None
    champion_precision: float | None


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """An image of which the two say different things; it may have been erased from gold since its day was run."""

    image_id: str
    day: date
    label: str
    champion_label: str
    champion_confidence: float
    challenger_label: str
    challenger_confidence: float
    change: Change


@dataclass(frozen=True, slots=True)
class Challenge:
    """A new classifier put to the test against the one in charge.

    Attributes:
        challenger: its version.
        champion: the version that was in charge; None when there was none to beat.
        compared_at: when.
        is_promoted: whether the challenger took charge.
        basis: what it was decided on, in words; empty of a release that did not leave out what an encoder had learned.
        challenger_accuracy: on the test split.
        champion_accuracy: on the same images.
        test: whether the difference may be luck; None without a champion.
        labels: of rows and columns of the confusion matrices.
        challenger_confusion: images by given and predicted label.
        champion_confusion: likewise; None without a champion.
        per_label: both on each label that test images have.
        changed: what the two say differently: mended, then broken, then other; of each the surest challenger first.
    """

    challenger: str
    champion: str | None
    compared_at: datetime
    is_promoted: bool
    basis: str
    challenger_accuracy: Accuracy
    champion_accuracy: Accuracy | None
    test: PairedTest | None
    labels: tuple[str, ...]
    challenger_confusion: Confusion
    champion_confusion: Confusion | None
    per_label: tuple[LabelScore, ...]
    changed: tuple[ChangedAnswer, ...]

    @property
    def verdict(self) -> str:
        """What followed, in words."""
        return verdict(self.challenger, self.champion, is_promoted=self.is_promoted)


def verdict(challenger: str, champion: str | None, *, is_promoted: bool) -> str:
    """What follows from a comparison, in words."""
    if challenger == champion:
        return f"{challenger} is the champion already: the same images gave the same classifier"
    if champion is None and not is_promoted:
        return f"{challenger} is not put in charge: no test image says that it beats one answer to all; zero-shot stays"
    if champion is None:
        return f"{challenger} is the champion: there was none to beat"
    if is_promoted:
        return f"{challenger} beats {champion} and is the champion now"
    return f"{challenger} does not beat {champion}, which stays the champion"


def read_challenge(tables: ParquetTables, challenger: str) -> Challenge | None:
    """The challenge of a version; None when it was never compared, or by a release that kept no answers."""
    evaluated = tables.read_or_empty(CLASSIFIER_EVALUATIONS, None).filter(challenger=challenger, role="challenger")
    answers = tables.read_or_empty(answers_table(challenger), None)
    if evaluated.is_empty() or answers.is_empty():
        return None
    card = find_card(tables.store, challenger)
    basis = tell_basis(answers.height, card.forecast.learned_images) if card and card.forecast else ""
    return _challenge(answers, evaluated.row(0, named=True), basis)


def last_challenge(tables: ParquetTables) -> Challenge | None:
    """The newest challenge, whoever won it; None while there is none."""
    evaluated = tables.read_or_empty(CLASSIFIER_EVALUATIONS, None).sort("evaluated_at", "challenger")
    return read_challenge(tables, evaluated["challenger"][-1]) if evaluated.height else None


def challenge_of_champion(tables: ParquetTables) -> Challenge | None:
    """The challenge by which the version in charge came to be it; None without a champion or a record."""
    champion = read_champion(tables.store)
    return read_challenge(tables, champion.model_version) if champion else None


def _challenge(answers: pl.DataFrame, evaluated: dict[str, Any], basis: str) -> Challenge:
    champion = answers["champion"][0]
    roles = ("challenger", *(("champion",) if champion else ()))
    labels = tuple(sorted({*answers["label"], *(label for role in roles for label in answers[f"{role}_label"])}))
    matrices = {role: _confusion(answers, labels, role) for role in roles}
    rights = {role: int((answers["label"] == answers[f"{role}_label"]).sum()) for role in roles}
    changed = _changed(answers) if champion else ()
    counts = {kind: sum(each.change is kind for each in changed) for kind in Change}
    images = answers.height
    return Challenge(
        challenger=evaluated["challenger"],
        champion=champion,
        compared_at=evaluated["evaluated_at"],
        is_promoted=evaluated["is_promoted"],
        basis=basis,
        challenger_accuracy=_accuracy(rights["challenger"], images),
        champion_accuracy=_accuracy(rights["champion"], images) if champion else None,
        test=compare_pairs(counts[Change.MENDED], counts[Change.BROKEN], images) if champion else None,
        labels=labels,
        challenger_confusion=matrices["challenger"],
        champion_confusion=matrices.get("champion"),
        per_label=tuple(_per_label(labels, matrices)),
        changed=changed,
    )


def _accuracy(right: int, images: int) -> Accuracy:
    return Accuracy(right, images, right / images, *wilson_interval(right, images))


def _confusion(answers: pl.DataFrame, labels: Sequence[str], role: str) -> Confusion:
    counted = answers.group_by("label", f"{role}_label").len()
    images = {(given, said): count for given, said, count in counted.iter_rows()}
    return tuple(tuple(images.get((given, said), 0) for said in labels) for given in labels)


def _per_label(labels: Sequence[str], matrices: dict[str, Confusion]) -> list[LabelScore]:
    scores = []
    for place, label in enumerate(labels):
        if images := sum(matrices["challenger"][place]):
            sides = [_side(matrices.get(role), place) for role in ("challenger", "champion")]
            (recall, precision), (former_recall, former_precision) = sides
            scores.append(LabelScore(label, images, recall or 0.0, precision or 0.0, former_recall, former_precision))
    return scores


def _side(matrix: Confusion | None, place: int) -> tuple[float | None, float | None]:
    """Recall and precision of a label."""
    if matrix is None:
        return None, None
    right, said = matrix[place][place], sum(row[place] for row in matrix)
    return right / sum(matrix[place]), right / said if said else 0.0


def _changed(answers: pl.DataFrame) -> tuple[ChangedAnswer, ...]:
    change = (
        pl.when(pl.col("challenger_label") == pl.col("label"))
        .then(pl.lit(Change.MENDED))
        .when(pl.col("champion_label") == pl.col("label"))
        .then(pl.lit(Change.BROKEN))
        .otherwise(pl.lit(Change.OTHER))
        .cast(pl.Enum(Change))
    )
    rows = answers.filter(pl.col("challenger_label") != pl.col("champion_label")).with_columns(change=change)
    rows = rows.sort("change", "challenger_confidence_ratio", "image_id", descending=[False, True, False])
    return tuple(
        ChangedAnswer(
            row["image_id"],
            row["day"],
            row["label"],
            row["champion_label"],
            row["champion_confidence_ratio"],
            row["challenger_label"],
            row["challenger_confidence_ratio"],
            Change(row["change"]),
        )
        for row in rows.iter_rows(named=True)
    )
