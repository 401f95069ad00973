"""What each part of the service is examined for; the numbers found on the way are shown by /metrics."""

import shutil
import uuid
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from image_assets.access.keys import KeyRing
from image_assets.configuration import read_configuration, version_of
from image_assets.errors import StorageError
from image_assets.ids import ObjectKey
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.address import RemoteRoot
from image_assets.models.encoders.encoder import encoder_key
from image_assets.serving.inference.inference import InferenceState
from image_assets.serving.inference.served_model import ModelPhase
from image_assets.serving.observing.parts import Finding, Reading, State
from image_assets.settings import Settings
from image_assets.steps.search.followed import FollowedState
from image_assets.steps.search.gallery import Order, Wanted
from image_assets.steps.search.image_search import ImageSearch
from image_assets.steps.vectors.index_manifest import read_manifest
from image_assets.tables.gold import GOLD_IMAGES

Examinations: TypeAlias = Mapping[str, Callable[[], Finding]]
"""By the name of the part, in the order in which they are shown."""


_STUCK_AFTER_S: Final = 30.0
_WORDS: Final = {
    ModelPhase.NOT_LOADED: (State.LOADING, "is loaded when it is first needed; whoever asks waits for it"),
    ModelPhase.LOADING: (State.LOADING, "whoever asks waits for it"),
    ModelPhase.FAILED: (State.FAILED, "cannot be loaded: the log says why and what to do; tried again every 30 s"),
}


def examine_storage(store: ObjectStore, settings: Settings, check_lake: Callable[[], None]) -> Finding:
    """See that it is the same lake; write, read and delete an object in each of its places, and see the room left."""
    check_lake()
    for folder in ("", *(f"{name}/" for name in store.folders_elsewhere())):
        key = ObjectKey(f"{folder}.ready-{uuid.uuid4().hex}")
        store.write(key, b"well")
        if store.read(key) != b"well":
            raise StorageError(f"{settings.root}/{folder} gives back other bytes than were written: check the disk")
        store.delete(key)
    if isinstance(settings.root, RemoteRoot):
        return Finding()
    usage = shutil.disk_usage(settings.root)
    readings = (
        Reading("free_bytes", "Room left at the lake.", usage.free),
        Reading("size_bytes", "Room at the lake, taken or not.", usage.total),
    )
    return Finding(readings=readings)


def examine_tables(tables: ParquetTables) -> Finding:
    """Read the newest day's ids from gold."""
    days = tables.days(GOLD_IMAGES.name)
    readings = [Reading("partitions", "Days in gold.", len(days))]
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


def examine_keys(keys: KeyRing) -> Finding:
    """Read the keys; one that is damaged is refused, and keeps nobody else out."""
    keys.refresh()
    count = len(keys.damaged)
    readings = [Reading("damaged", "Records of keys that cannot be read.", count)]
    if count:
        return Finding(State.DEGRADED, f"{count} damaged and refused: the log says which", readings)
    return Finding(readings=readings)


def examine_configuration(store: ObjectStore) -> Finding:
    """Read the settings that are set in the lake."""
    version = version_of(read_configuration(store))
    return Finding(readings=[Reading("version", "Version of the settings set in the lake.", version)])


def examine_projection(search: ImageSearch, tables: ParquetTables) -> Finding:
    """Count all images by state in what lists and searches go by."""
    if not tables.days(GOLD_IMAGES.name):
        return Finding(detail="no day yet")
    if search.state == FollowedState.LOADING:
        return Finding(State.LOADING, "is being made; whoever asks waits for it")
    page = search.list_images(Wanted(), Order.NEWEST, 1, None, ["image_id"], ["state"])
    counts = page.facets["state"].counts if page.facets["state"] else ()
    readings = [Reading("images", "Images by state.", number, label=("state", str(value))) for value, number in counts]
    readings += [
        Reading("age_seconds", "Time since somebody looked whether the lake has changed.", search.age_s),
        Reading("refresh_seconds", "How long the last look took.", search.look_s),
    ]
    return Finding(readings=readings)


def examine_model(state: InferenceState) -> Finding:
    """Whether what waits for the model is being computed; one that loads is not stuck, however long that takes."""
    queue = state.queue
    readings = (
        Reading("queue_items", "Items on their way, from before they are decoded to their answer.", state.on_their_way),
        Reading("waiting_items", "Items that are decoded and in no batch yet.", queue.waiting),
        Reading("oldest_item_seconds", "Age of the oldest item that the model has not answered.", queue.oldest_s),
        Reading("batches", "Batches computed.", queue.batches, is_counter=True),
        Reading("computed_items", "Items computed.", queue.items, is_counter=True),
        Reading("item_seconds", "Seconds of the model per item, lately.", queue.seconds_per_item),
    )
    if state.phase in _WORDS:
        return Finding(*_WORDS[state.phase], readings)
    if queue.oldest_s > _STUCK_AFTER_S:
        return Finding(State.FAILED, f"stuck: the oldest item waits for {queue.oldest_s:.0f} s", readings)
    return Finding(readings=readings)
