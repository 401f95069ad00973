"""From a finished training to a version: recorded and registered with MLflow, then kept in the lake."""

import re
from collections.abc import Mapping
from datetime import datetime

import polars as pl

from image_assets.lake.object_store import ObjectStore
from image_assets.models.classifiers.classifier import Reads
from image_assets.models.classifiers.classifier_files import version_of_files
from image_assets.models.classifiers.metrics import Scores
from image_assets.models.classifiers.mlflow_registry import Tracking, TrainingRecord, register_classifier
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.classification.champion import ClassifierCard, digests_of, keep_classifier, training_instant
from image_assets.steps.classification.forecast import tell_review
from image_assets.steps.classification.training import TrainingReport

_POINTS = 100
"""Of a risk-coverage curve that a page draws."""


def record_training(
    store: ObjectStore,
    report: TrainingReport,
    encoder: EncoderDescription,
    tracking: Tracking,
    pictures: Mapping[str, bytes],
    now: datetime,
) -> ClassifierCard:
    """Log into MLflow's active run, register, keep; `ModelError` when MLflow does not answer, and nothing is kept.

    It counts as trained later than every version before it, whatever the clock says: the newest is the challenger.
    """
    files = report.classifier.files()
    is_on_vectors = report.classifier.reads is Reads.EMBEDDING
    version = version_of_files(report.trainer, files)
    input_size = (encoder.dimension,) if is_on_vectors else (-1, -1, 3)
    record = _record(report, version, encoder, pictures)
    card = ClassifierCard(
        model_version=version,
        trainer=report.trainer,
        encoder=(encoder.name, encoder.revision) if is_on_vectors else None,
        trained_at=training_instant(store, now).isoformat(),
        registry_number=register_classifier(tracking, report.classifier, input_size, record),
        digests=digests_of(files),
        forecast=report.forecast,
        review=report.review,
        advice=report.advice,
        reliability=_diagram(report.held_out),
        curve=_curve(report.held_out),
    )
    keep_classifier(store, card, files)
    return card


def _diagram(scores: Scores) -> tuple[tuple[float, float, int], ...]:
    bins = scores.reliability
    return tuple(zip(bins.confidence.tolist(), bins.accuracy.tolist(), bins.images.tolist(), strict=True))


def _curve(scores: Scores) -> tuple[tuple[float, float], ...]:
    points = zip(scores.curve.coverage.tolist(), scores.curve.risk.tolist(), strict=True)
    return tuple(list(points)[:: max(1, scores.images // _POINTS)])


def per_label(labels: tuple[str, ...], scores: Scores) -> pl.DataFrame:
    """Precision, recall and F1 per label, with its images."""
    images = scores.confusion.sum(axis=1)
    return pl.DataFrame(
        {"label": labels, "images": images, "precision": scores.precision, "recall": scores.recall, "f1": scores.f1}
    )


def _record(
    report: TrainingReport, version: str, encoder: EncoderDescription, pictures: Mapping[str, bytes]
) -> TrainingRecord:
    labels = report.classifier.labels
    splits = {"validation": report.validation, "test": report.test}
    metrics = {name: value for split, scores in splits.items() for name, value in _metrics(split, scores).items()}
    metrics |= _promised(report)
    metrics |= {f"test_f1_{_plain(name)}": f1 for name, f1 in zip(labels, report.test.f1.tolist(), strict=True)}
    parameters: dict[str, str | float] = {f"images_{split}": images for split, images in report.images.items()}
    parameters |= {"trainer": report.trainer, "labels": len(labels), "encoder": encoder.name, **report.parameters}
    tables = {f"per_label_{split}.csv": per_label(labels, scores).write_csv() for split, scores in splits.items()}
    return TrainingRecord(
        name=version,
        description=_description(report),
        parameters={**parameters, "encoder_revision": encoder.revision},
        metrics={**metrics, "seconds": report.seconds},
        files={**pictures, **{name: text.encode() for name, text in tables.items()}},
    )


def _description(report: TrainingReport) -> str:
    told = [f"{report.trainer}: {report.forecast.told}", *([tell_review(report.review)] if report.review else [])]
    apart = f"learnt from {report.images['train']} photos; tells apart {', '.join(report.classifier.labels)}"
    return "\n\n".join(f"{each}." for each in [*told, apart, *report.advice])


def _promised(report: TrainingReport) -> dict[str, float]:
    """What is said of photos that were never seen."""
    told = _metrics("held_out", report.held_out)
    if report.review:
        told |= {"review_threshold": report.review.threshold, "review_share": report.review.reviewed_ratio}
    return {**told, "forecast_accuracy": report.forecast.accuracy, "forecast_images": report.forecast.images}


def _metrics(split: str, scores: Scores) -> dict[str, float]:
    return {
        f"{split}_accuracy": scores.accuracy,
        f"{split}_macro_f1": scores.macro_f1,
        f"{split}_calibration_error": scores.calibration_error,
        f"{split}_risk_coverage_area": scores.risk_coverage,
    }


def _plain(label: str) -> str:
    """MLflow's names of metrics hold few signs."""
    return re.sub(r"[^\w.-]", "_", label, flags=re.ASCII)
