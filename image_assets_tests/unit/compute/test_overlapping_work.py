"""Items that overlap in a worker: whatever happens is the fault of the one that the processor worked on."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from image_assets.compute.engine import Engine, EngineParams, Failed, ProcessEngine, SerialEngine
from image_assets.errors import RejectionReason, StoreUnavailableError

PARAMS = EngineParams(workers=1, item_timeout_s=2.0, worker_memory_bytes=256 * 1024**2, batch_size=8)


@pytest.fixture
def engine() -> Iterator[ProcessEngine]:
    with ProcessEngine(PARAMS) as engine:
        yield engine


@pytest.mark.parametrize("kind", ["serial", "processes"])
def test_every_item_has_its_own_result(poison: ModuleType, kind: str) -> None:
    engine: Engine = SerialEngine() if kind == "serial" else ProcessEngine(PARAMS)
    with engine:
        outcomes = list(engine.map(poison.Overlapping(poison.negate), range(200)))
    assert sorted((outcome.item, outcome.result[0]) for outcome in outcomes) == [(n, -n) for n in range(200)]


def test_an_item_is_begun_before_the_one_before_it_is_safe(engine: ProcessEngine, poison: ModuleType) -> None:
    outcomes = list(engine.map(poison.Overlapping(poison.negate), range(200)))
    assert [outcome.item for outcome in outcomes if outcome.result[1] > outcome.item + 1]


def test_items_overlap_however_far_away_the_storage_is(engine: ProcessEngine, poison: ModuleType) -> None:
    outcomes = list(engine.map(poison.Overlapping(poison.negate, slow_s=0.15), range(16)))
    assert [outcome.item for outcome in outcomes if outcome.result[1] > outcome.item + 1]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("bad", RejectionReason.CORRUPT),
        ("segfault", RejectionReason.WORKER_CRASHED),
        ("hang_holding_the_interpreter", RejectionReason.TIMEOUT),
        ("devour_memory", RejectionReason.OUT_OF_MEMORY),
    ],
)
def test_its_neighbours_are_not_blamed(engine: ProcessEngine, poison: ModuleType, kind: str, reason: str) -> None:
    items = [*range(40), kind, *range(40, 60)]
    outcomes = list(engine.map(poison.Overlapping(poison.obey), items))
    assert {outcome.item: outcome.error.reason for outcome in outcomes if isinstance(outcome, Failed)} == {kind: reason}
    assert sorted(outcome.item for outcome in outcomes if not isinstance(outcome, Failed)) == list(range(60))


def test_a_storage_may_be_waited_for_longer_than_an_item_may_take(engine: ProcessEngine, poison: ModuleType) -> None:
    outcomes = list(engine.map(poison.Overlapping(poison.negate, slow_s=3.0), [1, 2]))
    assert [type(outcome).__name__ for outcome in outcomes] == ["Done", "Done"]


def test_a_storage_that_refuses_an_item_stops_the_stream(engine: ProcessEngine, poison: ModuleType) -> None:
    items = [*range(40), "lost", *range(40, 60)]
    with pytest.raises(StoreUnavailableError, match="the cloud does not answer"):
        list(engine.map(poison.Overlapping(poison.unchanged), items))


def test_words_go_with_the_item_over_which_they_were_written(engine: ProcessEngine, poison: ModuleType) -> None:
    outcomes = list(engine.map(poison.Overlapping(poison.complain), range(60)))
    assert {outcome.item: outcome.said for outcome in outcomes} == {n: f"about {n}\n" for n in range(60)}
