"""From cleansed images to vectors: decoding runs ahead of the device, here or where a cluster has its devices."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeAlias

from image_assets.compute.engine import Done, Failed, usable_cpus
from image_assets.errors import ImageError, ModelError
from image_assets.ids import ObjectKey
from image_assets.imaging.read_back import read_pixels
from image_assets.lake.object_store import ObjectStore
from image_assets.models.encoders.encoder import EncoderLoad, ImageEncoder, PreparedImage
from image_assets.steps.images.original import read_verified
from image_assets.steps.increment.outcome import Item, Outcome, Process
from image_assets.steps.increment.read_ahead import map_ahead, reads_at_once

_BATCHES_AHEAD_OF_GPU = 2

Encode: TypeAlias = Callable[[ObjectStore, ImageEncoder, str], Process]
"""Makes the process that fills a table, which is named, with an encoder's vectors."""


def encode_here(store: ObjectStore, encoder: ImageEncoder, table: str) -> Process:
    """In this process."""
    prepare = partial(_prepare, store, encoder)

    def process(items: Iterator[Item]) -> Generator[Outcome]:
        usable: deque[Item] = deque()
        refused: deque[Failed[Item]] = deque()

        def images() -> Iterator[PreparedImage]:
            at_once = reads_at_once(store)
            for prepared in map_ahead(prepare, items, max(at_once, _images_ahead(encoder.load)), at_once):
                if isinstance(prepared, Failed):
                    refused.append(prepared)
                else:
                    usable.append(prepared[0])
                    yield prepared[1]

        for vector in encoder.encode_prepared(images()):
            yield Done(usable.popleft(), {table: {"embedding": vector}})
            while refused:
                yield refused.popleft()
        yield from refused

    return process


class Devices(Protocol):
    """Processes elsewhere that have a device each."""

    def stream(self, work: "EncodingThere", items: Iterable[Item]) -> Iterator[Outcome]:
        """One outcome per item."""
        ...


def encode_there(
    devices: Devices, open_encoder: Callable[[], ImageEncoder], store: ObjectStore, encoder: ImageEncoder, table: str
) -> Process:
    """On devices elsewhere, where `open_encoder` has to find the same weights."""
    work = EncodingThere(open_encoder, encoder.description.revision, store, table)

    def process(items: Iterator[Item]) -> Generator[Outcome]:
        yield from devices.stream(work, items)

    return process


@dataclass
class EncodingThere:
    """What a process with a device does: it reads the pictures itself.

    Attributes:
        open_encoder: finds the checkpoint; loaded when there are items.
        revision: of the weights that are wanted.
        store: where the pictures are.
        table: that is filled.
    """

    open_encoder: Callable[[], ImageEncoder]
    revision: str
    store: ObjectStore
    table: str
    _process: Process | None = field(default=None, init=False)

    def __call__(self, items: Iterator[Item]) -> Iterator[Outcome]:
        """One outcome per item."""
        if self._process is None:
            self._process = encode_here(self.store, self._opened(), self.table)
        return self._process(items)

    def _opened(self) -> ImageEncoder:
        encoder = self.open_encoder()
        found = encoder.description
        if found.revision != self.revision:
            raise ModelError(
                f"this node has {found.name} {found.revision[:12]}, and {self.revision[:12]} is wanted: put the same "
                "weights on all nodes, or set IMAGE_ASSETS_ENCODER_REVISION"
            )
        return encoder


def _images_ahead(load: EncoderLoad | None) -> int:
    """A GPU must not wait; beside a model on the CPU, decoding would take the processors away from it."""
    return _BATCHES_AHEAD_OF_GPU * load.batch_size if load and load.device != "cpu" else usable_cpus()


def _prepare(store: ObjectStore, encoder: ImageEncoder, item: Item) -> tuple[Item, PreparedImage] | Failed[Item]:
    try:
        data = read_verified(store, ObjectKey(str(item.row["cleansed_path"])), str(item.row["cleansed_sha256"]))
        pixels = read_pixels(data, shortest_side_px=encoder.description.input_size_px)
        return item, encoder.prepare_image(pixels)
    except ImageError as error:
        return Failed(item, error)
