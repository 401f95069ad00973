"""What the materializations around the classifier show."""

import base64
from collections.abc import Mapping
from dataclasses import asdict

import dagster as dg
import polars as pl

from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.metadata.counts import Metadata, contact_sheet, markdown_cell
from image_assets.steps.classification.challenges import Challenge, verdict
from image_assets.steps.classification.champion import ClassifierCard
from image_assets.steps.classification.forecast import tell_review
from image_assets.steps.classification.label_issues import LabelIssuesReport
from image_assets.steps.classification.predictions import Model
from image_assets.steps.classification.record import per_label
from image_assets.steps.classification.splits import SHARES
from image_assets.steps.classification.training import Comparison, TrainingReport, describe_left_out
from image_assets.steps.classification.training_set import TrainingSetReport
from image_assets.tables.table import Table
from image_assets.tables.training import LABEL_ISSUES, TRAINING_SET

_ISSUES_SHOWN = 24
_SCORES = ("accuracy", "macro_f1", "calibration_error")


def describe_training_set(tables: ParquetTables, report: TrainingSetReport) -> Metadata:
    """How many images each split has, and of which labels."""
    counts = report.rows.group_by("label").agg(
        images=pl.len(), **{split: (pl.col("split") == split).sum() for split in SHARES}
    )
    images = {split: report.rows.filter(split=split).height for split in SHARES}
    shares = {
        f"{split}_ratio": dg.MetadataValue.float(round(count / max(1, report.rows.height), 4))
        for split, count in images.items()
    }
    return {
        **_described(tables, TRAINING_SET, report.rows, is_changed=report.is_changed),
        "groups": dg.MetadataValue.int(report.rows["group_id"].n_unique()),
        "decided_by_people": dg.MetadataValue.int(report.rows.filter(label_source="human").height),
        **shares,
        "labels": dg.MetadataValue.md(_markdown(counts.sort("label"))),
    }


def describe_issues(tables: ParquetTables, report: LabelIssuesReport) -> Metadata:
    """The worst of them, with their thumbnails in the same order."""
    worst = report.rows.head(_ISSUES_SHOWN)
    kinds = {kind: dg.MetadataValue.int(report.rows.filter(kind=kind).height) for kind in ("conflict", "noise")}
    shown = worst.select("rank", "kind", "label", "suggested_label", "confidence_ratio", "image_id")
    thumbnails = [object_keys.thumbnail_key(ImageId(name)) for name in worst["image_id"]]
    return {
        **_described(tables, LABEL_ISSUES, report.rows, is_changed=report.is_changed),
        **kinds,
        "worst": dg.MetadataValue.md(_markdown(shown)),
        **contact_sheet(tables.store, thumbnails),
    }


def describe_training(report: TrainingReport, card: ClassifierCard, pictures: Mapping[str, bytes]) -> Metadata:
    """The new version, its numbers and pictures."""
    splits = {"validation": report.validation, "test": report.test, "held_out": report.held_out}
    scores = pl.DataFrame(
        [(name, each.images, each.accuracy, each.macro_f1, each.calibration_error) for name, each in splits.items()],
        schema=["split", "images", "accuracy", "macro_f1", "calibration_error"],
        orient="row",
    )
    plotted = {
        f"{split}_{name}": dg.MetadataValue.float(round(getattr(each, name), 4))
        for split, each in splits.items()
        for name in _SCORES
    }
    left_out = describe_left_out(report.left_out)
    shown = {name.removesuffix(".png"): dg.MetadataValue.md(_picture(name, data)) for name, data in pictures.items()}
    return {
        "model_version": dg.MetadataValue.text(card.model_version),
        "forecast": dg.MetadataValue.text(report.forecast.told),
        **({"review": dg.MetadataValue.text(tell_review(report.review))} if report.review else {}),
        "advice": dg.MetadataValue.md("\n".join(f"- {markdown_cell(each)}" for each in report.advice)),
        "registry_version": dg.MetadataValue.text(card.registry_number),
        **plotted,
        "scores": dg.MetadataValue.md(_markdown(scores)),
        "held_out_per_label": dg.MetadataValue.md(_markdown(per_label(report.classifier.labels, report.held_out))),
        "parameters": dg.MetadataValue.json(dict(report.parameters)),
        "images": dg.MetadataValue.json(dict(report.images)),
        **(
            {"left_out": dg.MetadataValue.text(f"too few images to learn from in the training split: {left_out}")}
            if left_out
            else {}
        ),
        "seconds": dg.MetadataValue.float(round(report.seconds, 2)),
        **shown,
    }


