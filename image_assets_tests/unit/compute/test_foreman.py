"""What does batches on a node, without the cluster around it."""

import pickle
import time
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

import pytest

from image_assets.compute.cluster.device_actor import DeviceActor
from image_assets.compute.cluster.foreman import Foreman
from image_assets.compute.cluster.messages import Parcel, Sealed, Tally
from image_assets.compute.cluster.versions import installed_versions, refuse_others
from image_assets.compute.engine import Done, EngineParams, Failed
from image_assets.errors import ConfigurationError, RejectionReason, StoreUnavailableError

PARAMS = EngineParams(workers=2, item_timeout_s=2.0, worker_memory_bytes=256 * 1024**2, batch_size=4)

HireForeman = Callable[..., Foreman]


@pytest.fixture
def foreman(poison: ModuleType) -> Iterator[HireForeman]:
    """A foreman who has begun to do some work."""
    made: list[Foreman] = []

    def hire(work: Callable[..., object]) -> Foreman:
        made.append(Foreman([], PARAMS))
        made[-1].begin(pickle.dumps(work))
        return made[-1]

    yield hire
    for each in made:
        each.close()


def parcels(items: Iterable[object], start: int = 0) -> list[Parcel]:
    return [(number, pickle.dumps(item)) for number, item in enumerate(items, start)]


def results(*tallies: Tally) -> dict[int, object]:
    return {
        number: outcome.result for tally in tallies for number, outcome in tally.outcomes if isinstance(outcome, Done)
    }


def test_every_item_is_told_of_once_in_some_tally(foreman: HireForeman, poison: ModuleType) -> None:
    negating = foreman(poison.negate)
    tallies = [negating.work_off(parcels(range(n, n + 10), n)) for n in (0, 10, 20)]
    tallies.append(negating.finish())
    assert sum(len(tally.outcomes) for tally in tallies) == 30
    assert results(*tallies) == {number: -number for number in range(30)}


def test_items_that_come_while_every_worker_is_idle_are_done(foreman: HireForeman, poison: ModuleType) -> None:
    negating = foreman(poison.negate)
    tallies = []
    for number in range(6):
        tallies.append(negating.work_off(parcels([number], number)))
        time.sleep(0.3)
    assert results(*tallies, negating.finish()) == {number: -number for number in range(6)}


def test_an_item_that_takes_long_holds_its_batch_and_no_others(foreman: HireForeman, poison: ModuleType) -> None:
    obeying = foreman(poison.obey)
    first = obeying.work_off(parcels(["hang", *range(1, 20)]))
    (_, hung), *others = sorted(obeying.finish().outcomes)
    assert len(first.outcomes) + len(others) == 19
    assert first.outcomes
    assert len(first.outcomes) > len(others) - PARAMS.batch_size
    assert isinstance(hung, Failed)
    assert hung.error.reason is RejectionReason.TIMEOUT


def test_of_a_batch_only_the_culprit_is_rejected(foreman: HireForeman, poison: ModuleType) -> None:
    obeying = foreman(poison.obey)
    told = dict([*obeying.work_off(parcels([1, 2, "kill_itself", 4])).outcomes, *obeying.finish().outcomes])
    assert {number for number, outcome in told.items() if isinstance(outcome, Failed)} == {2}


def test_a_broken_world_is_told_with_its_type_and_where_it_was_raised(foreman: HireForeman, poison: ModuleType) -> None:
    losing = foreman(poison.lose_storage)
    error = pickle.loads(pickle.dumps(losing.work_off(parcels([1])).error or losing.finish().error))
    assert isinstance(error, StoreUnavailableError)
    assert "lose_storage" in error.__notes__[0]


def test_other_work_can_be_begun(foreman: HireForeman, poison: ModuleType) -> None:
    both = foreman(poison.negate)
    both.work_off(parcels([1, 2, 3]))
    left = both.begin(pickle.dumps(poison.unchanged))
    assert set(results(left).values()) <= {-1, -2, -3}
    assert results(both.work_off(parcels([7])), both.finish()) == {0: 7}


def test_what_is_sealed_is_opened_by_whoever_unpickles_it_last() -> None:
    assert pickle.loads(pickle.dumps(Sealed(3, pickle.dumps({"a": 1})))) == {"a": 1}


def work_on_a_device(work: object, *words: str) -> Tally:
    actor = DeviceActor([], 1)
    assert actor.begin(pickle.dumps(work)).error is None
    return actor.work_off(parcels(words))


def test_a_device_tells_of_every_item_though_some_are_equal(poison: ModuleType) -> None:
    tally = work_on_a_device(poison.in_upper_case, "b", "a", "", "b")
    assert sorted(number for number, _ in tally.outcomes) == [0, 1, 2, 3]
    assert results(tally) == {0: "B", 1: "A", 3: "B"}


def test_a_device_tells_of_a_broken_world(poison: ModuleType) -> None:
    assert isinstance(work_on_a_device(poison.lose_device, "a").error, StoreUnavailableError)


def test_work_that_a_device_cannot_import_is_told_at_once() -> None:
    unknown = b"cno_such_module\nwork\n."
    assert isinstance(DeviceActor([], 1).begin(unknown).error, ModuleNotFoundError)


def test_a_node_with_other_versions_is_refused_with_what_differs() -> None:
    refuse_others(installed_versions(), "10.0.0.7")
    there = {**installed_versions(), "pillow": "1.0"}
    del there["numpy"]
    with pytest.raises(
        ConfigurationError, match=r"10\.0\.0\.7 has other versions: numpy missing, here .*; pillow 1\.0,"
    ):
        refuse_others(there, "10.0.0.7")
