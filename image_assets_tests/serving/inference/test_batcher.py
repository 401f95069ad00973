"""What is asked for while the thread works is its next batch, and each item answers for itself alone."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for

import pytest

from image_assets.errors import ModelError, PoisonedItemError, ServiceBusyError
from image_assets.serving.inference.batcher import LARGEST_BATCH, Batcher, BatcherState
from image_assets.serving.inference.inference import InferenceState
from image_assets.serving.inference.places import Places
from image_assets.serving.inference.served_model import ModelPhase
from image_assets.serving.observing.examinations import examine_model
from image_assets.serving.observing.parts import State

Until = Callable[[Callable[[], object]], None]


class Halver:
    """Halves numbers when its gate is open; no odd one can be halved."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.batches: list[list[int]] = []

    def halve(self, numbers: Sequence[int]) -> list[int]:
        assert self.gate.wait(60)
        self.batches.append(list(numbers))
        if any(number % 2 for number in numbers):
            raise ZeroDivisionError("an odd number")
        return [number // 2 for number in numbers]

    def negate(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        return [-number for number in numbers]

    def forget_one(self, numbers: Sequence[int]) -> list[int]:
        return list(numbers)[1:]


@pytest.fixture
def halver() -> Halver:
    return Halver()


@pytest.fixture
def batcher(halver: Halver) -> Iterator[Batcher]:
    made = Batcher(lambda: None)
    made.start()
    yield made
    halver.gate.set()
    made.close(30)


def hold(batcher: Batcher, halver: Halver, until: Until, item: int = 0) -> Future[int]:
    """Have the thread work on an item until the gate is opened."""
    halver.gate.clear()
    (answer,) = batcher.submit(halver.halve, [item])
    until(lambda: not batcher.state.waiting)
    return answer


def test_an_item_alone_waits_for_nobody(batcher: Batcher, halver: Halver) -> None:
    (answer,) = batcher.submit(halver.halve, [8])
    assert (answer.result(30), halver.batches) == (4, [[8]])


def test_what_was_asked_meanwhile_is_one_batch(batcher: Batcher, halver: Halver, until: Until) -> None:
    first = hold(batcher, halver, until)
    answers = [batcher.submit(halver.halve, [number])[0] for number in (2, 4, 6)]
    halver.gate.set()
    assert [answer.result(30) for answer in (first, *answers)] == [0, 1, 2, 3]
    assert halver.batches == [[0], [2, 4, 6]]


def test_a_batch_has_a_limit(batcher: Batcher, halver: Halver, until: Until) -> None:
    hold(batcher, halver, until)
    answers = batcher.submit(halver.halve, range(0, 2 * 40, 2))
    halver.gate.set()
    assert [answer.result(30) for answer in answers] == list(range(40))
    assert [len(batch) for batch in halver.batches] == [1, LARGEST_BATCH, 40 - LARGEST_BATCH]


def test_items_of_another_kind_are_another_batch(batcher: Batcher, halver: Halver, until: Until) -> None:
    hold(batcher, halver, until)
    answers = [batcher.submit(work, [2])[0] for work in (halver.halve, halver.negate, halver.halve)]
    halver.gate.set()
    assert [answer.result(30) for answer in answers] == [1, -2, 1]
    assert halver.batches == [[0], [2, 2], [2]]


def test_items_that_a_model_cannot_take_cost_only_themselves(batcher: Batcher, halver: Halver, until: Until) -> None:
    hold(batcher, halver, until)
    answers = batcher.submit(halver.halve, [2, 4, 5, 6, 8, 9, 10])
    halver.gate.set()
    wait_for(answers, 30)
    assert [answer.exception() is None for answer in answers] == [True, True, False, True, True, False, True]
    assert isinstance(answers[2].exception(), PoisonedItemError)
    assert batcher.submit(halver.halve, [12])[0].result(30) == 6


def test_a_model_that_loses_an_answer_mixes_up_nobody(batcher: Batcher, halver: Halver) -> None:
    answers = batcher.submit(halver.forget_one, [1, 2])
    wait_for(answers, 30)
    assert all(isinstance(answer.exception(), PoisonedItemError) for answer in answers)


def test_a_cancelled_item_is_not_computed(batcher: Batcher, halver: Halver, until: Until) -> None:
    hold(batcher, halver, until)
    answers = batcher.submit(halver.halve, [2, 4, 6])
    assert answers[1].cancel()
    halver.gate.set()
    wait_for(answers, 30)
    assert halver.batches == [[0], [2, 6]]


def test_a_preparation_that_fails_fails_what_waits_and_is_tried_again(halver: Halver) -> None:
    problems = [ModelError("no weights")]

    def prepare() -> None:
        if problems:
            raise problems.pop()

    batcher = Batcher(prepare)
    answers = batcher.submit(halver.halve, [2, 4])
    batcher.start()
    wait_for(answers, 30)
    assert [str(answer.exception()) for answer in answers] == ["no weights", "no weights"]
    assert batcher.submit(halver.halve, [6])[0].result(30) == 3
    batcher.close(30)


def test_closing_refuses_what_waits_and_finishes_what_is_in_hand(
    batcher: Batcher, halver: Halver, until: Until
) -> None:
    first = hold(batcher, halver, until)
    (second,) = batcher.submit(halver.halve, [2])
    batcher.close(0)
    assert isinstance(second.exception(30), ServiceBusyError)
    halver.gate.set()
    assert first.result(30) == 0
    with pytest.raises(ServiceBusyError, match="stopping"):
        batcher.submit(halver.halve, [4])


def test_a_stuck_thread_is_seen_by_the_age_of_its_oldest_item(batcher: Batcher, halver: Halver, until: Until) -> None:
    hold(batcher, halver, until)
    batcher.submit(halver.halve, [2, 4])
    until(lambda: batcher.state.oldest_s > 0.05)
    assert batcher.state.waiting == 2
    halver.gate.set()
    until(lambda: batcher.state.items == 3)
    until(lambda: batcher.state.oldest_s == 0)


@pytest.mark.parametrize(
    ("phase", "oldest_s", "expected"),
    [
        (ModelPhase.OK, 29.0, State.OK),
        (ModelPhase.OK, 31.0, State.FAILED),
        # Loading a large model takes minutes.
        (ModelPhase.LOADING, 31.0, State.LOADING),
        (ModelPhase.NOT_LOADED, 0.0, State.LOADING),
        (ModelPhase.FAILED, 0.0, State.FAILED),
    ],
)
def test_a_model_is_ready_unless_it_failed_or_is_stuck(phase: ModelPhase, oldest_s: float, expected: State) -> None:
    queue = BatcherState(waiting=1, oldest_s=oldest_s, batches=3, items=9, seconds_per_item=0.01)
    assert examine_model(InferenceState(phase, 2, queue)).state is expected


def test_whoever_finds_no_room_is_told_when_to_come_again() -> None:
    places = Places(4, seconds_per_item=lambda: 2.5)
    with places.take(3):
        with pytest.raises(ServiceBusyError) as refused, places.take(2):
            pass
        assert (refused.value.seconds, places.taken) == (8, 3)
        places.check()
    with places.take(4), pytest.raises(ServiceBusyError):
        places.check()
    assert places.taken == 0


def test_of_one_caller_a_share_waits_and_others_find_room() -> None:
    places = Places(4, lambda: 2.5, share=2)
    with places.take(2, "ann"):
        with pytest.raises(ServiceBusyError, match="2 items of ann wait") as refused, places.take(1, "ann"):
            pass
        assert refused.value.seconds == 5
        with pytest.raises(ServiceBusyError):
            places.check("ann")
        with places.take(2, "bo"):
            assert places.taken == 4
    places.check("ann")


def test_every_caller_is_in_the_next_batch(halver: Halver, batcher: Batcher, until: Until) -> None:
    hold(batcher, halver, until)
    first = batcher.submit(halver.halve, range(2, 2 + 4 * LARGEST_BATCH, 2), "ann")
    (late,) = batcher.submit(halver.halve, [1000], "bo")
    halver.gate.set()
    wait_for([*first, late], 30)
    assert 1000 in halver.batches[1]
