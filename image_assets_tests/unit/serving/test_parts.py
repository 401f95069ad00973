"""Examinations of parts: bounded in time, one at a time, told without folders."""

import asyncio
import threading
import time

import pytest

from image_assets.errors import StoreUnavailableError
from image_assets.serving.inference.batcher import BatcherState
from image_assets.serving.inference.inference import InferenceState
from image_assets.serving.inference.served_model import ModelPhase
from image_assets.serving.observing.examinations import examine_model
from image_assets.serving.observing.parts import Finding, Part, Parts, State


class Storage:
    """Hangs until it is released, as a network's file system does."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.looks = 0

    def examine(self) -> Finding:
        self.looks += 1
        self.released.wait(20)
        return Finding(detail="well")


def test_a_part_that_hangs_has_failed_and_holds_nobody() -> None:
    storage = Storage()
    parts = Parts({"storage": storage.examine, "tables": lambda: Finding()}, patience_s=0.1)

    async def look() -> tuple[list[State], float]:
        began = time.monotonic()
        found = await parts.examine()
        return [part.state for part in found], time.monotonic() - began

    first, second = asyncio.run(look()), asyncio.run(look())
    storage.released.set()
    assert [states for states, _ in (first, second)] == [[State.FAILED, State.OK]] * 2
    assert first[1] < 5
    assert storage.looks == 1
    assert parts.states[0].detail in {"no answer within 0.1 s", "well"}


def test_a_part_that_answers_again_is_well() -> None:
    storage = Storage()
    part = Part("storage", storage.examine, patience_s=0.05)
    assert asyncio.run(part.examine()).state == State.FAILED
    storage.released.set()
    deadline = time.monotonic() + 10
    while part.state.state != State.OK:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_many_who_ask_at_once_are_told_of_one_examination() -> None:
    looks: list[int] = []
    part = Part("tables", lambda: looks.append(1) or Finding())  # type: ignore[func-returns-value]

    async def ask_all() -> None:
        await asyncio.gather(*(part.examine() for _ in range(20)))

    asyncio.run(ask_all())
    assert len(looks) == 1


@pytest.mark.parametrize("error", [StoreUnavailableError("cannot read /secret/lake"), ValueError("/secret/lake")])
def test_what_an_examination_raises_is_told_without_folders(error: Exception) -> None:
    def fail() -> Finding:
        raise error

    found = asyncio.run(Part("storage", fail).examine())
    assert found.state == State.FAILED
    assert type(error).__name__ in found.detail
    assert "/secret" not in found.detail


def model(phase: ModelPhase, oldest_s: float = 0.0) -> InferenceState:
    return InferenceState(phase, 3, BatcherState(2, oldest_s, 5, 40, 0.01))


@pytest.mark.parametrize(
    ("seen", "state", "said"),
    [
        (model(ModelPhase.OK), State.OK, ""),
        (model(ModelPhase.NOT_LOADED), State.LOADING, "first needed"),
        (model(ModelPhase.LOADING), State.LOADING, "waits"),
        (model(ModelPhase.FAILED), State.FAILED, "the log says why"),
        (model(ModelPhase.OK, 31.0), State.FAILED, "stuck"),
    ],
)
def test_the_model_says_whether_it_is_stuck(seen: InferenceState, state: State, said: str) -> None:
    found = examine_model(seen)
    assert found.state == state
    assert said in found.detail
    assert {each.name: each.value for each in found.readings}["oldest_item_seconds"] == seen.queue.oldest_s
