"""`train --follow`: one line per stage of a training that a process of its own does, and the comparison at the end."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime

from image_assets.cli.console import CONSOLE, print_rows, wants_json
from image_assets.cli.rows import print_objects
from image_assets.errors import AlreadyTrainingError, ImageAssetsError
from image_assets.lake.object_store import ObjectStore
from image_assets.opening import open_lake, open_objects
from image_assets.orchestration.instance.training import start_training
from image_assets.settings import Settings
from image_assets.steps.classification.challenges import Challenge, read_challenge
from image_assets.steps.classification.training_runs import (
    Outcome,
    Stage,
    StageReport,
    TrainingRun,
    claiming_training,
    read_training,
)
from image_assets.steps.classification.training_teller import TrainingTeller

_LOOK_EVERY_S = 0.3
_SHOWN = 20


def follow_training(settings: Settings, who: str) -> Outcome:
    """Start a training, or join the one under way, and show how far it is until it ends.

    Raises:
        ImageAssetsError: it failed.
    """
    store = open_objects(settings)
    run = _begun(store, settings, who)
    try:
        ended = _shown(store, run)
    except KeyboardInterrupt:
        CONSOLE.print("the training goes on without you; to come back: image-assets train --follow", highlight=False)
        raise
    if ended.outcome in {None, Outcome.FAILED}:
        raise ImageAssetsError(f"the training failed: {ended.problem}")
    _print_challenge(settings, ended)
    return ended.outcome


def work_as(settings: Settings, training_id: str) -> None:
    """Do the training that `start_training` has announced; its record tells how far it is, and how it ended."""
    from image_assets.orchestration.runs.at_work import this_process

    store = open_objects(settings)
    run = read_training(store, datetime.now(UTC))
    if run is None or run.training_id != training_id:
        raise AlreadyTrainingError(f"{training_id} is no training that was asked for: image-assets train --follow")
    with claiming_training(store):
        teller = TrainingTeller(store, replace(run, process=this_process()))
        try:
            _train(settings, teller)
        except ImageAssetsError as error:
            teller.finish(Outcome.FAILED, str(error))
            raise
        except KeyboardInterrupt:
            teller.finish(Outcome.FAILED, "it was ended from outside; what had been done stays: train again")
            raise
        finally:
            # Only a bug comes here without a word, and its trace is in the log.
            teller.finish(Outcome.FAILED, "a bug ended it: its trace is in training.log beside Dagster's files")


def _train(settings: Settings, teller: TrainingTeller) -> None:
    from image_assets.definitions import build_definitions
    from image_assets.orchestration.instance.opening import open_instance
    from image_assets.orchestration.runs.local_runs import interruptible
    from image_assets.orchestration.runs.training import TrainingProgress, refuse_second_training, train_and_predict
    from image_assets.orchestration.runs.turns import take_turns

    progress, tables = TrainingProgress(teller), open_lake(settings)
    with open_instance() as instance:
        take_turns(instance)
        refuse_second_training(instance)
        definitions = build_definitions(settings, progress=progress)
        interruptible(instance, lambda tags: train_and_predict(definitions, instance, tables, teller, progress, tags))


def _begun(store: ObjectStore, settings: Settings, who: str) -> TrainingRun:
    run = read_training(store, datetime.now(UTC))
    if run and run.is_under_way:
        since = f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
        CONSOLE.print(f"{run.started_by} began this training at {since}", highlight=False)
        return run
    return start_training(settings, who)


def _shown(store: ObjectStore, run: TrainingRun) -> TrainingRun:
    """The training as it ended; every stage is told once, and what counts while it does."""
    told = set[Stage]()
    with CONSOLE.status("starting") as status:
        while True:
            run = _newest(store, run)
            for each in run.stages:
                if each.is_done and each.stage not in told:
                    told.add(each.stage)
                    CONSOLE.print(f"{each.stage}: {each.told}", highlight=False)
            if not run.is_under_way:
                return run
            status.update(_at_work(run))
            time.sleep(_LOOK_EVERY_S)


def _newest(store: ObjectStore, run: TrainingRun) -> TrainingRun:
    last = read_training(store, datetime.now(UTC))
    if last is None or last.training_id != run.training_id:
        raise AlreadyTrainingError("another training has begun since: image-assets train --follow shows it")
    return last


def _at_work(run: TrainingRun) -> str:
    going = next((each for each in reversed(run.stages) if not each.is_done), None)
    return _in_words(going) if going else "starting" if not run.stages else "at work"


def _in_words(report: StageReport) -> str:
    return f"{report.stage}: {report.done:,} of {report.total:,}" if report.total else str(report.stage)


def _print_challenge(settings: Settings, run: TrainingRun) -> None:
    """Both on the test split and per label, and what the two say differently."""
    challenge = read_challenge(open_lake(settings), run.challenger) if run.challenger else None
    if wants_json():
        print_objects([{"outcome": run.outcome, **(asdict(challenge) if challenge else {})}])
    elif challenge:
        print_rows("Challenger against champion, on the test split", _COLUMNS, list(_rows(challenge)))
        changed = [
            (each.image_id, each.label, each.champion_label, each.challenger_label, each.change)
            for each in challenge.changed[:_SHOWN]
        ]
        names = ["image", "label", "champion said", "challenger says", "change"]
        if changed:
            title = f"{len(changed)} of {len(challenge.changed)} changed answers"
            print_rows(title, names, changed, is_first_whole=True)
        if run.outcome is not Outcome.UNCHANGED:
            CONSOLE.print(challenge.verdict, highlight=False)


_COLUMNS = ("right answers", "images", "challenger", "champion")


def _rows(challenge: Challenge) -> Iterator[tuple[object, ...]]:
    new, old = challenge.challenger_accuracy, challenge.champion_accuracy
    yield "all", new.images, new.ratio, old.ratio if old else None
    yield "95 % from", None, new.low, old.low if old else None
    yield "95 % to", None, new.high, old.high if old else None
    for each in challenge.per_label:
        yield each.label, each.images, each.challenger_recall, each.champion_recall


EXIT_CODES: Mapping[Outcome, int] = {Outcome.PROMOTED: 0, Outcome.UNCHANGED: 0, Outcome.STAYED: 4}
"""Of `train --follow`; a failure is an error like any other."""
