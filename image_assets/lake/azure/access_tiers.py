"""Access tiers: what an object costs to keep and to read, and whether it can be read at once."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from azure.core.exceptions import AzureError, ResourceNotFoundError

from image_assets.errors import ConfigurationError, ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.lake.azure.account import blob_service
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.client import account_of
from image_assets.lake.remote.errors import explanation
from image_assets.lake.remote.names import key_of, name_of
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.lake.tiered_object_store import hot_tier

Tier: TypeAlias = Literal["Hot", "Cool", "Cold", "Archive"]
"""In the order in which keeping gets cheaper and reading dearer; of the last nothing can be read at once."""

_AT_ONCE: Final = 16
_BEING_REHYDRATED: Final = "BlobBeingRehydrated"


@dataclass(frozen=True, slots=True)
class Kept:
    """How an object is kept.

    Attributes:
        tier: the one that it is in.
        is_coming_back: whether it was asked back from the archive and is not there yet.
    """

    tier: Tier
    is_coming_back: bool


@dataclass(frozen=True, slots=True)
class AccessTiers:
    """Those of the objects of a lake in Azure."""

    store: RemoteObjectStore

    def kept(self, prefix: str) -> Mapping[ObjectKey, Kept]:
        """How each object below a prefix is kept."""
        with azure_explained("list", prefix, self.store.root):
            blobs = list(container_of(self.store).list_blobs(name_starts_with=f"{blob_name(self.store, prefix)}/"))
        start = len(blob_name(self.store, ""))
        return {key_of(blob.name[start:]): Kept(blob.blob_tier or "Hot", bool(blob.archive_status)) for blob in blobs}

    def move(self, keys: Iterable[ObjectKey], tier: Tier) -> None:
        """Put objects into a tier; out of the archive they come within hours."""
        self.store.check()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(lambda key: self._move(key, tier), keys))

    def _move(self, key: ObjectKey, tier: Tier) -> None:
        with azure_explained("move to another tier", key, self.store.root):
            try:
                client = container_of(self.store).get_blob_client(blob_name(self.store, key))
                client.set_standard_blob_tier(tier, rehydrate_priority="Standard")
            except AzureError as error:
                if getattr(error, "error_code", None) != _BEING_REHYDRATED:
                    raise


def tiers_of(store: ObjectStore) -> AccessTiers:
    """The access tiers of a lake.

    Raises:
        ConfigurationError: it is not in Azure.
    """
    store = hot_tier(store)
    if not (isinstance(store, RemoteObjectStore) and store.root.scheme == "az"):
        raise ConfigurationError("IMAGE_ASSETS_ARCHIVE_TIER is for a lake at az://…; unset it, or move the lake there")
    return AccessTiers(store)


@cache
def container_of(store: RemoteObjectStore) -> Any:
    """Azure's own client of the lake's container, once in each process."""
    service = blob_service(account_of(store.params), store.params.timeout_s)
    return service.get_container_client(store.root.container)


def blob_name(store: RemoteObjectStore, key: str) -> str:
    """What a key or the start of one is called in the container."""
    prefix = f"{store.root.prefix}/" if store.root.prefix else ""
    return f"{prefix}{name_of(key) if key else ''}"


@contextmanager
def azure_explained(verb: str, key: str, root: RemoteRoot) -> Iterator[None]:
    """Translate errors of Azure's own client into the family."""
    try:
        yield
    except ResourceNotFoundError as error:
        if getattr(error, "error_code", None) == "BlobNotFound":
            raise ObjectNotFoundError(f"cannot {verb} {key!r}: no such object", key=key) from error
        raise explanation(verb, key, root, error) from error
    except AzureError as error:
        raise explanation(verb, key, root, error) from error
