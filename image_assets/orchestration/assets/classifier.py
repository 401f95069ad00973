"""The classifier, on demand: what it learns from, the training, and the comparison that may promote it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from image_assets.configuration import configured
from image_assets.errors import ModelError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.classifiers.mlflow_registry import set_champion
from image_assets.models.classifiers.trainers import make_trainer
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.orchestration.daily import explained
from image_assets.orchestration.keys import GPU_POOL, Group
from image_assets.orchestration.lake_asset import lake_asset, lake_spec
from image_assets.orchestration.metadata.classifier import (
    describe_challenge,
    describe_comparison,
    describe_issues,
    describe_training,
    describe_training_set,
)
from image_assets.orchestration.metadata.counts import column_schema
from image_assets.orchestration.metadata.lineage import describe_lineage
from image_assets.orchestration.resources import EncoderResource, LakeResource, Progress
from image_assets.orchestration.tracking import TrackedRun
from image_assets.settings import Settings
from image_assets.steps.classification.challenges import read_challenge
from image_assets.steps.classification.champion import kept_classifiers, read_card
from image_assets.steps.classification.label_issues import find_label_issues
from image_assets.steps.classification.last_epoch import LastEpoch
from image_assets.steps.classification.record import record_training
from image_assets.steps.classification.training import (
    ClassSelection,
    Comparison,
    compare_with_champion,
    conclude,
    train_classifier,
)
from image_assets.steps.classification.training_set import build_training_set
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.table import Table
from image_assets.tables.training import CLASSIFIER_EVALUATIONS, LABEL_ISSUES, TRAINING_SET

CLASSIFIER = "classifier"
CHALLENGER_WINS = "challenger_wins"


def classifier_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """`training_set`, `label_issues`, `classifier` and `classifier_evaluations`."""
    return [
        _training_set(settings.owner),
        _label_issues(settings.owner),
        _classifier(settings),
        _classifier_evaluations(settings),
    ]


def _training_set(owner: str) -> dg.AssetsDefinition:
    spec = _table_spec(TRAINING_SET, owner, {"polars"}, [BRONZE_IMAGES.name, SILVER_IMAGES.name, DUPLICATE_IMAGES.name])

    @lake_asset(spec)
    def training_set(lake: LakeResource) -> Iterator[dg.MaterializeResult[Any]]:
        with explained():
            report = build_training_set(lake.tables)
        yield dg.MaterializeResult(metadata={**describe_training_set(lake.tables, report), **describe_lineage(spec)})

    return training_set


def _label_issues(owner: str) -> dg.AssetsDefinition:
    deps = [TRAINING_SET.name, IMAGE_EMBEDDINGS, DUPLICATE_IMAGES.name]
    spec = _table_spec(LABEL_ISSUES, owner, {"scikitlearn"}, deps)

    @lake_asset(spec)
    def label_issues(lake: LakeResource, gpu: EncoderResource) -> Iterator[dg.MaterializeResult[Any]]:
        with explained():
            report = find_label_issues(lake.tables, gpu.description)
        yield dg.MaterializeResult(metadata={**describe_issues(lake.tables, report), **describe_lineage(spec)})

    return label_issues


def _classifier(settings: Settings) -> dg.AssetsDefinition:
    params, owner = settings.trainer_params, settings.owner
    description = "A classifier trained on the training set, registered with MLflow and kept in the lake."
    kinds = {"mlflow", "torch" if params.trainer == "fine-tune" else "scikitlearn"}
    spec = _spec(CLASSIFIER, description, owner, kinds, [TRAINING_SET.name, IMAGE_EMBEDDINGS])

    @lake_asset(spec, pool=GPU_POOL)
    def classifier(
        lake: LakeResource,
        gpu: EncoderResource,
        mlflow: dg.ResourceParam[TrackedRun],
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        from image_assets.models.classifiers.plots import plot_scores

        with explained():
            mlflow.start()
            classes = configured(settings, lake.tables.store).class_selection
            last_epoch = LastEpoch(lake.tables.store)
            trainer, track = make_trainer(params, gpu.encoder, last_epoch), progress.track(CLASSIFIER, "steps")
            report = train_classifier(lake.tables, gpu.description, trainer, classes, track, settings.review_risk)
            pictures = plot_scores(report.classifier.labels, report.held_out, report.review)
            now, store = datetime.now(UTC), lake.tables.store
            card = record_training(store, report, gpu.description, mlflow.tracking, pictures, now)
            last_epoch.forget()
        yield dg.MaterializeResult(metadata=describe_training(report, card, pictures))

    return classifier


def _classifier_evaluations(settings: Settings) -> dg.AssetsDefinition:
    deps = [CLASSIFIER, TRAINING_SET.name, IMAGE_EMBEDDINGS]
    spec = _table_spec(CLASSIFIER_EVALUATIONS, settings.owner, {"mlflow"}, deps)
    check = dg.AssetCheckSpec(
        CHALLENGER_WINS,
        asset=CLASSIFIER_EVALUATIONS.name,
        description="The newest classifier beats the champion on the test split; else the champion stays in charge.",
    )

    @lake_asset(spec, checks=[check])
    def classifier_evaluations(
        lake: LakeResource, gpu: EncoderResource, mlflow: dg.ResourceParam[TrackedRun]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with explained():
            classes = configured(settings, lake.tables.store).class_selection
            comparison = _compare_newest(lake.tables, gpu.description, classes)
            mlflow.start()
            if conclude(lake.tables, comparison, datetime.now(UTC)):
                card = read_card(lake.tables.store, comparison.challenger)
                set_champion(mlflow.tracking, card.registry_number)
            challenge = read_challenge(lake.tables, comparison.challenger)
        described, result = describe_comparison(comparison), _concluded(comparison)
        compared = describe_challenge(challenge) if challenge else {}
        yield dg.MaterializeResult(metadata={**described, **compared, **describe_lineage(spec)}, check_results=[result])

    return classifier_evaluations


def _compare_newest(tables: ParquetTables, encoder: EncoderDescription, classes: ClassSelection) -> Comparison:
    kept = kept_classifiers(tables.store)
    if not kept:
        raise ModelError("there is no classifier yet: materialize classifier first")
    return compare_with_champion(tables, encoder, kept[-1].model_version, classes)


def _concluded(comparison: Comparison) -> dg.AssetCheckResult:
    passed = comparison.challenger_wins or comparison.is_rematch
    severity = dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(passed=passed, severity=severity, metadata=describe_comparison(comparison))


def _table_spec(table: Table, owner: str, kinds: set[str], deps: list[str]) -> dg.AssetSpec:
    spec = _spec(table.name, table.description, owner, {"parquet", *kinds}, deps)
    return spec.merge_attributes(
        metadata={"dagster/column_schema": column_schema(table, spec), "dagster/table_name": table.name}
    )


def _spec(name: str, description: str, owner: str, kinds: set[str], deps: list[str]) -> dg.AssetSpec:
    return lake_spec(name, description, owner, group=Group.MODELS, kinds=kinds, deps=deps, version="2")
