"""Work on objects far away: its reads go ahead, its writes together, and it is done when they are."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from image_assets.errors import StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_store import ANY_VERSION, ReadsAndWrites
from image_assets.steps.increment.outcome import TableValues
from image_assets.steps.increment.overlapping_objects import OverlappingObjects
from image_assets.steps.increment.workers import on_objects

TOGETHER, PATIENCE_S = 3, 30.0


def meeting() -> threading.Barrier:
    return threading.Barrier(TOGETHER, timeout=PATIENCE_S)


@dataclass(frozen=True, slots=True)
class FarStore(LocalObjectStore):
    """So many reads have to be under way before one comes back, and so many writes."""

    reads: threading.Barrier = field(default_factory=meeting, compare=False)
    writes: threading.Barrier = field(default_factory=meeting, compare=False)

    @property
    def is_far(self) -> bool:
        return True

    def read(self, key: ObjectKey) -> bytes:
        self.reads.wait()
        return LocalObjectStore.read(self, key)

    def write(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        self.writes.wait()
        if data == b"lost":
            raise StoreUnavailableError(f"{key} did not arrive")
        LocalObjectStore.write(self, key, data, over=over)


def copied(task: str, *, store: ReadsAndWrites) -> TableValues:
    """Write what is read under three names."""
    data = store.read(ObjectKey(f"from/{task}"))
    for number in range(TOGETHER):
        store.write(ObjectKey(f"to/{task}-{number}"), data)
    return {"table": {"size": len(data)}}


def keys_of(task: str) -> Sequence[ObjectKey]:
    return [ObjectKey(f"from/{task}")]


@pytest.fixture
def work(tmp_path: Path) -> OverlappingObjects[str]:
    for task, data in {"a": b"1", "b": b"22", "c": b"lost"}.items():
        LocalObjectStore(tmp_path).write(keys_of(task)[0], data)
    found = on_objects(copied, FarStore(tmp_path), keys_of)
    assert isinstance(found, OverlappingObjects)
    return found


def test_what_a_batch_needs_is_read_together_and_what_an_item_leaves_is_written_together(
    work: OverlappingObjects[str],
) -> None:
    work.look_ahead(["a", "b", "c"])
    assert [work(task)["table"]["size"] for task in "ab"] == [1, 2]
    assert [info.size_bytes for info in work.store.list("to")] == [1, 1, 1, 2, 2, 2]


def test_an_item_is_not_done_when_one_of_its_objects_did_not_arrive(work: OverlappingObjects[str]) -> None:
    work.look_ahead(["a", "b", "c"])
    finish = work.begin("c")
    with pytest.raises(StoreUnavailableError, match="did not arrive"):
        finish()


def test_what_was_asked_for_is_not_asked_for_again(work: OverlappingObjects[str]) -> None:
    work.look_ahead(["a", "b", "c"])
    work.await_input("c")
    # Alone it would not come back.
    work.look_ahead(["c"])
    assert callable(work.begin("c"))


def test_a_store_at_hand_is_read_and_written_at_once(tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    store.write(keys_of("a")[0], b"1")
    found = on_objects(copied, store, keys_of)
    assert not isinstance(found, OverlappingObjects)
    assert found("a") == {"table": {"size": 1}}
