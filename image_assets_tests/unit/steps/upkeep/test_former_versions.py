"""What a cloud keeps of erased images: removed where it can be, named in the certificate where it cannot.

Azurite keeps snapshots and tells of soft delete; it has no versions and holds nothing deleted back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import RetentionPolicy

from image_assets.compute.engine import SerialEngine
from image_assets.errors import ObjectKeptError
from image_assets.ids import ObjectKey
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.lake.azure.access_tiers import blob_name, container_of
from image_assets.lake.azure.account import AzureAccount, blob_service
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.opening import published_copies
from image_assets.settings import Settings
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.certificates import copies_of
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.steps.upkeep.former_versions import FormerVersions
from image_assets.tables.images import BRONZE_IMAGES
from image_assets_tests.servers.clouds import ACCOUNT, KEY, Cloud, shared_access, use

DAY = date(2026, 10, 1)


@pytest.fixture
def store(azurite: Cloud, monkeypatch: pytest.MonkeyPatch) -> RemoteObjectStore:
    use(azurite, monkeypatch)
    return RemoteObjectStore(azurite.new_root(), azurite.params)


@pytest.fixture
def tables(store: RemoteObjectStore, paint: Callable[..., bytes]) -> ParquetTables:
    """A day of two originals in Azure."""
    made = ParquetTables(store)
    for colour in ("red", "green"):
        store.write(ObjectKey(f"{object_keys.landing_prefix(DAY)}/anna/{colour}.jpg"), paint(colour))
    take_in_day(made, DAY, InspectParams(), SerialEngine(), chunk_size=16)
    return made


@pytest.fixture
def snapped(tables: ParquetTables, store: RemoteObjectStore) -> ParquetTables:
    """The day, of all of whose objects somebody took a snapshot."""
    for blob in list(container_of(store).list_blobs(name_starts_with=blob_name(store, ""))):
        container_of(store).get_blob_client(blob.name).create_snapshot()
    return tables


def snapshots(store: RemoteObjectStore) -> list[str]:
    start = blob_name(store, "")
    blobs = container_of(store).list_blobs(name_starts_with=start, include=["snapshots"])
    return sorted(blob.name[len(start) :] for blob in blobs if blob.snapshot)


def told_of(tables: ParquetTables, store: RemoteObjectStore) -> dict[str, Any]:
    """What the certificate says after the first image of the day was erased."""
    image_id = tables.read(BRONZE_IMAGES, DAY)["image_id"][0]
    erase(tables, find_remains(tables, image_id), "ticket 7", [FormerVersions(store)])
    assert not [name for name in snapshots(store) if image_id in name]
    return copies_of(tables, DAY, image_id).row(0, named=True)


def test_an_erasure_takes_snapshots_of_the_image_and_of_its_tables_along(
    snapped: ParquetTables, store: RemoteObjectStore
) -> None:
    before = [name for name in snapshots(store) if name.startswith("tables/")]
    assert told_of(snapped, store)["rows_removed"] == len(before) > 0
    left = snapshots(store)
    assert [name for name in left if name.startswith("tables/")] == []
    assert len([name for name in left if name.startswith(("bronze/", "landing/"))]) == 2


def test_whoever_only_deletes_is_told_that_there_are_snapshots(
    snapped: ParquetTables, store: RemoteObjectStore
) -> None:
    key = ObjectKey(snapped.read(BRONZE_IMAGES, DAY)["raw_path"][0])
    with pytest.raises(ObjectKeptError, match="has snapshots"):
        store.delete(key)
    assert store.exists(key)


def test_a_certificate_names_until_when_soft_delete_keeps_what_was_deleted(
    tables: ParquetTables, store: RemoteObjectStore
) -> None:
    with soft_delete(store, days=5):
        remains = told_of(tables, store)["remains"]
    until = {f"{datetime.now(UTC) + timedelta(days=5, minutes=past):%Y-%m-%d}" for past in (-1, 0)}
    assert any(f"what soft delete keeps, until {day}" in remains for day in until)


def test_a_certificate_says_that_nothing_is_held_back(tables: ParquetTables, store: RemoteObjectStore) -> None:
    assert "nothing by soft delete" in told_of(tables, store)["remains"]


def test_a_certificate_says_what_whoever_asked_may_not_know(tables: ParquetTables, store: RemoteObjectStore) -> None:
    token = shared_access("rwdl", timedelta(hours=1))
    asked = StorageParams(azure=AzureAccount(ACCOUNT, str(store.params.endpoint), "sas", token))
    assert "may not know" in told_of(tables, RemoteObjectStore(store.root, asked))["remains"]


def test_of_another_cloud_it_is_said_that_nobody_looked(s3_server: Cloud) -> None:
    reached = FormerVersions(RemoteObjectStore(s3_server.new_root())).erase("an id", DAY)  # type: ignore[arg-type]
    assert (reached.rows, str(reached.remains).split()[:2]) == (0, ["former", "versions"])


def test_erasures_go_to_the_lake_and_to_its_archive_in_a_cloud(azurite: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    use(azurite, monkeypatch)
    root, archive = azurite.new_root(), azurite.new_root()
    settings = Settings(root=root, archive_root=archive, storage_endpoint=azurite.params.endpoint)
    places = [copy.place for copy in published_copies(settings)]
    assert places == [f"what is kept of former objects in {each}" for each in (root, archive)]


@contextmanager
def soft_delete(store: RemoteObjectStore, days: int) -> Iterator[None]:
    account = AzureAccount(ACCOUNT, str(store.params.endpoint), "key", KEY)
    with blob_service(account, 20) as service:
        service.set_service_properties(delete_retention_policy=RetentionPolicy(enabled=True, days=days))
        try:
            yield
        finally:
            service.set_service_properties(delete_retention_policy=RetentionPolicy(enabled=False))
