"""What is looked at again while it answers."""

import threading
import time
from contextlib import suppress

import pytest

from image_assets.errors import StoreUnavailableError
from image_assets.steps.search.followed import Followed, FollowedState


class Looks:
    """Numbers, one for each look; a look waits while `gate` is closed, and fails while there is an `error`."""

    def __init__(self) -> None:
        self.number = 0
        self.gate = threading.Event()
        self.gate.set()
        self.error: StoreUnavailableError | None = None

    def __call__(self, former: int | None) -> int:
        self.gate.wait(10)
        if self.error:
            raise self.error
        self.number += 1
        return self.number


def until(is_so: object, what: str) -> None:
    for _ in range(500):
        if is_so():  # type: ignore[operator]
            return
        time.sleep(0.01)
    pytest.fail(what)


def test_without_patience_everyone_looks() -> None:
    followed = Followed(Looks(), 0)
    assert [followed.current(), followed.current()] == [1, 2]


def test_with_patience_a_look_lasts() -> None:
    followed = Followed(Looks(), 60)
    assert [followed.current(), followed.current(), followed.current(anew=True)] == [1, 1, 2]


def test_who_asks_while_somebody_looks_is_answered_with_what_was_known() -> None:
    looks = Looks()
    followed = Followed(looks, 0.01)
    assert followed.current() == 1
    looks.gate.clear()
    time.sleep(0.02)
    assert [followed.current(), followed.current()] == [1, 1]
    looks.gate.set()
    until(lambda: followed.current() > 1, "nobody looked")


def test_what_went_wrong_is_told_until_it_goes_well() -> None:
    looks = Looks()
    followed = Followed(looks, 0.01)
    followed.current()
    looks.error = StoreUnavailableError("the storage is away")
    until(lambda: _ask(followed) and followed.state is FollowedState.FAILED, "nothing was told")
    with pytest.raises(StoreUnavailableError):
        followed.current()
    looks.error = None
    until(lambda: _ask(followed) and followed.state is FollowedState.OK, "it never went well again")


def _ask(followed: Followed[int]) -> bool:
    time.sleep(0.02)
    with suppress(StoreUnavailableError):
        followed.current()
    return True


def test_it_is_loading_until_something_is_found() -> None:
    looks = Looks()
    looks.gate.clear()
    followed = Followed(looks, 60)
    followed.begin()
    assert followed.state is FollowedState.LOADING
    looks.gate.set()
    assert followed.current() == 1
    assert followed.state is FollowedState.OK


def test_who_may_not_go_by_old_knowledge_waits_for_one_look() -> None:
    looks = Looks()
    followed = Followed(looks, 60)
    assert followed.current() == 1
    time.sleep(0.6)
    looks.gate.clear()
    answers: list[int] = []
    asking = [threading.Thread(target=lambda: answers.append(followed.current(within_s=0.5))) for _ in range(3)]
    for each in asking:
        each.start()
    assert (followed.current(), answers) == (1, [])
    looks.gate.set()
    for each in asking:
        each.join(10)
    assert answers == [2, 2, 2]


def test_after_a_renewal_nobody_is_answered_with_what_was_before() -> None:
    looks = Looks()
    followed = Followed(looks, 60)
    assert followed.current() == 1
    followed.renew()
    assert followed.current() == 2
    looks.error = StoreUnavailableError("the storage is away")
    followed.renew()
    with pytest.raises(StoreUnavailableError):
        followed.current()


def test_after_a_quiet_time_who_asks_first_looks_and_others_do_not_wait_for_it() -> None:
    looks = Looks()
    followed = Followed(looks, 60, 0.3)
    assert followed.current() == 1
    time.sleep(0.4)
    looks.gate.clear()
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(followed.current()))
    asking.start()
    time.sleep(0.1)
    assert (followed.current(), answers) == (1, [])
    looks.gate.set()
    asking.join(10)
    assert answers == [2]
