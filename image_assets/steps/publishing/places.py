"""Where gold was ever published: remembered, so that an erasure by whoever was told less names what it misses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from image_assets.errors import ObjectNotFoundError, StorageError
from image_assets.ids import ImageId
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.records import read_record, write_record
from image_assets.steps.upkeep.erasure import Reached


@dataclass(frozen=True, slots=True)
class Places:
    """As certificates name them."""

    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnreachedCopy:
    """A `PublishedCopy` that nobody told this process how to reach."""

    place: str

    def erase(self, image_id: ImageId, day: date) -> Reached:  # noqa: ARG002 - nothing is asked there
        """See `PublishedCopy`."""
        told = "what was published there: set IMAGE_ASSETS_POSTGRES or IMAGE_ASSETS_DELTA as it was, and erase it again"
        return Reached(0, told)


def postgres_place(server: str) -> str:
    """How a database is named."""
    return f"PostgreSQL ({server})"


def delta_place(location: str) -> str:
    """How a folder of Delta tables is named."""
    return f"Delta tables ({location})"


def remember_place(store: ObjectStore, place: str) -> None:
    """Before the first row is there."""

    def remembered() -> None:
        version, known = store.version(object_keys.PUBLISHED_TO), remembered_places(store)
        if place not in known:
            write_record(store, object_keys.PUBLISHED_TO, Places((*known, place)), over=version)

    until_first(remembered)


def remembered_places(store: ObjectStore) -> Sequence[str]:
    """All of them, in the order in which they were first used."""
    try:
        return read_record(store, object_keys.PUBLISHED_TO, Places, StorageError, "delete it and publish again").places
    except ObjectNotFoundError:
        return ()
