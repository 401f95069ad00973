"""Items that come while the stream goes on are answered as soon as they are done, whatever the others do."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from queue import Queue
from types import ModuleType

import psutil
import pytest

from image_assets.compute.engine import EngineParams, ProcessEngine
from image_assets.compute.inbox import Inbox
from image_assets.compute.outcomes import Done, Failed, Outcome
from image_assets.errors import RejectionReason, StoreUnavailableError

PARAMS = EngineParams(workers=2, item_timeout_s=2.0, worker_memory_bytes=256 * 1024**2)

Answers = Queue[Outcome[object, object]]


@contextmanager
def answering(work: Callable[[object], object], inbox: Inbox[object]) -> Iterator[Answers]:
    """A thread that reads the stream of an engine until the inbox is closed."""
    answers: Answers = Queue()

    def read() -> None:
        with ProcessEngine(PARAMS) as engine:
            for outcome in engine.answer(work, inbox):
                answers.put(outcome)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield answers
    finally:
        inbox.close()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def inbox() -> Inbox[object]:
    return Inbox()


def test_an_item_is_answered_before_the_next_one_comes(inbox: Inbox[object], poison: ModuleType) -> None:
    with answering(poison.negate, inbox) as answers:
        for number in range(5):
            inbox.put(number)
            assert answers.get(timeout=30) == Done(number, -number)


def test_the_bell_rings_for_who_has_found_too_little_and_for_nobody_else(inbox: Inbox[object]) -> None:
    assert not inbox.holds(1)
    inbox.put("awaited")
    assert wait(inbox.bells, timeout=0)
    assert inbox.holds(1)
    inbox.put("while every worker is busy")
    assert not wait(inbox.bells, timeout=0)
    assert inbox.holds(2)


def test_every_item_of_many_threads_has_exactly_one_outcome(inbox: Inbox[object], poison: ModuleType) -> None:
    def put_all(start: int) -> None:
        for number in range(start, start + 50):
            inbox.put(number)

    with answering(poison.negate, inbox) as answers:
        threads = [threading.Thread(target=put_all, args=(start,)) for start in range(0, 200, 50)]
        for thread in threads:
            thread.start()
        found = [answers.get(timeout=30) for _ in range(200)]
    assert sorted(outcome.item for outcome in found) == list(range(200))


def test_items_that_wait_are_answered_while_another_hangs(inbox: Inbox[object], poison: ModuleType) -> None:
    with answering(poison.obey, inbox) as answers:
        for item in ("hang", 1, 2, 3):
            inbox.put(item)
        assert [answers.get(timeout=30).item for _ in range(4)] == [1, 2, 3, "hang"]


@pytest.mark.parametrize(
    ("kind", "reason"), [("segfault", RejectionReason.WORKER_CRASHED), ("hang", RejectionReason.TIMEOUT)]
)
def test_a_deadly_item_fails_alone_and_the_stream_goes_on(
    inbox: Inbox[object], poison: ModuleType, kind: str, reason: RejectionReason
) -> None:
    with answering(poison.obey, inbox) as answers:
        inbox.put(kind)
        failed = answers.get(timeout=60)
        assert isinstance(failed, Failed)
        assert failed.error.reason is reason
        inbox.put(1)
        assert answers.get(timeout=30) == Done(1, 1)


def test_a_withdrawn_item_is_not_begun(inbox: Inbox[object], poison: ModuleType) -> None:
    for number in (1, 2, 3):
        inbox.put(number)
    inbox.withdraw(2)
    with answering(poison.negate, inbox) as answers:
        assert {answers.get(timeout=30).item for _ in range(2)} == {1, 3}
    assert answers.empty()


def test_closing_ends_the_stream_and_what_hangs_in_it(inbox: Inbox[object], poison: ModuleType) -> None:
    before = {child.pid for child in psutil.Process().children()}
    with answering(poison.obey, inbox) as answers:
        inbox.put(1)
        answers.get(timeout=30)
        inbox.put("hang")
    assert {child.pid for child in psutil.Process().children()} <= before
    with pytest.raises(RuntimeError, match="closed"):
        inbox.put(2)


def test_what_waited_in_a_broken_stream_can_be_forgotten(inbox: Inbox[object], poison: ModuleType) -> None:
    for item in (1, 2, 3):
        inbox.put(item)
    with ProcessEngine(PARAMS) as engine, pytest.raises(StoreUnavailableError):
        list(engine.answer(poison.lose_storage, inbox))
    inbox.clear()
    with answering(poison.negate, inbox) as answers:
        inbox.put(4)
        assert answers.get(timeout=30) == Done(4, -4)
