"""Who gets which items next."""

from itertools import count

from image_assets.compute.backlog import Backlog, Task


def test_items_are_pulled_only_when_asked_for() -> None:
    source = iter(range(10))
    assert Backlog(source, largest_batch=8).holds(2)
    assert next(source) == 2


def test_a_backlog_knows_that_its_source_has_ended() -> None:
    assert not Backlog([1, 2], largest_batch=8).holds(3)


def test_the_first_batch_is_one_item_because_its_cost_is_unknown() -> None:
    assert Backlog(count(), largest_batch=8).take(is_fresh=False) == [Task(0)]


def test_quick_items_travel_in_the_largest_batches() -> None:
    backlog = Backlog(count(), largest_batch=8)
    backlog.learn_pace(0.0)
    assert len(backlog.take(is_fresh=False)) == 8


def test_slow_items_travel_alone() -> None:
    backlog = Backlog(count(), largest_batch=8)
    backlog.learn_pace(3.0)
    assert len(backlog.take(is_fresh=False)) == 1


def test_items_that_overlap_never_travel_alone_however_long_one_takes_by_itself() -> None:
    backlog = Backlog(count(), largest_batch=8, smallest_batch=8)
    assert len(backlog.take(is_fresh=False)) == 8
    backlog.learn_pace(3.0)
    assert len(backlog.take(is_fresh=False)) == 8


def test_a_batch_follows_the_running_mean_of_the_pace() -> None:
    backlog = Backlog(count(), largest_batch=32)
    backlog.learn_pace(0.01)
    backlog.learn_pace(0.06)
    # 0.8 of 10 ms and 0.2 of 60 ms are 20 ms: five of them take a tenth of a second.
    assert len(backlog.take(is_fresh=False)) == 5


def test_tasks_given_back_come_first_and_in_order() -> None:
    backlog = Backlog(count(2), largest_batch=8)
    backlog.learn_pace(0.0)
    backlog.give_back([Task(0), Task(1)])
    assert [task.item for task in backlog.take(is_fresh=False)] == list(range(8))


def test_a_suspect_waits_for_a_fresh_worker_and_travels_alone() -> None:
    backlog: Backlog[int] = Backlog([], largest_batch=8)
    backlog.suspect(Task(7))
    assert backlog.take(is_fresh=False) == []
    assert backlog.take(is_fresh=True) == [Task(7, is_suspect=True)]
