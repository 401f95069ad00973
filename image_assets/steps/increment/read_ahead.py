"""Doing a step's reading and decoding in threads, ahead of whoever uses the results."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from image_assets.compute.engine import usable_cpus
from image_assets.lake.object_store import ObjectStore

_MOST_THREADS = 16

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def reads_at_once(store: ObjectStore) -> int:
    """How many objects are worth being read at once: decoding takes a processor, waiting for an answer does not."""
    return _MOST_THREADS if store.is_far else min(_MOST_THREADS, usable_cpus())


def read_ahead(store: ObjectStore, work: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> Generator[ResultT]:
    """`work` of each item, in order, which reads an object of the store."""
    at_once = reads_at_once(store)
    return map_ahead(work, items, at_once, at_once)


def map_ahead(
    work: Callable[[ItemT], ResultT], items: Iterable[ItemT], ahead: int, at_once: int | None = None
) -> Generator[ResultT]:
    """`work` of each item, in order, at most so many items ahead; decoders and disks let other threads run.

    So many are worked on `at_once`; as many as there are processors, unless that is given.
    """
    threads = ThreadPoolExecutor(at_once or min(_MOST_THREADS, usable_cpus()), thread_name_prefix="ahead")
    waiting: deque[Future[ResultT]] = deque()
    try:
        for item in items:
            waiting.append(threads.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
