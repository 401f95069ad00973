"""What each part of the service is examined for; the numbers found on the way are shown by /metrics."""

import shutil
import uuid
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeAlias

from image_assets.configuration import read_configuration, version_of
from image_assets.errors import StorageError
from image_assets.ids import ObjectKey
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import encoder_key
from image_assets.serving.observing.parts import Finding, Reading, State
from image_assets.settings import Settings
from image_assets.steps.vectors.index_store import read_manifest
from image_assets.tables.gold import GOLD_IMAGES

Examinations: TypeAlias = Mapping[str, Callable[[], Finding]]
"""By the name of the part, in the order in which they are shown."""

STUCK_AFTER_S: Final = 30.0
"""Age of the oldest item from which on whatever computes is taken for stuck."""


class Queue(Protocol):
    """What can be seen of items that wait to be computed."""

    @property
    def waiting(self) -> int:
        """Items that wait."""
        ...

    @property
    def oldest_s(self) -> float:
        """Age of the oldest item that waits or is being computed."""
        ...

    @property
    def batches(self) -> int:
        """Batches done so far."""
        ...

    @property
    def items(self) -> int:
        """Items done so far."""
        ...

    @property
    def seconds_per_item(self) -> float:
        """Running mean."""
        ...


def examine_storage(store: ObjectStore, settings: Settings) -> Finding:
    """Write, read and delete an object, and look how much room is left."""
    key = ObjectKey(f".ready-{uuid.uuid4().hex}")
    store.write(key, b"well")
    if store.read(key) != b"well":
        raise StorageError(f"{settings.root} gives back other bytes than were written: check the disk")
    store.delete(key)
    usage = shutil.disk_usage(settings.root)
    readings = (
        Reading("free_bytes", "Room left at the lake.", usage.free),
        Reading("size_bytes", "Room at the lake, taken or not.", usage.total),
    )
    return Finding(readings=readings)


def examine_tables(tables: ParquetTables) -> Finding:
    """Read the newest day's ids from gold."""
    days = tables.days(GOLD_IMAGES.name)
    readings = [Reading("days", "Days in gold.", len(days))]
    if not days:
        return Finding(detail="no day yet", readings=readings)
    images = tables.read_column(GOLD_IMAGES.name, days[-1], "image_id").len()
    readings.append(Reading("newest_day_images", "Images in the newest day of gold.", images))
    return Finding(detail=f"{len(days)} days, the newest {days[-1]}", readings=readings)


def examine_index(store: ObjectStore, settings: Settings) -> Finding:
    """Read the manifest of the encoder's index."""
    manifest = read_manifest(store, encoder_key(settings.encoder))
    vectors = Reading("vectors", "Vectors in the index.", manifest.vectors if manifest else 0)
    return Finding(detail="" if manifest else "none yet: every vector is compared", readings=[vectors])


def examine_configuration(store: ObjectStore) -> Finding:
    """Read the settings that are set in the lake."""
    version = version_of(read_configuration(store))
    return Finding(readings=[Reading("version", "Version of the settings set in the lake.", version)])


def examine_queue(queue: Queue) -> Finding:
    """Whether what waits is being computed."""
    is_stuck = queue.oldest_s > STUCK_AFTER_S
    readings = (
        Reading("queue_items", "Items that wait to be computed.", queue.waiting),
        Reading("oldest_item_seconds", "Age of the oldest item that waits or is computed.", queue.oldest_s),
        Reading("batches", "Batches computed.", queue.batches, is_counter=True),
        Reading("items", "Items computed.", queue.items, is_counter=True),
        Reading("item_seconds", "Running mean of seconds per item.", queue.seconds_per_item),
    )
    said = f"stuck: the oldest item waits for {queue.oldest_s:.0f} s" if is_stuck else ""
    return Finding(State.FAILED if is_stuck else State.OK, said, readings)
