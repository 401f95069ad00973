"""Training a classifier on the training set, and comparing it with the champion."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from image_assets.errors import ModelError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.classifier import (
    Classifier,
    ClassifierInput,
    Examples,
    LabelNumbers,
    Probabilities,
    Progress,
    Reads,
    Trainer,
)
from image_assets.models.classifiers.metrics import Scores, score
from image_assets.models.classifiers.review_rule import ReviewRule, choose_threshold
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.classification.advice import advise
from image_assets.steps.classification.champion import load_kept, promote, read_card, read_champion
from image_assets.steps.classification.forecast import Forecast, make_forecast, tell_basis
from image_assets.steps.classification.labelled_inputs import examples_of
from image_assets.steps.classification.splits import SHARES
from image_assets.steps.classification.unseen import mark_unseen
from image_assets.steps.increment.pace import untold
from image_assets.tables.training import ALL_ANSWERS, CLASSIFIER_EVALUATIONS, TRAINING_SET, answers_table

_BATCH = 256
REVIEW_RISK = 0.02


_ENOUGH_TO_REFUSE = 20
"""Test images; of fewer, chance alone gets as many right as one answer does."""


@dataclass(frozen=True, slots=True)
class ClassSelection:
    """What of the training set is taught.

    Attributes:
        classes: the labels to tell apart, in their normal form; all that there are when empty.
        min_images: images that a label needs in the training split to be taught.
    """

    classes: tuple[str, ...] = ()
    min_images: int = 5


@dataclass(frozen=True, slots=True)
class SelectedClasses:
    """The taught part of the training set.

    Attributes:
        rows: images of the labels that are taught.
        labels: those.
        left_out: labels with too few images to learn from, with how many there are in the training split and in all.
    """

    rows: pl.DataFrame
    labels: tuple[str, ...]
    left_out: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingReport:
    """A new classifier, how it was made and how it does.

    Attributes:
        classifier: the new one.
        trainer: which one made it.
        parameters: what was chosen.
        images: of each split that it was made with.
        left_out: labels with too few images to learn from; see `SelectedClasses`.
        advice: what was counted, what is too few, and what to label next, in words.
        validation: on those images of the split that the encoder has not learned from.
        test: likewise.
        held_out: on every labelled image that the encoder has not learned from, each answered by a classifier that
            learnt from none of its group.
        forecast: what to expect of other photos.
        review: from which confidence on an image needs no person; None: no image was new to the encoder.
        seconds: that it took.
    """

    classifier: Classifier
    trainer: str
    parameters: Mapping[str, str | float]
    images: Mapping[str, int]
    left_out: Mapping[str, tuple[int, int]]
    advice: tuple[str, ...]
    validation: Scores
    test: Scores
    held_out: Scores
    forecast: Forecast
    review: ReviewRule | None
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Challenger and champion on the same test images, with what each answered; no champion, no scores of it.

    Images that the encoder has learned from are none of them: on these it is right whoever asks, and what a challenger
    gains there it does not gain elsewhere.
    """

    challenger: str
    champion: str | None
    challenger_scores: Scores
    champion_scores: Scores | None
    answers: pl.DataFrame
    learned_images: int = 0

    @property
    def challenger_wins(self) -> bool:
        """By accuracy, then by macro-F1; a draw, or no image to decide on, leaves in charge whoever is.

        Nobody wins whom no image has judged, or who is right no more often than one answer to everything.
        """
        if not self.challenger_scores.images or self.is_no_better_than_one_answer:
            return False
        if self.champion_scores is None:
            return True
        return _strength(self.challenger_scores) > _strength(self.champion_scores)

    @property
    def is_no_better_than_one_answer(self) -> bool:
        """Whether the commonest label alone would be right as often, on images enough to say so."""
        right, images = np.trace(self.challenger_scores.confusion), self.challenger_scores.images
        return images >= _ENOUGH_TO_REFUSE and right < images and right <= self.challenger_scores.confusion.sum(1).max()

    @property
    def basis(self) -> str:
        """What it was decided on, in words."""
        return tell_basis(self.challenger_scores.images, self.learned_images)

    @property
    def is_rematch(self) -> bool:
        """Whether the challenger is the champion already: the same images gave the same classifier."""
        return self.challenger == self.champion


def select_classes(tables: ParquetTables, params: ClassSelection) -> SelectedClasses:
    """The rows of labels that can be taught.

    Raises:
        TableError: there is no training set.
        ModelError: fewer than two labels can be taught, or a split is empty.
    """
    rows = tables.read(TRAINING_SET, None)
    if params.classes:
        rows = rows.filter(pl.col("label").is_in(list(params.classes)))
    counts = {label: (learnt, images) for label, learnt, images in _counts(rows).iter_rows()}
    labels = [label for label, (learnt, _) in counts.items() if learnt >= params.min_images]
    left_out = {label: counts[label] for label in counts if label not in labels}
    if len(labels) < 2:
        raise ModelError(_too_few(params, labels, left_out))
    kept = rows.filter(pl.col("label").is_in(labels))
    for split in SHARES:
        if kept.filter(split=split).is_empty():
            raise ModelError(
                f"the {split} split is empty: photos of one user stay together, and {kept['group_id'].n_unique()} "
                "groups of users and near-duplicates are too few or too unequal; label photos of more users"
            )
    return SelectedClasses(kept, tuple(labels), left_out)