def describe_comparison(comparison: Comparison) -> Metadata:
    """Challenger and champion side by side, and what follows from it."""
    sides = {"challenger": (comparison.challenger, comparison.challenger_scores)}
    if comparison.champion and comparison.champion_scores:
        sides["champion"] = (comparison.champion, comparison.champion_scores)
    scores = pl.DataFrame(
        [(role, version, each.images, each.accuracy, each.macro_f1) for role, (version, each) in sides.items()],
        schema=["role", "model_version", "images", "accuracy", "macro_f1"],
        orient="row",
    )
    plotted = {
        f"{role}_{name}": dg.MetadataValue.float(round(getattr(each, name), 4))
        for role, (_, each) in sides.items()
        for name in _SCORES
    }
    won = verdict(comparison.challenger, comparison.champion, is_promoted=comparison.challenger_wins)
    told = {"outcome": dg.MetadataValue.text(won), "basis": dg.MetadataValue.text(comparison.basis)}
    return {**told, **plotted, "scores": dg.MetadataValue.md(_markdown(scores))}


def describe_challenge(challenge: Challenge) -> Metadata:
    """Whether the difference may be luck, per label, and what the two say differently."""
    if challenge.test is None:
        return {}
    test = asdict(challenge.test)
    changed = [(each.change, each.label, each.champion_label, each.challenger_label) for each in challenge.changed]
    kinds = pl.DataFrame(changed, schema=["change", "label", "champion", "challenger"], orient="row")
    return {
        **{name: dg.MetadataValue.int(test[name]) for name in ("mended", "broken")},
        **{name: dg.MetadataValue.float(round(test[name], 4)) for name in ("difference", "low", "high", "p_value")},
        "per_label": dg.MetadataValue.md(_markdown(pl.DataFrame(challenge.per_label))),
        "changed": dg.MetadataValue.md(
            _markdown(kinds.group_by(kinds.columns).len("images").sort("images", "label", descending=[True, False]))
        ),
    }


def describe_predictions(rows: pl.DataFrame, model: Model) -> Metadata:
    """Which model spoke, how sure it was, and what it saw."""
    labels = rows.group_by("label").agg(images=pl.len()).sort("images", descending=True)
    return {
        "model_version": dg.MetadataValue.text(model.version),
        "model": dg.MetadataValue.text(model.remark),
        "needs_review": dg.MetadataValue.int(rows.filter("needs_review").height),
        "labels": dg.MetadataValue.md(_markdown(labels)),
    }


def _described(tables: ParquetTables, table: Table, rows: pl.DataFrame, *, is_changed: bool) -> Metadata:
    return {
        "outcome": dg.MetadataValue.text("changed" if is_changed else "unchanged"),
        "dagster/row_count": dg.MetadataValue.int(rows.height),
        "dagster/uri": dg.MetadataValue.text(tables.store.uri(object_keys.table_key(table.name, None))),
    }


def _markdown(frame: pl.DataFrame) -> str:
    head = ["| " + " | ".join(frame.columns) + " |", "|" + "---|" * frame.width]
    return "\n".join([*head, *("| " + " | ".join(_cell(value) for value in row) + " |" for row in frame.iter_rows())])


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else markdown_cell(str(value))


def _picture(name: str, data: bytes) -> str:
    return f"![{name}](data:image/png;base64,{base64.b64encode(data).decode()})"
