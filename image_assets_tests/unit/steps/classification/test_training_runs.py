"""How far a training is: one at a time, told as it goes, and a killed one is not taken for one that is under way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from image_assets.errors import AlreadyTrainingError, ModelError
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.steps.classification.training_runs import (
    Outcome,
    Stage,
    TrainingRun,
    announce_training,
    claiming_training,
    is_training,
    read_training,
)
from image_assets.steps.classification.training_teller import TrainingTeller

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path)


@contextmanager
def begun(store: LocalObjectStore) -> Iterator[TrainingTeller]:
    """A training that this process does."""
    run = announce_training(store, "ann", NOON)
    with claiming_training(store):
        yield TrainingTeller(store, replace(run, process="pid 1 on here"))


def read(store: LocalObjectStore, minutes: int = 0) -> TrainingRun:
    run = read_training(store, NOON + timedelta(minutes=minutes))
    assert run is not None
    return run


def test_before_there_was_any_there_is_none(store: LocalObjectStore) -> None:
    assert read_training(store, NOON) is None


def test_everybody_reads_how_far_it_is(store: LocalObjectStore) -> None:
    with begun(store) as teller:
        teller.end(Stage.DECISIONS, "3 images")
        teller.count(Stage.FIT, 2, 5)
        found = read(store, minutes=90)
        assert found.is_under_way
        assert [(each.stage, each.told, each.done) for each in found.stages] == [
            (Stage.DECISIONS, "3 images", 0),
            (Stage.FIT, "", 2),
        ]
        teller.finish(Outcome.PROMOTED)
    assert (read(store).outcome, read(store).is_under_way) == (Outcome.PROMOTED, False)


def test_a_second_one_is_refused_by_the_name_of_who_has_the_first(store: LocalObjectStore) -> None:
    with begun(store), pytest.raises(AlreadyTrainingError, match="ann has had a classifier trained since 2026-10-02"):
        announce_training(store, "bob", NOON)


def test_of_two_that_are_announced_before_either_has_begun_one_is(store: LocalObjectStore) -> None:
    announce_training(store, "ann", NOON)
    with pytest.raises(AlreadyTrainingError, match="ann"):
        announce_training(store, "bob", NOON + timedelta(seconds=30))


def test_while_another_command_trains_none_is_announced(store: LocalObjectStore) -> None:
    with claiming_training(store), pytest.raises(AlreadyTrainingError, match="another command"):
        announce_training(store, "bob", NOON)


def test_two_processes_cannot_both_train(store: LocalObjectStore) -> None:
    with claiming_training(store), pytest.raises(AlreadyTrainingError), claiming_training(store):
        pass
    assert not is_training(store)


def test_one_whose_process_is_gone_has_failed_and_makes_way(store: LocalObjectStore) -> None:
    with begun(store) as teller:
        teller.begin(Stage.FIT)
    found = read(store)
    assert (found.outcome, found.stages[-1].stage) == (Outcome.FAILED, Stage.FIT)
    assert "pid 1 on here" in str(found.problem)
    assert announce_training(store, "bob", NOON).started_by == "bob"


def test_one_whose_process_never_began_has_failed_after_a_minute(store: LocalObjectStore) -> None:
    announce_training(store, "ann", NOON)
    assert read(store).is_under_way
    assert read(store, minutes=2).outcome is Outcome.FAILED
    assert announce_training(store, "bob", NOON + timedelta(minutes=2)).started_by == "bob"


def test_the_first_word_on_how_it_ended_counts(store: LocalObjectStore) -> None:
    with begun(store) as teller:
        teller.finish(Outcome.FAILED, "no vectors")
        teller.finish(Outcome.PROMOTED)
    assert (read(store).outcome, read(store).problem) == (Outcome.FAILED, "no vectors")


def test_what_counts_is_written_twice_a_second_at_most(store: LocalObjectStore) -> None:
    run, seconds = announce_training(store, "ann", NOON), [0.0]
    with claiming_training(store):
        teller = TrainingTeller(store, run, lambda: seconds[0])
        for done, second in ((1, 0.1), (2, 0.2), (3, 0.7)):
            seconds[0] = second
            teller.count(Stage.PREDICTIONS, done, 9)
            written = read(store).stages[-1].done
            assert written == {1: 1, 2: 1, 3: 3}[done]


def test_a_damaged_record_says_what_to_do(store: LocalObjectStore) -> None:
    store.write(object_keys.TRAINING, b"{")
    with pytest.raises(ModelError, match="delete it and train again"):
        read_training(store, NOON)
