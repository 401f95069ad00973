"""What a classifier learns from, what is doubtful of it, and how classifiers compare."""

import dataframely as dy

from image_assets.tables import columns
from image_assets.tables.gold import LABEL_SOURCES
from image_assets.tables.table import Table

SPLITS = ["train", "validation", "test"]
ISSUE_KINDS = ["disputed", "conflict", "noise"]
ROLES = ["challenger", "champion"]


class TrainingSet(dy.Schema):
    """One row per labelled image, with the split that it stays in for good."""

    image_id = columns.image_id()
    day = columns.day()
    user_id = dy.String(nullable=True, description="Who uploaded it.")
    label = dy.String(
        min_length=1, description="What a person decided, else what came with the upload; in its normal form."
    )
    label_source = dy.Enum(LABEL_SOURCES, description="human: a decision; supplied: came with the upload.")
    group_id = dy.String(description="First image of all that share a user or are near-duplicates; never split up.")
    split = dy.Enum(SPLITS, description="About 70, 15 and 15 of a hundred images.")


class LabelIssues(dy.Schema):
    """One row per image whose label is doubtful, worst first."""

    rank = dy.UInt32(primary_key=True, min=1, description="1 is the most doubtful: disputed, conflict, noise.")
    kind = dy.Enum(
        ISSUE_KINDS,
        description="disputed: people differ; conflict: a near-duplicate has another label; noise: classifiers insist "
        "on another.",
    )
    image_id = dy.String(regex=columns.UUID_PATTERN, description="The image.")
    day = columns.day()
    label = dy.String(description="The label it has.")
    suggested_label = dy.String(
        description="The other label: of another person, of the near-duplicate, or of classifiers."
    )
    confidence_ratio = dy.Float32(
        nullable=True, min=0.0, max=1.0, description="Out-of-fold probability of the suggested label; null: no noise."
    )
    other_image_id = dy.String(nullable=True, regex=columns.UUID_PATTERN, description="The near-duplicate.")


class ClassifierEvaluations(dy.Schema):
    """Two rows per comparison on the test split: a challenger and the champion of that time, if there was one."""

    challenger = dy.String(primary_key=True, description="Model version that was put to the test.")
    role = dy.Enum(ROLES, primary_key=True, description="Which of the two this row is about.")
    model_version = dy.String(description="Version of the model that this row is about.")
    evaluated_at = columns.instant("When they were compared.")
    images = dy.UInt32(min=1, description="Images of the test split.")
    accuracy_ratio = columns.ratio("Share of images whose most probable label is the right one.")
    macro_f1_ratio = columns.ratio("Mean over labels of the F1 score.")
    calibration_error_ratio = columns.ratio("Expected calibration error in 15 bins of equal width.")
    risk_coverage_ratio = columns.ratio("Area under the risk-coverage curve; low is good.")
    is_promoted = dy.Bool(description="Whether the challenger became the champion.")


class ClassifierAnswers(dy.Schema):
    """One row per image of the test split, as challenger and champion of one comparison answered."""

    image_id = columns.image_id()
    day = columns.day()
    label = dy.String(min_length=1, description="The label that it had then.")
    challenger = dy.String(min_length=1, description="Model version that was put to the test.")
    challenger_label = dy.String(description="Its most probable label.")
    challenger_confidence_ratio = columns.ratio("Calibrated probability of that.")
    champion = dy.String(nullable=True, description="The one in charge then; null: there was none to beat.")
    champion_label = dy.String(nullable=True, description="Its most probable label.")
    champion_confidence_ratio = dy.Float32(
        nullable=True, min=0.0, max=1.0, description="Calibrated probability of that."
    )


_VECTOR = "image_embeddings.embedding"
_GROUPED = "bronze_images.user_id duplicate_images.canonical_id"

TRAINING_SET = Table(
    "training_set",
    TrainingSet,
    {
        "image_id": "silver_images.image_id",
        "user_id": "bronze_images.user_id",
        "label": "bronze_images.label",
        "label_source": "bronze_images.label",
        "group_id": _GROUPED,
        "split": f"{_GROUPED} bronze_images.label",
    },
)
LABEL_ISSUES = Table(
    "label_issues",
    LabelIssues,
    {
        "*": f"training_set.label training_set.group_id duplicate_images.canonical_id {_VECTOR}",
        "image_id": "training_set.image_id",
        "label": "training_set.label",
        "other_image_id": "duplicate_images.canonical_id",
    },
)
CLASSIFIER_EVALUATIONS = Table(
    "classifier_evaluations",
    ClassifierEvaluations,
    {
        "*": f"training_set.label training_set.split {_VECTOR}",
        **dict.fromkeys(("challenger", "role", "model_version", "evaluated_at"), ""),
        "images": "training_set.split",
    },
)
ALL_ANSWERS = Table("classifier_answers", ClassifierAnswers)
"""Those of all comparisons together."""


def answers_table(challenger: str) -> Table:
    """The answers of the comparison in which this version was the challenger."""
    return Table(f"{ALL_ANSWERS.name}/{challenger}", ClassifierAnswers)