def describe_left_out(left_out: Mapping[str, tuple[int, int]]) -> str:
    """Labels with how many of their images are in the training split."""
    return ", ".join(f"{label} {learnt} (of {images})" for label, (learnt, images) in left_out.items())


def _counts(rows: pl.DataFrame) -> pl.DataFrame:
    """Each label's images in the training split, and in all."""
    return rows.group_by("label").agg(learnt=(pl.col("split") == "train").sum(), images=pl.len()).sort("label")


def _too_few(params: ClassSelection, labels: Sequence[str], left_out: Mapping[str, tuple[int, int]]) -> str:
    unheard_of = [label for label in params.classes if label not in {*labels, *left_out}]
    share = f"the training split, about {SHARES['train']:.0%} of all,"
    told = [
        f"two labels or more are needed, each with {params.min_images} images in {share} to learn from",
        f"enough: {', '.join(labels) or 'none'}",
        f"too few in the training split: {describe_left_out(left_out) or 'none'}",
    ]
    if unheard_of:
        told.append(f"of IMAGE_ASSETS_CLASSES no image has: {', '.join(unheard_of)}")
    return "; ".join(told)


def train_classifier(
    tables: ParquetTables,
    encoder: EncoderDescription,
    trainer: Trainer,
    params: ClassSelection,
    on_progress: Progress = untold,
    review_risk: float = REVIEW_RISK,
) -> TrainingReport:
    """Train on the selected classes; nothing is kept.

    Args:
        tables: the lake's tables.
        encoder: whose vectors are learnt from.
        trainer: how.
        params: which labels.
        on_progress: told how far it is.
        review_risk: share of wrong answers that is put up with among images that no person reviews.

    Raises:
        TableError: there is no training set.
        ModelError: too little to learn from, no vectors, or a start that is missing.
    """
    started = time.monotonic()
    selected = select_classes(tables, params)
    parts = {
        split: examples_of(tables, selected.rows.filter(split=split), selected.labels, trainer.reads, encoder)[0]
        for split in SHARES
    }
    trained = trainer.train(selected.labels, parts["train"], parts["validation"], on_progress)
    answers = {split: _probabilities(trained.classifier, parts[split].inputs) for split in ("validation", "test")}
    if trained.out_of_fold is not None:
        answers["train"] = trained.out_of_fold
    unseen = {split: _unseen(each, parts[split]) for split, each in answers.items()}
    scores = {split: score(*each) for split, each in unseen.items()}
    held_out, learned = score(*_together(unseen.values())), len(parts["test"].targets) - scores["test"].images
    # Test images have no say in the rule, so that they can judge it.
    chooses = _together(each for split, each in unseen.items() if split != "test")
    return TrainingReport(
        classifier=trained.classifier,
        trainer=trainer.name,
        parameters=trained.parameters,
        images={split: len(part.targets) for split, part in parts.items()},
        left_out=selected.left_out,
        advice=advise(_counts_of(parts["train"], selected.labels), selected.left_out, held_out),
        validation=scores["validation"],
        test=scores["test"],
        held_out=held_out,
        forecast=make_forecast(scores["test"], learned, held_out),
        review=choose_threshold(*chooses, review_risk),
        seconds=time.monotonic() - started,
    )


def _counts_of(part: Examples, labels: Sequence[str]) -> dict[str, int]:
    return dict(zip(labels, np.bincount(part.targets, minlength=len(labels)).tolist(), strict=True))


def compare_with_champion(
    tables: ParquetTables, encoder: EncoderDescription, challenger: str, params: ClassSelection
) -> Comparison:
    """Score both on those images of today's test split that the encoder has not learned from.

    A champion that reads another encoder's vectors cannot take part.
    """
    opponent = _champion_for(tables, encoder)
    rows = select_classes(tables, params).rows.filter(split="test")
    contestants = {version: load_kept(tables.store, version) for version in (challenger, opponent) if version}
    if any(classifier.reads is Reads.EMBEDDING for classifier in contestants.values()):
        # Whoever reads pixels is asked about the same images.
        rows = examples_of(tables, rows, rows["label"].unique().to_list(), Reads.EMBEDDING, encoder)[1]
    everything, rows = rows.height, rows.filter(mark_unseen(tables, rows, encoder))
    sides = {version: _answer(tables, rows, classifier, encoder) for version, classifier in contestants.items()}
    scores = {version: side.scores for version, side in sides.items()}
    return Comparison(
        challenger,
        opponent,
        scores[challenger],
        scores[opponent] if opponent else None,
        _side_by_side(rows, (challenger, sides[challenger]), (opponent, sides[opponent]) if opponent else None),
        everything - rows.height,
    )


