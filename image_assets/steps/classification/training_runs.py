"""How far a training is: a record in the lake that whoever trains writes and everybody reads; one training at a time.

A claim, which the system gives back when its process ends however that comes, says whether anybody trains. So a record
that was left behind by a killed process is not taken for a training under way.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from image_assets.errors import AlreadyTrainingError, ModelError, ObjectChangedError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.records import read_record, write_record

_CLAIM: Final = "training"
_STARTS_WITHIN: Final = timedelta(seconds=60)
"""A process that was asked to train loads libraries first."""

_TRIES, _PAUSE_S = 20, 0.05


class Stage(StrEnum):
    """What a training does, in order."""

    DECISIONS = "decisions"
    TRAINING_SET = "training set"
    FIT = "fit"
    COMPARISON = "challenger against champion"
    PROMOTION = "promotion"
    PREDICTIONS = "predictions"


class Outcome(StrEnum):
    """How a training ended."""

    PROMOTED = "promoted"
    """The new classifier is in charge, and gold shows what it says."""
    STAYED = "champion stays"
    """The new classifier is not better than the one in charge."""
    UNCHANGED = "unchanged"
    """The same images gave the classifier that is in charge already."""
    FAILED = "failed"
    """It did not come to an end; `problem` says why."""


@dataclass(frozen=True, slots=True)
class StageReport:
    """One line of a training.

    Attributes:
        stage: which.
        told: what came of it, in words; empty while it is at work.
        done: of the units of a stage that counts, such as images.
        total: how many there are; 0 where nothing is counted.
    """

    stage: Stage
    told: str = ""
    done: int = 0
    total: int = 0

    @property
    def is_done(self) -> bool:
        """Whether it is over."""
        return bool(self.told)


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """The training that began last.

    Attributes:
        training_id: its name.
        started_by: who wanted it.
        started_at: when.
        process: who does it, in words; empty until it has begun to work.
        stages: those that were begun, in order.
        outcome: how it ended; None while it is under way.
        challenger: the new version, once there is one; its challenge is read by `challenges.read_challenge`.
        problem: why it failed, and what to do.
        ended_at: when.
    """

    training_id: str
    started_by: str
    started_at: datetime
    process: str = ""
    stages: tuple[StageReport, ...] = ()
    outcome: Outcome | None = None
    challenger: str | None = None
    problem: str | None = None
    ended_at: datetime | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it has not ended."""
        return self.outcome is None


def read_training(store: ObjectStore, now: datetime) -> TrainingRun | None:
    """The training that began last, as far as it has come; None before there was any.

    One whose process is gone has failed.
    """
    run = _read(store)
    if run is None or not run.is_under_way or is_training(store):
        return run
    if not run.process and now - run.started_at < _STARTS_WITHIN:
        return run
    # It may have ended between the two looks.
    run = _read(store)
    if run is None or not run.is_under_way:
        return run
    gone = f"its process ({run.process or 'which never began'}) is gone: train again"
    return replace(run, outcome=Outcome.FAILED, problem=gone, ended_at=now)


def is_training(store: ObjectStore) -> bool:
    """Whether a process trains right now."""
    with store.claiming(_CLAIM) as is_free:
        return not is_free


def announce_training(store: ObjectStore, started_by: str, now: datetime) -> TrainingRun:
    """Put a training on record that a process is about to begin.

    Raises:
        AlreadyTrainingError: another one is under way.
    """
    there, last = store.version(object_keys.TRAINING), read_training(store, now)
    if is_training(store) or (last and last.is_under_way):
        raise _already(last)
    run = TrainingRun(uuid.uuid4().hex, started_by, now)
    try:
        write_record(store, object_keys.TRAINING, run, over=there)
    except ObjectChangedError as error:
        raise _already(_read(store)) from error
    return run


def keep_training(store: ObjectStore, run: TrainingRun) -> None:
    """Write how far it is; only who has the claim does."""
    write_record(store, object_keys.TRAINING, run)


@contextmanager
def claiming_training(store: ObjectStore) -> Iterator[None]:
    """Be the one who trains, until the block or the process ends.

    Raises:
        AlreadyTrainingError: somebody else is.
    """
    for _ in range(_TRIES):
        with store.claiming(_CLAIM) as is_mine:
            if is_mine:
                yield
                return
        # Whoever asks whether there is a training holds the claim for that moment.
        time.sleep(_PAUSE_S)
    raise _already(_read(store))


def _already(run: TrainingRun | None) -> AlreadyTrainingError:
    if run is None or not run.is_under_way:
        return AlreadyTrainingError("another command trains a classifier already: train again when it has ended")
    since = f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"
    return AlreadyTrainingError(
        f"{run.started_by} has had a classifier trained since {since}: image-assets train --follow shows how far it is"
    )


def _read(store: ObjectStore) -> TrainingRun | None:
    if not store.exists(object_keys.TRAINING):
        return None
    return read_record(store, object_keys.TRAINING, TrainingRun, ModelError, "delete it and train again")
