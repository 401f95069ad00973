"""What Azure keeps of blobs that were replaced or deleted: snapshots, versions, and what soft delete holds back."""

from collections.abc import Callable, Iterator
from typing import Any

from azure.core.exceptions import AzureError

from image_assets.ids import ObjectKey
from image_assets.lake.azure.access_tiers import azure_explained, blob_name, container_of
from image_assets.lake.azure.account import blob_service
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.remote.client import account_of
from image_assets.lake.remote.names import key_of
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.lake.tiered_object_store import TieredObjectStore, hot_tier

_ALL = ["snapshots", "versions"]


def remove_former(store: RemoteObjectStore, prefix: str, is_wanted: Callable[[ObjectKey], bool]) -> int:
    """Remove snapshots and former versions of the wanted objects whose keys begin so; how many."""
    store.check()
    with azure_explained("delete former versions of", prefix, store.root):
        found = [blob for blob in _former(store, prefix) if is_wanted(_key(store, blob.name))]
        for blob in found:
            told = {"version_id": blob.version_id} if blob.version_id else {}
            container_of(store).get_blob_client(blob.name, snapshot=blob.snapshot).delete_blob(**told)
    return len(found)


def remove_snapshots(store: ObjectStore, key: ObjectKey) -> None:
    """Remove whatever keeps an object from being deleted, in whichever tier it lies."""
    archive = (store.archive,) if isinstance(store, TieredObjectStore) else ()
    for tier in (hot_tier(store), *archive):
        if isinstance(tier, RemoteObjectStore):
            remove_former(tier, key, lambda each: each == key)


def soft_delete_days(store: RemoteObjectStore) -> int | None:
    """For how many days the account keeps what was deleted; 0 where it does not, None where it does not tell."""
    try:
        with blob_service(account_of(store.params), store.params.timeout_s) as service:
            policy = service.get_service_properties()["delete_retention_policy"]
    except AzureError:
        # A signature of one container, or an identity that may only use blobs, is refused.
        return None
    return int(policy.days or 0) if policy.enabled else 0


def _former(store: RemoteObjectStore, prefix: str) -> Iterator[Any]:
    """Those that are not what a reader is given; a blob that was deleted is among them where versions are kept."""
    start = blob_name(store, prefix)
    for blob in container_of(store).list_blobs(name_starts_with=start, include=_ALL):
        if blob.snapshot or (blob.version_id and not blob.is_current_version):
            yield blob


def _key(store: RemoteObjectStore, name: str) -> ObjectKey:
    return key_of(name[len(blob_name(store, "")) :])
