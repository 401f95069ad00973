"""Access tiers on Azurite, which puts blobs into them and takes them out again, though at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import httpx
import pytest

from image_assets.compute.engine import ProcessEngine, SerialEngine
from image_assets.errors import ConfigurationError, ObjectArchivedError, StorageError
from image_assets.ids import ObjectKey
from image_assets.imaging.derivatives import DerivativeParams, SilverParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.lake.azure.access_tiers import tiers_of
from image_assets.lake.azure.account import account_of_environment
from image_assets.lake.object_keys import landing_prefix
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.silver import derive_day
from image_assets.steps.upkeep.access_tiers import archive_old, restore_originals, told_when
from image_assets.steps.upkeep.archive import day_of_original
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.steps.upkeep.scrub import scrub
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.upkeep import TIERED_ORIGINALS
from image_assets_tests.servers.clouds import Cloud, use
from image_assets_tests.servers.identity import served

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

DAY, NOW = date(2026, 10, 1), datetime(2027, 3, 1, 12, tzinfo=UTC)
NEW_RECIPE = DerivativeParams(silver=SilverParams(quality=50))


@pytest.fixture
def tables(azurite: Cloud, monkeypatch: pytest.MonkeyPatch, paint: Callable[..., bytes]) -> ParquetTables:
    """A day of three originals in Azure."""
    use(azurite, monkeypatch)
    # Workers that began before do not have the variables: the account travels with the store.
    asked = replace(azurite.params, azure=account_of_environment(azurite.params.endpoint))
    made = ParquetTables(RemoteObjectStore(azurite.new_root(), asked))
    for colour in ("red", "green", "blue"):
        made.store.write(ObjectKey(f"{landing_prefix(DAY)}/anna/{colour}.jpg"), paint(colour))
    take_in_day(made, DAY, InspectParams(), SerialEngine(), chunk_size=16)
    derive_day(made, DAY, DerivativeParams(), SerialEngine(), chunk_size=16)
    return made


def tiers(tables: ParquetTables) -> set[str]:
    return {kept.tier for kept in tiers_of(tables.store).kept(object_keys.bronze_prefix(DAY)).values()}


def states(tables: ParquetTables) -> list[str]:
    return tables.read(TIERED_ORIGINALS, DAY)["state"].to_list()


@pytest.mark.parametrize("tier", ["cool", "cold"])
def test_what_is_cool_or_cold_is_read_under_its_key(tables: ParquetTables, tier: str) -> None:
    report = archive_old(tables, tier, 90, NOW)
    assert (report.days, report.moved, report.damaged) == (1, 3, ())
    assert tiers(tables) == {tier.capitalize()}
    assert all(tables.store.read(key) for key in tables.read(BRONZE_IMAGES, DAY)["raw_path"])
    assert archive_old(tables, tier, 90, NOW).moved == 0


def test_young_days_stay_hot(tables: ParquetTables) -> None:
    assert archive_old(tables, "archive", 90, datetime(2026, 12, 30, 23, tzinfo=UTC)).moved == 0
    assert tiers(tables) == {"Hot"}


def test_an_archived_original_stops_a_step_with_what_to_do_and_is_neither_lost_nor_rejected(
    tables: ParquetTables, workers: ProcessEngine
) -> None:
    archive_old(tables, "archive", 90, NOW)
    before = tables.read(SILVER_IMAGES, DAY)
    with pytest.raises(ObjectArchivedError, match="image-assets restore") as told:
        derive_day(tables, DAY, NEW_RECIPE, workers, chunk_size=16)
    assert f"image-assets restore --day {DAY}" in str(told_when(tables, told.value))
    assert tables.read(SILVER_IMAGES, DAY).equals(before)
    assert tables.read_or_empty(rejections_of(SILVER_IMAGES), DAY).is_empty()


def test_an_archived_original_is_whole_to_whoever_looks_for_damage(tables: ParquetTables) -> None:
    archive_old(tables, "archive", 90, NOW)
    assert scrub(tables, [DAY]).damages == ()


def test_what_is_asked_back_is_read_again_and_stays_until_it_is_as_old_again(
    tables: ParquetTables,
) -> None:
    archive_old(tables, "archive", 90, NOW)
    restored = restore_originals(tables, DAY, NOW)
    assert (restored.back, restored.coming, states(tables)) == (3, 0, ["restored"] * 3)
    (silver, *_) = derive_day(tables, DAY, NEW_RECIPE, SerialEngine(), chunk_size=16)
    assert (silver.computed, silver.rejected) == (3, 0)
    assert archive_old(tables, "archive", 90, NOW + timedelta(days=89)).moved == 0
    assert archive_old(tables, "archive", 90, NOW + timedelta(days=91)).moved == 3


def test_one_original_is_asked_back_alone(tables: ParquetTables) -> None:
    archive_old(tables, "archive", 90, NOW)
    image_id = tables.read(BRONZE_IMAGES, DAY)["image_id"][1]
    assert restore_originals(tables, day_of_original(tables, image_id), NOW, [image_id]).back == 1
    assert tiers(tables) == {"Archive", "Hot"}


def test_what_is_on_its_way_back_says_when_it_is_ready_as_azure_lists_it_which_azurite_does_not(
    tables: ParquetTables,
) -> None:
    archive_old(tables, "archive", 90, NOW)
    with slow_to_come_back(tables) as slow:
        first = restore_originals(slow, DAY, NOW)
        assert (first.back, first.coming, first.ready_by) == (0, 3, NOW + timedelta(hours=15))
        assert restore_originals(slow, DAY, NOW + timedelta(hours=1)).ready_by == first.ready_by
        assert states(slow) == ["restoring"] * 3
        assert archive_old(slow, "archive", 90, NOW).moved == 0
    key = ObjectKey(tables.read(BRONZE_IMAGES, DAY)["raw_path"][0])
    told = told_when(tables, ObjectArchivedError("it is archived", key=key))
    assert str(told) == "it is archived; it was asked back, ready by 2027-03-02 03:00 UTC"
    assert restore_originals(tables, DAY, NOW + timedelta(hours=9)).back == 3


def test_an_original_that_is_not_what_bronze_says_stays_hot_and_is_named(tables: ParquetTables) -> None:
    key = ObjectKey(tables.read(BRONZE_IMAGES, DAY)["raw_path"][0])
    tables.store.write(key, b"bit rot")
    report = archive_old(tables, "archive", 90, NOW)
    assert (report.moved, report.damaged) == (2, (key,))
    assert tiers_of(tables.store).kept(object_keys.bronze_prefix(DAY))[key].tier == "Hot"


def test_an_original_that_is_gone_is_not_said_to_be_coming(tables: ParquetTables) -> None:
    archive_old(tables, "archive", 90, NOW)
    tables.store.delete(ObjectKey(tables.read(BRONZE_IMAGES, DAY)["raw_path"][0]))
    with pytest.raises(StorageError, match="no such object"):
        restore_originals(tables, DAY, NOW)


def test_erasing_reaches_what_is_archived(tables: ParquetTables) -> None:
    archive_old(tables, "archive", 90, NOW)
    image_id = tables.read(BRONZE_IMAGES, DAY)["image_id"][0]
    erase(tables, find_remains(tables, image_id), "ticket 7")
    assert len(tiers_of(tables.store).kept(object_keys.bronze_prefix(DAY))) == 2
    assert tables.read(TIERED_ORIGINALS, DAY).height == 2


def test_a_lake_in_a_folder_has_no_access_tiers(scenario: "Scenario", paint: Callable[..., bytes]) -> None:
    scenario.land("anna/red.jpg", paint("red"))
    scenario.take_in()
    with pytest.raises(ConfigurationError, match="IMAGE_ASSETS_ARCHIVE_TIER"):
        archive_old(scenario.tables, "cool", 90, NOW)


@contextmanager
def slow_to_come_back(tables: ParquetTables) -> Iterator[ParquetTables]:
    """The lake as a service shows it in which what comes back from the archive takes its time."""
    assert isinstance(tables.store, RemoteObjectStore)
    endpoint, root = str(tables.store.params.endpoint), tables.store.root
    host, _, account = endpoint.removeprefix("http://").partition("/")

    class Slow(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = httpx.request(self.command, f"http://{host}{self.path}", headers=headers, content=sent)
            body = answer.content
            if "comp=list" in self.path and "bronze" in self.path:
                coming = b"<AccessTier>Archive</AccessTier><ArchiveStatus>rehydrate-pending-to-hot</ArchiveStatus>"
                body = body.replace(b"<AccessTier>Hot</AccessTier>", coming)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in {"content-length", "transfer-encoding", "connection", "keep-alive"}:
                    self.send_header(name, value)
            self.send_header(
                "Content-Length",
                answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body)),
            )
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass_on

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its parent calls it
            pass

    with served(Slow) as address:
        yield ParquetTables(RemoteObjectStore(root, StorageParams(f"{address}/{account}", retries=0)))
