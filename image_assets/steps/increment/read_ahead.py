"""Doing a step's reading and decoding in threads, ahead of whoever uses the results."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from image_assets.compute.engine import usable_cpus

_MOST_THREADS = 16

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


def map_ahead(work: Callable[[ItemT], ResultT], items: Iterable[ItemT], ahead: int) -> Generator[ResultT]:
    """`work` of each item, in order, at most so many items ahead; decoders and disks let other threads run."""
    threads = ThreadPoolExecutor(min(_MOST_THREADS, usable_cpus()), thread_name_prefix="ahead")
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
