"""A whole training in this process: learn, compare, and have gold show what the winner says; told stage by stage."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import uuid4

import dagster as dg

from image_assets.errors import AlreadyTrainingError, ImageAssetsError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.jobs import TRAIN_JOB
from image_assets.orchestration.runs.at_work import PROCESS_TAG
from image_assets.orchestration.runs.history import UNFINISHED
from image_assets.orchestration.runs.local_runs import RunReport, run_days, run_job
from image_assets.steps.classification.behind import (
    count_changed,
    count_decisions,
    days_behind,
    predictions_in_gold,
)
from image_assets.steps.classification.challenges import Challenge, read_challenge, verdict
from image_assets.steps.classification.champion import find_card, read_champion
from image_assets.steps.classification.forecast import tell_basis
from image_assets.steps.classification.training_runs import Outcome, Stage
from image_assets.steps.classification.training_teller import TrainingTeller
from image_assets.tables.predictions import IMAGE_PREDICTIONS
from image_assets.tables.training import CLASSIFIER_EVALUATIONS, TRAINING_SET

_CLASSIFIER: Final = "classifier"
_STAGES: Final = {
    TRAINING_SET.name: Stage.TRAINING_SET,
    _CLASSIFIER: Stage.FIT,
    CLASSIFIER_EVALUATIONS.name: Stage.COMPARISON,
}
"""By the asset that does it."""


class TrainingProgress:
    """What assets report to while a training goes on; see `resources.Progress`."""

    def __init__(self, teller: TrainingTeller) -> None:
        self._teller = teller
        self._predicted: dict[str, int] = {}
        self.to_predict = 0

    def track(self, what: str, unit: str = "images") -> Callable[[int, int], None]:
        """Of all that is tracked, the fit and the images that are predicted anew are told."""

        def tell(done: int, total: int) -> None:
            if what == _CLASSIFIER:
                self._teller.count(Stage.FIT, done, total)
            elif what.startswith(f"{IMAGE_PREDICTIONS} "):
                self._predicted[what] = done
                predicted = min(sum(self._predicted.values()), self.to_predict)
                self._teller.count(Stage.PREDICTIONS, predicted, self.to_predict)

        return tell


def refuse_second_training(instance: dg.DagsterInstance) -> None:
    """`AlreadyTrainingError` while Dagster has a run of the training job, such as one that the UI started."""
    for run in instance.get_runs(dg.RunsFilter(job_name=TRAIN_JOB, statuses=UNFINISHED), limit=1):
        who = run.tags.get(PROCESS_TAG, "the UI")
        raise AlreadyTrainingError(f"run {run.run_id[:8]} trains a classifier already ({who}): train when it has ended")


def train_and_predict(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    tables: ParquetTables,
    teller: TrainingTeller,
    progress: TrainingProgress,
    tags: Mapping[str, str],
) -> list[RunReport]:
    """Learn from all labels, and bring gold in line with whoever is in charge then.

    Raises:
        ImageAssetsError: a run failed; what had been done stays.
    """
    counted = count_decisions(tables)
    who = "1 person" if counted.people == 1 else f"{counted.people} people"
    told = f"{counted.images:,} images decided by {who}, {counted.unlearnt:,} of them not learnt yet"
    teller.end(Stage.DECISIONS, told)
    former = read_champion(tables.store)
    run_id = str(uuid4())
    instance.add_event_listener(run_id, lambda entry: _hear(teller, entry.dagster_event))
    trained = _succeeded(run_job(definitions, instance, TRAIN_JOB, tags, run_id=run_id))
    outcome = _outcome(tables, teller, former.model_version if former else None)
    predicted = _predict(definitions, instance, tables, teller, progress, tags)
    teller.finish(outcome)
    return [trained, *predicted]


def _outcome(tables: ParquetTables, teller: TrainingTeller, former: str | None) -> Outcome:
    champion, challenger = read_champion(tables.store), teller.run.challenger
    challenge = read_challenge(tables, challenger) if challenger else None
    if challenger == former:
        teller.end(Stage.COMPARISON, f"{former} met itself: the same images gave the same classifier")
        teller.end(Stage.PROMOTION, "unchanged")
        return Outcome.UNCHANGED
    is_promoted = champion is not None and champion.model_version == challenger
    if challenge:
        teller.end(
            Stage.COMPARISON, f"{_compared(challenge)}; {challenge.basis}" if challenge.basis else _compared(challenge)
        )
        teller.end(Stage.PROMOTION, challenge.verdict)
    elif challenger and (card := find_card(tables.store, challenger)) and card.forecast:
        teller.end(Stage.COMPARISON, tell_basis(0, card.forecast.learned_images))
        teller.end(Stage.PROMOTION, verdict(challenger, former, is_promoted=is_promoted))
    return Outcome.PROMOTED if is_promoted else Outcome.STAYED


def _compared(challenge: Challenge) -> str:
    new, old, test = challenge.challenger_accuracy, challenge.champion_accuracy, challenge.test
    if old is None or test is None:
        return f"accuracy {new.ratio:.3f} ({new.low:.3f} to {new.high:.3f}) on {new.images:,} test images"
    return (
        f"accuracy {new.ratio:.3f} against {old.ratio:.3f} on {new.images:,} test images: {test.difference:+.3f} "
        f"({test.low:+.3f} to {test.high:+.3f}), {test.mended} mended, {test.broken} broken, p = {test.p_value:.2g}"
    )


def _predict(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    tables: ParquetTables,
    teller: TrainingTeller,
    progress: TrainingProgress,
    tags: Mapping[str, str],
) -> list[RunReport]:
    """Run the days that gold shows by a former model or without what people said since."""
    champion = read_champion(tables.store)
    behind = days_behind(tables, champion.model_version if champion else None)
    progress.to_predict = sum(behind.values())
    teller.count(Stage.PREDICTIONS, 0, progress.to_predict)
    if not behind:
        teller.end(Stage.PREDICTIONS, "gold shows what the model in charge says of every image already")
        return []
    before = predictions_in_gold(tables, behind)
    reports = [_succeeded(report) for report in run_days(definitions, instance, sorted(behind), tags)]
    again, changed = count_changed(before, predictions_in_gold(tables, behind))
    told = f"{again:,} images of {len(behind)} days predicted anew, {changed:,} of them as something else"
    teller.end(Stage.PREDICTIONS, told)
    return reports


def _succeeded(report: RunReport) -> RunReport:
    if not report.is_success:
        what = "; ".join(report.problems) or "it was ended from outside"
        raise ImageAssetsError(f"run {report.run_id[:8]} failed: {what}")
    return report


def _hear(teller: TrainingTeller, event: dg.DagsterEvent | None) -> None:
    """What Dagster records of the training job becomes stages."""
    stage = _STAGES.get(event.step_key or "") if event else None
    if event is None or stage is None:
        return
    if event.event_type == dg.DagsterEventType.STEP_START:
        teller.begin(stage)
    elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
        made = event.step_materialization_data.materialization
        told = {name: each.value for name, each in made.metadata.items()}
        if stage is Stage.FIT:
            teller.name_challenger(str(told["model_version"]))
        if words := _WORDS.get(stage):
            teller.end(stage, words(told))


def _of_training_set(told: Mapping[str, Any]) -> str:
    return (
        f"{told['dagster/row_count']:,} images, {told['decided_by_people']:,} of them decided by people; "
        f"images of one user and near-copies are kept together, in {told['groups']:,} groups"
    )


def _of_fit(told: Mapping[str, Any]) -> str:
    images = ", ".join(f"{split} {count:,}" for split, count in told["images"].items())
    left_out = f"; {told['left_out']}" if "left_out" in told else ""
    promises = [told["forecast"], told.get("review"), *told["advice"].removeprefix("- ").split("\n- ")]
    lines = "".join(f"\n  {each}" for each in promises if each)
    return f"{told['model_version']} in {told['seconds']:.1f} s: {images}{left_out}{lines}"


_WORDS: Final[Mapping[Stage, Callable[[Mapping[str, Any]], str]]] = {
    Stage.TRAINING_SET: _of_training_set,
    Stage.FIT: _of_fit,
}
