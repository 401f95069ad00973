"""Photos as squares of one size: decoded once and kept, as many as memory is given for."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np
import torch
from torch import Tensor

from image_assets.models.classifiers.classifier import ClassifierInput
from image_assets.models.encoders.encoder import PreparedImage
from image_assets.models.encoders.image_preparation import ImageRules

MOST_BYTES: Final = 2**30
"""9,700 photos at 192 px."""

_MOST_THREADS: Final = 8
"""That decode: each has a batch in hand."""


class PhotoSquares:
    """Photos brought to one size; those that do not fit into memory are read again whenever they are wanted."""

    def __init__(self, inputs: Sequence[ClassifierInput], rules: ImageRules, most_bytes: int = MOST_BYTES) -> None:
        self._inputs, self._rules = inputs, rules
        shape = rules.height_px, rules.width_px, 3
        # The system gives the memory only as it is filled.
        self._kept = np.empty((min(len(inputs), most_bytes // int(np.prod(shape))), *shape), np.uint8)
        self._is_read = False

    def __len__(self) -> int:
        return len(self._inputs)

    def read(self, batch_size: int, on_batch: Callable[[], None]) -> str:
        """Decode all photos; returns a hash of what they show."""
        digest = hashlib.sha256(repr(self._kept.shape[1:]).encode())
        done = 0
        for squares in self.batches(range(len(self)), batch_size):
            digest.update(squares.numpy().tobytes())
            kept = self._kept[done : done + len(squares)]
            kept[:] = squares[: len(kept)]
            done += len(squares)
            on_batch()
        self._is_read = True
        return digest.hexdigest()

    def batches(self, order: Sequence[int], batch_size: int) -> Iterator[Tensor]:
        """uint8, photos x rows x columns x 3, in the given order; the next ones are prepared meanwhile."""
        threads = min(_MOST_THREADS, torch.get_num_threads())
        waiting: deque[Future[Tensor]] = deque()
        with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
            for start in range(0, len(order), batch_size):
                waiting.append(pool.submit(self._batch, order[start : start + batch_size]))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _batch(self, places: Sequence[int]) -> Tensor:
        batch = np.empty((len(places), *self._kept.shape[1:]), np.uint8)
        return torch.from_numpy(np.stack([self._square(place) for place in places], out=batch))

    def _square(self, place: int) -> PreparedImage:
        if self._is_read and place < len(self._kept):
            kept: PreparedImage = self._kept[place]
            return kept
        return self._rules.prepare(self._inputs[place])
