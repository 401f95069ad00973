"""What every engine must do, wherever it runs the work."""

import importlib
from collections import Counter
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from types import ModuleType

import pytest

from image_assets.compute.engine import Done, Engine, EngineParams, Failed, ProcessEngine, SerialEngine
from image_assets.compute.opening import open_engine
from image_assets.errors import RejectionReason, StoreUnavailableError

PARAMS = EngineParams(workers=2, batch_size=8)
ENGINES = {
    "serial": SerialEngine,
    "processes": lambda: ProcessEngine(PARAMS),
    "ray": lambda: open_engine("ray", PARAMS, is_lake_shared=False),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    with ENGINES[request.param]() as engine:
        yield engine


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # Workers import functions by name along this process's sys.path: see unit/compute/conftest.py.
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "unit" / "compute" / "functions")
    return importlib.import_module("poison")


def test_every_item_has_exactly_one_outcome(engine: Engine, poison: ModuleType) -> None:
    outcomes = list(engine.map(poison.negate, range(500)))
    assert sorted((outcome.item, outcome.result) for outcome in outcomes) == [(n, -n) for n in range(500)]


def test_equal_items_have_an_outcome_each(engine: Engine, poison: ModuleType) -> None:
    outcomes = Counter(engine.map(poison.negate, [7] * 20))
    assert outcomes == {Done(7, -7): 20}


def test_items_and_results_may_be_megabytes(engine: Engine, poison: ModuleType) -> None:
    items = [bytes([number]) * 3_000_000 for number in range(12)]
    outcomes = list(engine.map(poison.unchanged, items))
    assert sorted(outcome.result for outcome in outcomes) == items


def test_an_empty_stream_has_no_outcomes(engine: Engine, poison: ModuleType) -> None:
    assert list(engine.map(poison.negate, [])) == []


def test_an_image_error_fails_its_item_only(engine: Engine, poison: ModuleType) -> None:
    outcomes = {outcome.item: outcome for outcome in engine.map(poison.reject_odd, range(10))}
    assert {item for item, outcome in outcomes.items() if isinstance(outcome, Failed)} == {1, 3, 5, 7, 9}
    assert (outcomes[3].error.reason, outcomes[3].error.detail) == (RejectionReason.CORRUPT, "3 is odd")


def test_what_was_learnt_of_a_bad_item_comes_with_its_error(engine: Engine, poison: ModuleType) -> None:
    (corrupt,) = engine.map(poison.reject_odd, [3])
    (too_large,) = engine.map(poison.decode_out_of_memory, [4])
    assert (corrupt.error.facts, too_large.error.facts) == ({"number": 3}, {"number": 4})


def test_a_memory_error_fails_its_item(engine: Engine, poison: ModuleType) -> None:
    (outcome,) = engine.map(poison.run_out_of_memory, [1])
    assert outcome.error.reason is RejectionReason.OUT_OF_MEMORY


def test_any_other_error_stops_the_stream_with_its_type(engine: Engine, poison: ModuleType) -> None:
    with pytest.raises(StoreUnavailableError, match="the disk does not answer"):
        list(engine.map(poison.lose_storage, count()))


def test_an_error_of_the_source_stops_the_stream(engine: Engine, poison: ModuleType) -> None:
    def source() -> Iterator[int]:
        yield 1
        raise KeyError("no more")

    with pytest.raises(KeyError):
        list(engine.map(poison.negate, source()))


def test_no_more_items_are_pulled_than_two_batches_per_worker(engine: Engine, poison: ModuleType) -> None:
    pulled: list[int] = []
    source = (pulled.append(number) or number for number in count())
    outcomes = engine.map(poison.negate, source)
    for finished, _ in enumerate(islice(outcomes, 300), start=1):
        assert len(pulled) - finished <= PARAMS.workers * 2 * (PARAMS.batch_size + 1)


def test_nothing_is_pulled_before_the_first_outcome_is_asked_for(engine: Engine, poison: ModuleType) -> None:
    source = iter(range(3))
    engine.map(poison.negate, source)
    assert next(source) == 0


def test_a_stream_may_be_closed_early_and_the_engine_used_again(engine: Engine, poison: ModuleType) -> None:
    outcomes = engine.map(poison.negate, count())
    next(outcomes)
    outcomes.close()
    assert len(list(engine.map(poison.negate, range(20)))) == 20


def test_the_engine_is_usable_after_a_broken_world(engine: Engine, poison: ModuleType) -> None:
    with pytest.raises(StoreUnavailableError):
        list(engine.map(poison.lose_storage, range(5)))
    assert len(list(engine.map(poison.negate, range(20)))) == 20


def test_one_engine_runs_different_work_in_turn(engine: Engine, poison: ModuleType) -> None:
    assert len(list(engine.map(poison.negate, range(20)))) == 20
    assert sum(isinstance(outcome, Failed) for outcome in engine.map(poison.reject_odd, range(20))) == 10


def test_closing_twice_is_harmless(engine: Engine, poison: ModuleType) -> None:
    list(engine.map(poison.negate, range(3)))
    engine.close()
    engine.close()
