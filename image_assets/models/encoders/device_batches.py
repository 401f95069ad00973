"""Batches on a device: sent ahead of their results, halved when they do not fit."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor

from image_assets.errors import ModelError
from image_assets.models.encoders.devices import release_cached_memory
from image_assets.models.encoders.encoder import Embedding, Embeddings, PreparedImage

_Item = TypeVar("_Item")

_IN_FLIGHT: Final = 2
"""Batches that a GPU has before the first of them is read: while one is computed, the next one waits on the device."""


class DeviceBatches:
    """Feeds items to a model in batches as large as memory allows."""

    def __init__(
        self, model: str, device: torch.device, batch_size: int, release: Callable[[], None] = lambda: None
    ) -> None:
        """`release` gives up what the model keeps on the device between batches; called when memory has run out."""
        self._model = model
        self._device = device
        self._batch_size = max(1, batch_size)
        self._release = release

    @property
    def batch_size(self) -> int:
        """Items per pass; smaller than asked for once memory ran out."""
        return self._batch_size

    def run(self, items: Iterable[_Item], compute: Callable[[Sequence[_Item]], Tensor]) -> Iterator[Embedding]:
        """One row per item, in order; `compute` returns float32, items x numbers, on the device.

        Raises:
            ModelError: memory does not suffice for one item.
        """
        waiting: deque[Callable[[], Embeddings]] = deque()
        source = iter(items)
        while batch := list(islice(source, self._batch_size)):
            for rows in self._fitting(batch, compute):
                waiting.append(_to_host(rows))
                if len(waiting) == _IN_FLIGHT:
                    yield from waiting.popleft()()
        for read in waiting:
            yield from read()

    def _fitting(self, batch: Sequence[_Item], compute: Callable[[Sequence[_Item]], Tensor]) -> Iterator[Tensor]:
        start = 0
        while start < len(batch):
            part = batch[start : start + self._batch_size]
            rows = self._unless_out_of_memory(part, compute)
            if rows is None:
                self._shrink_batch(len(part))
            else:
                start += len(part)
                yield rows

    def _unless_out_of_memory(
        self, batch: Sequence[_Item], compute: Callable[[Sequence[_Item]], Tensor]
    ) -> Tensor | None:
        try:
            with torch.inference_mode():
                return compute(batch)
        except RuntimeError as problem:  # torch.OutOfMemoryError is one; the CPU and mps raise a bare one
            if isinstance(problem, ModelError) or not _is_out_of_memory(problem):
                raise
            return None

    def _shrink_batch(self, failed: int) -> None:
        """Half of what did not fit, from now on; called when the failed pass holds no memory any more."""
        self._release()
        release_cached_memory(str(self._device))
        if failed == 1:
            raise ModelError(
                f"{self._model} needs more memory than the device has, even for one item; choose a smaller model "
                "(IMAGE_ASSETS_ENCODER) or IMAGE_ASSETS_DEVICE=cpu"
            )
        self._batch_size = failed // 2


def send_images(images: Sequence[PreparedImage], device: torch.device) -> Tensor:
    """One tensor of all images on the device; a GPU copies them while it computes the batch before."""
    on_gpu = device.type == "cuda"
    dtype = torch.uint8 if images[0].dtype == np.uint8 else torch.float32
    # Page-locked memory, from which a GPU copies by itself; torch keeps it until the copy is done, and for reuse.
    batch = torch.empty((len(images), *images[0].shape), dtype=dtype, pin_memory=on_gpu)
    np.stack(images, out=batch.numpy())
    return _copied_beside(batch, device) if on_gpu else batch.to(device, non_blocking=True)


def _copied_beside(batch: Tensor, device: torch.device) -> Tensor:
    """On a stream of its own, because on the one that computes the copy would wait for the batch before."""
    copying, computing = _copy_stream(device), torch.cuda.current_stream(device)
    with torch.cuda.stream(copying):
        sent = batch.to(device, non_blocking=True)
    computing.wait_stream(copying)
    # Without it, torch would reuse this memory for the next copy as soon as nobody holds the tensor, computed or not.
    sent.record_stream(computing)
    return sent


@cache
def _copy_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


def _to_host(rows: Tensor) -> Callable[[], Embeddings]:
    """Orders the copy at once, so that it does not queue behind the next batch; the result waits for it."""
    if not rows.is_cuda:
        return lambda: rows.cpu().numpy()
    host = torch.empty(rows.shape, dtype=rows.dtype, pin_memory=True)
    host.copy_(rows, non_blocking=True)
    copied = torch.cuda.Event()
    copied.record(torch.cuda.current_stream(rows.device))

    def read() -> Embeddings:
        copied.synchronize()
        return host.numpy()

    return read


def _is_out_of_memory(problem: RuntimeError) -> bool:
    # CUDA's own calls and mps; the CPU's allocator, on Linux and elsewhere; cuBLAS and cuDNN.
    signs = ("out of memory", "can't allocate memory", "not enough memory", "STATUS_ALLOC_FAILED")
    return isinstance(problem, torch.OutOfMemoryError) or any(sign in str(problem) for sign in signs)