def conclude(tables: ParquetTables, comparison: Comparison, at: datetime) -> bool:
    """Record a comparison and put the challenger in charge if it won; say whether it was.

    Of a champion that meets itself the record stays that put it in charge.
    """
    if comparison.is_rematch and tables.exists(CLASSIFIER_EVALUATIONS, None):
        return False
    is_promoted = comparison.challenger_wins and not comparison.is_rematch
    rows = [_row(comparison, "challenger", comparison.challenger, comparison.challenger_scores, at, is_promoted)]
    if comparison.champion and comparison.champion_scores:
        rows.append(_row(comparison, "champion", comparison.champion, comparison.champion_scores, at, is_promoted))

    def evaluations() -> pl.DataFrame:
        others = tables.read_or_empty(CLASSIFIER_EVALUATIONS, None).filter(
            pl.col("challenger") != comparison.challenger
        )
        return pl.concat([others, pl.DataFrame(rows, schema=others.schema)])

    if comparison.challenger_scores.images:
        tables.replace(answers_table(comparison.challenger), None, comparison.answers)
        tables.replace_if_changed(CLASSIFIER_EVALUATIONS, None, evaluations)
    elif not tables.exists(CLASSIFIER_EVALUATIONS, None):
        tables.replace(CLASSIFIER_EVALUATIONS, None, CLASSIFIER_EVALUATIONS.schema.create_empty())
    if is_promoted:
        promote(tables.store, comparison.challenger)
    return is_promoted


def _champion_for(tables: ParquetTables, encoder: EncoderDescription) -> str | None:
    champion = read_champion(tables.store)
    if champion and read_card(tables.store, champion.model_version).fits(encoder):
        return champion.model_version
    return None


def _strength(scores: Scores) -> tuple[float, float]:
    return scores.accuracy, scores.macro_f1


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """How a contestant did: its scores, its most probable labels and how probable they are."""

    scores: Scores
    labels: pl.Series
    confidences: pl.Series


def _answer(tables: ParquetTables, rows: pl.DataFrame, classifier: Classifier, encoder: EncoderDescription) -> _Side:
    """Over the labels of both sides: one that the classifier does not know has probability 0."""
    if rows.is_empty():
        return _Side(
            score(np.zeros((0, 1), np.float32), np.zeros(0, np.intp)),
            pl.Series(dtype=pl.String),
            pl.Series(dtype=pl.Float32),
        )
    labels = sorted({*classifier.labels, *rows["label"]})
    examples, _ = examples_of(tables, rows, labels, classifier.reads, encoder)
    probabilities = np.zeros((len(examples.targets), len(labels)), np.float32)
    probabilities[:, [labels.index(label) for label in classifier.labels]] = _probabilities(classifier, examples.inputs)
    guesses = pl.Series([labels[place] for place in probabilities.argmax(axis=1)], dtype=pl.String)
    return _Side(score(probabilities, examples.targets), guesses, pl.Series(probabilities.max(axis=1)))


def _side_by_side(
    rows: pl.DataFrame, challenger: tuple[str, _Side], champion: tuple[str, _Side] | None
) -> pl.DataFrame:
    """A row per image, in the columns of `classifier_answers`."""
    said = {
        f"{role}{suffix}": value
        for role, (version, side) in {"challenger": challenger, **({"champion": champion} if champion else {})}.items()
        for suffix, value in (("", pl.lit(version)), ("_label", side.labels), ("_confidence_ratio", side.confidences))
    }
    schema = ALL_ANSWERS.schema.create_empty().schema
    told = rows.select("image_id", "day", "label").with_columns(**said)
    missing = [pl.lit(None, dtype=schema[name]).alias(name) for name in schema if name not in told.columns]
    return told.with_columns(missing).select(list(schema)).sort("image_id")


def _probabilities(classifier: Classifier, inputs: Sequence[ClassifierInput]) -> Probabilities:
    """A batch at a time: pixels of all images at once would not fit."""
    batches = [inputs[start : start + _BATCH] for start in range(0, len(inputs), _BATCH)]
    return np.concatenate([classifier.probabilities(batch) for batch in batches])


_Answered = tuple[Probabilities, LabelNumbers]


def _unseen(answers: Probabilities, part: Examples) -> _Answered:
    """Answers and targets of the images that the encoder has not learned from."""
    chosen = slice(None) if part.is_unseen is None else part.is_unseen
    return answers[chosen], part.targets[chosen]


def _together(parts: Iterable[_Answered]) -> _Answered:
    answers, targets = zip(*parts, strict=True)
    return np.concatenate(answers), np.concatenate(targets)


def _row(
    comparison: Comparison, role: str, version: str, scores: Scores, at: datetime, is_promoted: bool
) -> dict[str, object]:
    return {
        "challenger": comparison.challenger,
        "role": role,
        "model_version": version,
        "evaluated_at": at,
        "images": scores.images,
        "accuracy_ratio": scores.accuracy,
        "macro_f1_ratio": scores.macro_f1,
        "calibration_error_ratio": scores.calibration_error,
        "risk_coverage_ratio": scores.risk_coverage,
        "is_promoted": is_promoted,
    }
