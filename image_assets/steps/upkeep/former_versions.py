"""What an erasure reaches of former versions that a cloud keeps, and what its certificate names of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from image_assets.ids import ImageId, ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.steps.upkeep.erasure import Reached

_NOT_LOOKED_FOR: Final = "former versions and what is kept of deleted objects, where the container keeps any"
_OF_MANY: Final = (object_keys.GALLERY, object_keys.WAREHOUSE, object_keys.DIGESTS)
_UPLOAD: Final = "former versions of the upload below landing/, if there are any"


@dataclass(frozen=True, slots=True)
class FormerVersions:
    """A `PublishedCopy`: nobody published it, and it holds what was erased all the same.

    Attributes:
        store: the lake, or its archive.
    """

    store: RemoteObjectStore

    @property
    def place(self) -> str:
        """See `PublishedCopy`."""
        return f"what is kept of former objects in {self.store.root}"

    def erase(self, image_id: ImageId, day: date) -> Reached:
        """See `PublishedCopy`; of tables and reports of the day, which held it among others, no former one stays."""
        if self.store.root.scheme != "az":
            return Reached(0, _NOT_LOOKED_FOR)
        try:
            from image_assets.lake.azure.former_versions import remove_former, soft_delete_days
        except ModuleNotFoundError:
            return Reached(0, f"{_NOT_LOOKED_FOR}: image-assets[azure] is not installed")
        removed = sum(
            remove_former(self.store, prefix, lambda key: _held(key, image_id, day))
            for prefix in _prefixes(image_id, day)
        )
        return Reached(removed, f"{_UPLOAD}; {_soft_deleted(soft_delete_days(self.store))}")


def _prefixes(image_id: ImageId, day: date) -> Sequence[str]:
    made = object_keys.silver_key(day, image_id), object_keys.thumbnail_key(image_id), object_keys.preview_key(image_id)
    folders = object_keys.bronze_prefix(day), object_keys.TABLES, object_keys.report_prefix(day), object_keys.INDEX
    return (*made, *folders, *_OF_MANY)


def _held(key: ObjectKey, image_id: ImageId, day: date) -> bool:
    """Whether it was made of the image, or held it among others."""
    is_made_of_it = image_id in key
    is_of_the_day = key.startswith(f"{object_keys.TABLES}/") and day.isoformat() in key
    is_of_all = key.startswith((f"{object_keys.INDEX}/", f"{object_keys.report_prefix(day)}/"))
    return is_made_of_it or is_of_the_day or is_of_all or key in _OF_MANY


def _soft_deleted(days: int | None) -> str:
    if days is None:
        return "what soft delete keeps, if the account has it, of which whoever asks may not know"
    if days == 0:
        return "nothing by soft delete"
    return f"what soft delete keeps, until {datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"
