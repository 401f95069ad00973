"""How a forward pass is run: kernel by kernel, compiled, or recorded as CUDA graphs."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeAlias

import torch
from torch import Tensor

from image_assets.errors import ModelError

Compute: TypeAlias = Callable[[Tensor], Tensor]
"""Images x 3 x rows x columns to one row per image; no image may change the row of another one."""

_WARM_UPS: Final = 3
"""Passes before a recording, as PyTorch's notes on CUDA graphs have it: what a library sets up at first stays out."""

_TURNS: Final = Lock()
"""A process may record one graph at a time, and the tensors of a recording serve one batch at a time."""


class EagerPass:
    """Each kernel is started when Python comes to it."""

    def __init__(self, compute: Compute, device: torch.device) -> None:
        self._compute = compute
        self._device = device

    def __call__(self, batch: Tensor) -> Tensor:
        """One row per image."""
        return self._compute(batch)

    def release(self) -> None:
        """Gives up the memory that it keeps between batches: none."""


class CompiledPass(EagerPass):
    """Kernels that torch.compile has fused; it takes a minute at first, and a C++ compiler or Triton."""

    def __init__(self, compute: Compute, device: torch.device) -> None:
        # One compilation for batches of all sizes: the last batch of a day and those after a halving have their own.
        super().__init__(torch.compile(compute, dynamic=True), device)

    def __call__(self, batch: Tensor) -> Tensor:
        """One row per image.

        Raises:
            ModelError: it cannot be compiled here.
        """
        # Imported here, because it takes seconds, which only who compiles has to wait.
        from torch._dynamo.exc import TorchDynamoException

        try:
            return super().__call__(batch)
        except TorchDynamoException as problem:
            raise ModelError(
                f"torch.compile cannot compile this model here: {problem}; set IMAGE_ASSETS_EXECUTION=eager"
            ) from problem


@dataclass(frozen=True, slots=True)
class _Recording:
    """A graph, and the memory that it reads from and writes to."""

    graph: torch.cuda.CUDAGraph
    images: Tensor
    rows: Tensor


class RecordedPass(EagerPass):
    """A CUDA graph per power of two: one call starts all kernels of a pass.

    Kernel by kernel the host makes hundreds of calls a batch, and before each it waits for Python's lock, which the
    threads that decode hold in turns.
    """

    def __init__(self, compute: Compute, device: torch.device) -> None:
        super().__init__(compute, device)
        # That of warming up too: cuBLAS keeps a workspace per stream, which must not be a part of the graph's memory.
        self._stream = torch.cuda.Stream(device)
        self._recordings: dict[int, _Recording] = {}

    def __call__(self, batch: Tensor) -> Tensor:
        """One row per image; what is left of former images in the rest of the recording's memory counts for nothing."""
        size = 1 << (len(batch) - 1).bit_length()
        with _TURNS:
            if size not in self._recordings:
                self._recordings[size] = self._record(batch, size)
            recording = self._recordings[size]
            recording.images[: len(batch)].copy_(batch)
            recording.graph.replay()
            # The next replay writes to the same memory, and may be ordered before these rows are read.
            return recording.rows[: len(batch)].clone()

    def release(self) -> None:
        """Gives up all graphs: their memory serves nothing else while they live."""
        with _TURNS:
            torch.cuda.synchronize(self._device)
            self._recordings.clear()

    def _record(self, batch: Tensor, size: int) -> _Recording:
        shape = (size, *batch.shape[1:])
        images = torch.empty(shape, dtype=batch.dtype, device=batch.device, memory_format=torch.channels_last).zero_()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device):
            self._stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._stream):
                for _ in range(_WARM_UPS):
                    self._compute(images)
            # Entering waits for the device. Other threads may use the device meanwhile, as with torch.compile's graphs.
            with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
                rows = self._compute(images)
        return _Recording(graph, images, rows)


FORWARD_PASSES: Final = {"eager": EagerPass, "compile": CompiledPass, "graphs": RecordedPass}
"""By what IMAGE_ASSETS_EXECUTION says."""
