"""Worker processes may die, hang or fill their memory: only the culprit is lost."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_assets.compute.engine import Done, EngineParams, Failed, ProcessEngine
from image_assets.errors import ConfigurationError, RejectionReason, StoreUnavailableError

PARAMS = EngineParams(workers=2, item_timeout_s=2.0, worker_memory_bytes=256 * 1024**2, batch_size=8)

VERDICTS = {
    "segfault": RejectionReason.WORKER_CRASHED,
    "leave": RejectionReason.WORKER_CRASHED,
    "kill_itself": RejectionReason.WORKER_CRASHED,
    "hang": RejectionReason.TIMEOUT,
    "hang_holding_the_interpreter": RejectionReason.TIMEOUT,
    "devour_memory": RejectionReason.OUT_OF_MEMORY,
    "bad": RejectionReason.CORRUPT,
}


@pytest.fixture
def engine() -> Iterator[ProcessEngine]:
    with ProcessEngine(PARAMS) as engine:
        yield engine


def living_children() -> list[psutil.Process]:
    """Workers: other tests may have other processes running."""
    return [child for child in psutil.Process().children() if is_living_worker(child)]


def is_living_worker(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "image_assets.compute.worker" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def wait_until(is_true: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 60
    while not is_true():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.01)


@pytest.mark.parametrize("kind", VERDICTS)
def test_a_deadly_item_is_rejected_for_the_right_reason(engine: ProcessEngine, poison: ModuleType, kind: str) -> None:
    outcomes = {outcome.item: outcome for outcome in engine.map(poison.obey, [1, 2, kind, 3, 4])}
    assert outcomes.pop(kind).error.reason is VERDICTS[kind]
    assert sorted(outcomes.values(), key=lambda done: done.item) == [Done(n, n) for n in (1, 2, 3, 4)]


def test_what_is_written_to_standard_error_goes_with_its_item(
    engine: ProcessEngine, poison: ModuleType, capfd: pytest.CaptureFixture[str]
) -> None:
    items = [*range(100), "bad"]
    assert {outcome.item: outcome.said for outcome in engine.map(poison.complain, items)} == {
        item: f"about {item}\n" for item in items
    }
    assert capfd.readouterr().err == ""


def test_the_last_words_of_a_worker_are_in_the_detail(engine: ProcessEngine, poison: ModuleType) -> None:
    (outcome,) = engine.map(poison.complain, ["segfault"])
    assert outcome.error.detail == "its worker was killed by SIGSEGV: about segfault"


def test_among_200_good_items_exactly_the_deadly_ones_fail(engine: ProcessEngine, poison: ModuleType) -> None:
    items: list[int | str] = list(range(200))
    for position, kind in enumerate(VERDICTS):
        items.insert(position * 23, kind)
    outcomes = list(engine.map(poison.obey, items))
    assert {o.item: o.error.reason for o in outcomes if isinstance(o, Failed)} == VERDICTS
    assert sorted(o.item for o in outcomes if isinstance(o, Done)) == list(range(200))


def test_a_library_that_aborts_when_memory_is_full_ran_out_of_memory(poison: ModuleType) -> None:
    # A worker's peak is known only above its parent's, and a process starts with the peak of the one that started
    # it: by way of a shell this one starts small, however large pytest has grown.
    script = (
        "import sys; sys.path[:] = sys.argv[1:]; import poison\n"
        "from image_assets.compute.engine import EngineParams, ProcessEngine\n"
        "with ProcessEngine(EngineParams(workers=1, worker_memory_bytes=2**28)) as engine:\n"
        "    (outcome,) = engine.map(poison.obey, ['abort_when_memory_is_full'])\n"
        "    print(outcome.error.reason)\n"
    )
    by_way_of_a_shell = ["/bin/sh", "-c", '"$@"; exit $?', "sh"]
    printed = subprocess.check_output([*by_way_of_a_shell, sys.executable, "-c", script, *sys.path], text=True)
    assert printed == "out_of_memory\n"


def test_a_stream_of_nothing_but_crashes_ends(engine: ProcessEngine, poison: ModuleType) -> None:
    outcomes = list(engine.map(poison.obey, ["leave"] * 6))
    assert [outcome.error.reason for outcome in outcomes] == [RejectionReason.WORKER_CRASHED] * 6


@settings(max_examples=8, deadline=None)
@given(items=st.lists(st.sampled_from([1, 2, 3, "bad", "leave", "segfault", "devour_memory"]), max_size=12))
def test_any_mixture_gives_exactly_one_outcome_per_item(poison: ModuleType, items: list[int | str]) -> None:
    with ProcessEngine(PARAMS) as engine:
        outcomes = list(engine.map(poison.obey, items))
    assert Counter(outcome.item for outcome in outcomes) == Counter(items)
    assert all(isinstance(outcome, Failed) == (outcome.item in VERDICTS) for outcome in outcomes)


def test_a_slow_consumer_is_not_held_against_the_items(poison: ModuleType) -> None:
    with ProcessEngine(EngineParams(workers=2, item_timeout_s=0.5, batch_size=4)) as engine:
        outcomes = []
        for outcome in engine.map(poison.nap, [0.02] * 12):
            time.sleep(0.2)
            outcomes.append(outcome)
    assert [type(outcome) for outcome in outcomes] == [Done] * 12


def test_reports_that_wait_for_the_bell_are_heard_before_a_hang_is_judged(
    engine: ProcessEngine, poison: ModuleType
) -> None:
    outcomes = {outcome.item: outcome for outcome in engine.map(poison.obey, [*range(50), "hang", *range(50, 60)])}
    assert [item for item, outcome in outcomes.items() if isinstance(outcome, Failed)] == ["hang"]


class TestSecondChance:
    """A crash may be the fault of a neighbour; a timeout cannot be."""

    def test_an_item_whose_worker_was_killed_from_outside_is_done(
        self, engine: ProcessEngine, poison: ModuleType, tmp_path: Path
    ) -> None:
        def kill_the_first_worker() -> None:
            wait_until((tmp_path / "0").exists)
            os.kill(int((tmp_path / "0").read_text()), signal.SIGKILL)

        killer = threading.Thread(target=kill_the_first_worker)
        killer.start()
        outcomes = list(engine.map(partial(poison.hang_at_first, tmp_path), [0]))
        killer.join()
        assert outcomes == [Done(0, 0)]

    def test_a_crash_is_tried_twice_and_each_time_in_another_process(
        self, engine: ProcessEngine, poison: ModuleType, tmp_path: Path
    ) -> None:
        (outcome,) = engine.map(partial(poison.obey_and_keep_count, tmp_path), ["segfault"])
        assert len(list(tmp_path.iterdir())) == 2
        assert outcome.error.detail == "its worker was killed by SIGSEGV"

    def test_a_hang_is_tried_once(self, engine: ProcessEngine, poison: ModuleType, tmp_path: Path) -> None:
        list(engine.map(partial(poison.obey_and_keep_count, tmp_path), ["hang"]))
        assert len(list(tmp_path.iterdir())) == 1

    def test_no_item_is_rejected_for_the_leaks_of_others(self, engine: ProcessEngine, poison: ModuleType) -> None:
        outcomes = list(engine.map(poison.leak, [40] * 20))
        assert [type(outcome) for outcome in outcomes] == [Done] * 20

    def test_an_idle_worker_killed_between_streams_costs_nothing(
        self, engine: ProcessEngine, poison: ModuleType
    ) -> None:
        (first,) = engine.map(poison.own_pid, [0])
        os.kill(first.result, signal.SIGKILL)
        (second,) = engine.map(poison.own_pid, [0])
        assert second.result != first.result


class TestCrew:
    """Who works."""

    def test_workers_stay_for_the_next_stream(self, engine: ProcessEngine, poison: ModuleType) -> None:
        (first,) = engine.map(poison.own_pid, [0])
        (second,) = engine.map(poison.nap, [0])
        assert first.result == second.result

    def test_no_more_workers_start_than_there_are_items(self, poison: ModuleType) -> None:
        with ProcessEngine(EngineParams(workers=8)) as engine:
            outcomes = engine.map(poison.nap, [0.2, 0.2])
            next(outcomes)
            assert len(living_children()) <= 2
            outcomes.close()

    def test_no_worker_starts_before_the_first_stream(self) -> None:
        with ProcessEngine(PARAMS):
            assert living_children() == []

    def test_a_worn_out_worker_is_replaced(self, poison: ModuleType) -> None:
        with ProcessEngine(EngineParams(workers=1, recycle_after_items=10, batch_size=2)) as engine:
            pids = [outcome.result for outcome in engine.map(poison.nap, [0.01] * 100)]
        assert len(pids) == 100
        assert len(set(pids)) > 1

    def test_slow_items_after_quick_ones_spread_over_the_workers(
        self, engine: ProcessEngine, poison: ModuleType
    ) -> None:
        seconds = [0.0] * 100 + [0.4] * 6
        slow = [outcome.result for outcome in engine.map(poison.nap, seconds) if outcome.item]
        assert max(Counter(slow).values()) <= 4

    def test_two_engines_work_at_once_in_two_threads(self, poison: ModuleType) -> None:
        sums: list[int] = []

        def run() -> None:
            with ProcessEngine(PARAMS) as engine:
                sums.append(sum(outcome.result for outcome in engine.map(poison.negate, range(200))))

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sums == [-19900, -19900]

    def test_workers_outlive_the_thread_that_started_them(self, engine: ProcessEngine, poison: ModuleType) -> None:
        pids: list[int] = []
        thread = threading.Thread(
            target=lambda: pids.extend(outcome.result for outcome in engine.map(poison.own_pid, [0]))
        )
        thread.start()
        thread.join()
        assert [outcome.result for outcome in engine.map(poison.own_pid, [0])] == pids


class TestStopping:
    """Nobody is left behind."""

    def test_closing_a_stream_early_stops_its_workers(self, engine: ProcessEngine, poison: ModuleType) -> None:
        outcomes = engine.map(poison.nap, [0.0, 600.0, 600.0])
        next(outcomes)
        outcomes.close()
        assert living_children() == []

    def test_an_error_in_the_consumer_stops_the_workers(self, engine: ProcessEngine, poison: ModuleType) -> None:
        def consume() -> None:
            for _ in engine.map(poison.nap, [0.0, 600.0, 600.0]):
                raise KeyError("consumer")

        with pytest.raises(KeyError):
            consume()
        assert living_children() == []

    def test_a_broken_world_stops_the_workers(self, engine: ProcessEngine, poison: ModuleType) -> None:
        with pytest.raises(StoreUnavailableError):
            list(engine.map(poison.lose_storage, count()))
        assert living_children() == []

    def test_closing_the_engine_stops_idle_workers(self, engine: ProcessEngine, poison: ModuleType) -> None:
        list(engine.map(poison.negate, range(10)))
        engine.close()
        assert living_children() == []

    def test_a_closed_engine_refuses_work(self, engine: ProcessEngine, poison: ModuleType) -> None:
        engine.close()
        with pytest.raises(RuntimeError, match="closed"):
            list(engine.map(poison.negate, [1]))

    def test_a_stream_whose_engine_was_closed_says_so(self, engine: ProcessEngine, poison: ModuleType) -> None:
        outcomes = engine.map(poison.negate, count())
        next(outcomes)
        engine.close()
        with pytest.raises(RuntimeError, match="closed"):
            next(outcomes)

    def test_a_second_stream_at_once_is_refused(self, engine: ProcessEngine, poison: ModuleType) -> None:
        first = engine.map(poison.negate, count())
        next(first)
        with pytest.raises(RuntimeError, match="other stream"):
            next(engine.map(poison.negate, count()))
        first.close()


class TestBrokenWorlds:
    """What is nobody's fault among the images stops the stream and says what to do."""

    def test_the_traceback_of_the_worker_is_shown(self, engine: ProcessEngine, poison: ModuleType) -> None:
        with pytest.raises(StoreUnavailableError) as caught:
            list(engine.map(poison.lose_storage, [1]))
        assert "in lose_storage" in caught.value.__notes__[0]

    def test_an_error_that_cannot_travel_becomes_its_nearest_base(
        self, engine: ProcessEngine, poison: ModuleType
    ) -> None:
        with pytest.raises(StoreUnavailableError, match="StubbornError: localhost:1"):
            list(engine.map(poison.raise_stubborn, [1]))

    def test_a_result_that_cannot_travel_is_named(self, engine: ProcessEngine, poison: ModuleType) -> None:
        with pytest.raises(TypeError, match="cannot send back a generator"):
            list(engine.map(poison.return_a_generator, [1]))

    def test_an_item_that_cannot_travel_is_named(self, engine: ProcessEngine, poison: ModuleType) -> None:
        with pytest.raises(TypeError, match="item of type generator cannot be sent"):
            list(engine.map(poison.negate, [(n for n in range(3))]))

    def test_a_nameless_function_is_refused_at_once(self, engine: ProcessEngine) -> None:
        with pytest.raises(ConfigurationError, match="top level of a module"):
            engine.map(lambda item: item, [1])

    def test_a_function_that_only_the_parent_knows_is_refused(
        self, engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = ModuleType("known_here_only")
        exec("def work(item): return item", module.__dict__)
        monkeypatch.setitem(sys.modules, "known_here_only", module)
        with pytest.raises(ConfigurationError, match="cannot import"):
            list(engine.map(module.work, [1]))

    def test_workers_that_all_die_at_their_start_stop_the_stream(
        self, engine: ProcessEngine, poison: ModuleType
    ) -> None:
        work = partial(poison.ignore_extra, poison.DeadlyToUnpickle())
        with pytest.raises(ConfigurationError, match="exited with status 3"):
            list(engine.map(work, range(100)))
        assert living_children() == []

    def test_fifty_losses_in_a_row_are_not_the_fault_of_the_images(self, poison: ModuleType) -> None:
        with (
            ProcessEngine(EngineParams(workers=2, item_timeout_s=0.001)) as engine,
            pytest.raises(ConfigurationError, match="in a row"),
        ):
            list(engine.map(poison.nap, [600.0] * 200))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("workers", 0, "IMAGE_ASSETS_WORKERS"),
        ("item_timeout_s", 0.0, "IMAGE_ASSETS_IMAGE_TIMEOUT_S"),
        ("batch_size", 0, "batch_size"),
        ("worker_memory_bytes", 1, "IMAGE_ASSETS_WORKER_MEMORY_MB"),
    ],
)
def test_an_impossible_parameter_is_named_as_it_is_set(name: str, value: int, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        EngineParams(**{name: value})
