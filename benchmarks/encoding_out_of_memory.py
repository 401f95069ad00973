"""Memory that runs out for real: is the batch halved until it fits, and do the vectors stay what they were?"""

import dataclasses
import itertools
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from encoding_contestants import Task

from image_assets.imaging.read_back import read_pixels
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.models.encoders.encoder import Embeddings, PreparedImage
from image_assets.models.encoders.encoder_loading import load_encoder
from image_assets.models.encoders.transformers_encoder import TransformersEncoder

TOLERANCE = {"fp32": 1e-3, "bf16": 5e-3, "fp16": 5e-3}
"""Of a number of a unit vector: batches of another size are added up in another order, in cuDNN's fp32 with 10 bits."""

LEAST_BYTES_ON_CPU = 128 * 1024**2
"""Of a batch in fp32: for smaller pieces a process takes what it has freed, whatever the limit."""

HEAD = """Memory for a third of what a batch needs, then every vector against that with memory enough:

| batch | batch that fits | execution | images | largest difference | between two photos |
|---:|---:|---|---:|---:|---:|"""


def out_of_memory(tasks: list[Task]) -> str:
    """A table of what became of each way of execution; `RuntimeError` where it is not as it should be."""
    return "\n".join([HEAD, *map(_line, tasks)])


def _line(task: Task) -> str:
    image_bytes = 3 * task.side_px**2 * 4
    least = 1 if _on_gpu(task) else LEAST_BYTES_ON_CPU // image_bytes + 1
    batch_size = max(task.batch_size, 1 << (least - 1).bit_length())
    undisturbed, disturbed = (_loaded(task, batch_size) for _ in range(2))
    images = _prepared(task, undisturbed, 2 * batch_size)
    expected, need = _with_need(task, lambda: _vectors(undisturbed, images))
    room = (need or batch_size * image_bytes) // 3
    with _little_memory_on_gpu(room) if need else _little_memory_on_cpu(room):
        found = _vectors(disturbed, images)
    fits, fitted = disturbed.load.batch_size, undisturbed.load.batch_size
    difference = float(np.abs(found - expected).max())
    if fits >= fitted or difference > TOLERANCE[task.placement.precision]:
        raise RuntimeError(f"{fits} of {fitted} fit in {room} bytes, vectors differ by {difference}: {task.placement}")
    apart = float(np.median(np.abs(np.diff(expected, axis=0)).max(axis=1)))
    facts = f"{task.placement.execution} | {len(images)} | {difference:.1e} | {apart:.1e}"
    return f"| {fitted} | {fits} | {facts} |"


def _on_gpu(task: Task) -> bool:
    return task.placement.device.startswith("cuda")


def _loaded(task: Task, batch_size: int) -> TransformersEncoder:
    """An encoder of its own, which shares neither its batch size nor its memory."""
    placement = dataclasses.replace(task.placement, batch_size=batch_size)
    return load_encoder(locate_checkpoint(task.checkpoint, None), placement)


def _prepared(task: Task, encoder: TransformersEncoder, count: int) -> list[PreparedImage]:
    """The day's images, again and again."""
    pixels = (read_pixels(path.read_bytes(), shortest_side_px=task.side_px) for path in task.files)
    return list(itertools.islice(itertools.cycle(map(encoder.prepare_image, pixels)), count))


def _vectors(encoder: TransformersEncoder, images: list[PreparedImage]) -> Embeddings:
    return np.stack(list(encoder.encode_prepared(images)))


def _with_need(task: Task, run: Callable[[], Embeddings]) -> tuple[Embeddings, int]:
    """What it returns, and the most bytes on a GPU that it took for it; 0 on the CPU, which does not tell."""
    if not _on_gpu(task):
        return run(), 0
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    return run(), torch.cuda.max_memory_allocated() - before


@contextmanager
def _little_memory_on_gpu(room: int) -> Iterator[None]:
    """So many bytes beyond what is taken."""
    torch.cuda.empty_cache()
    _, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_reserved() + room) / total))
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@contextmanager
def _little_memory_on_cpu(room: int) -> Iterator[None]:
    """So many bytes of addresses beyond those that the process has."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
