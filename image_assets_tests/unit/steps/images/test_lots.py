"""Into how many lots a day is cut, and what follows from it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from image_assets.compute.engine import SerialEngine
from image_assets.errors import TableError
from image_assets.ids import SourceUri
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.lots import WHOLE, Lot, lot_named, lots_of
from image_assets.lake.object_store import ObjectInfo
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.audits.day_audits import audit_uploads
from image_assets.steps.gold.rejections import gather_rejections
from image_assets.steps.gold.summary import summarise_day
from image_assets.steps.images.bronze import bronze_inputs, bronze_target, take_in_day
from image_assets.steps.images.landing import list_landing
from image_assets.steps.images.landing_lots import LandingZone
from image_assets.steps.images.lots import cut_day, day_lots, lots_to_be
from image_assets.steps.questions.plan import PlannedStage, plan_day
from image_assets.tables.chain import CHAIN
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets_tests.scenario import paint

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario


@dataclass(frozen=True, slots=True)
class ListingStore(LocalObjectStore):
    """Keeps which folders were listed."""

    listed: list[str] = field(compare=False)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self.listed.append(prefix)
        return LocalObjectStore.list(self, prefix)


NAMES = ["a.jpg", "a.jpg.json", "a.jpg.json.json", "caf%C3%A9.png", "cafe%CC%81.png.json", "b.json", "100%25.gif"]


def test_every_source_belongs_to_one_lot() -> None:
    for number in range(200):
        assert sum(lot.has(SourceUri(f"landing/2026-10-01/ann/{number}.jpg")) for lot in lots_of(7)) == 1


@pytest.mark.parametrize("beside", ["a.jpg.json", "a.jpg.json.json"])
def test_a_sidecar_is_in_the_lot_of_its_file(beside: str) -> None:
    for number in range(20):
        where = f"landing/2026-10-01/user{number}/"
        (lot,) = [lot for lot in lots_of(5) if lot.has(SourceUri(f"{where}a.jpg"))]
        assert lot.has(SourceUri(f"{where}{beside}"))


def test_a_sidecar_is_in_the_lot_of_its_file_however_accents_are_encoded() -> None:
    (lot,) = [lot for lot in lots_of(5) if lot.has(SourceUri("landing/2026-10-01/ann/caf%C3%A9.png"))]
    assert lot.has(SourceUri("landing/2026-10-01/ann/cafe%CC%81.png.json"))


def test_the_lots_of_a_landing_zone_are_the_landing_zone(scenario: "Scenario") -> None:
    for name in NAMES:
        scenario.store.write(object_keys.key_of(SourceUri(f"landing/{scenario.day}/ann/{name}")), b"{}")
    whole = list_landing(scenario.store, scenario.day)
    listed_once = LandingZone(scenario.store, scenario.day, 3)
    lots = [list_landing(scenario.store, scenario.day, lot) for lot in lots_of(3)]
    assert [listed_once.of(lot) for lot in lots_of(3)] == lots
    assert sorted(each.source_uri for lot in lots for each in lot.files) == sorted(
        each.source_uri for each in whole.files
    )
    assert frozenset().union(*(lot.sidecars for lot in lots)) == whole.sidecars


def test_a_file_whose_name_is_no_text_is_in_a_lot_as_it_is(scenario: "Scenario") -> None:
    scenario.store.write(object_keys.key_of(SourceUri(f"landing/{scenario.day}/ann/%FF.jpg")), b"{}")
    landing = LandingZone(scenario.store, scenario.day, 2)
    (found,) = [file for lot in lots_of(2) for file in landing.of(lot).files]
    assert found == list_landing(scenario.store, scenario.day).files[0]


PLANNED_DOOR = PlannedStage(CHAIN.stage("bronze"), [bronze_target(InspectParams())], bronze_inputs, None)
STEPS: dict[str, Callable[[ParquetTables, date], object]] = {
    "rejections": lambda tables, day: gather_rejections(tables, day, [BRONZE_IMAGES.name]),
    "summary": summarise_day,
    "conservation": lambda tables, day: audit_uploads(tables, day, datetime.now(UTC)),
    "plan": lambda tables, day: plan_day(tables, [PLANNED_DOOR], day),
}


@pytest.mark.parametrize("step", STEPS)
def test_who_sees_the_whole_day_lists_what_landed_once_into_however_many_lots_it_is_cut(
    scenario: "Scenario", step: str
) -> None:
    scenario.land("ann/red.jpg", paint())
    scenario.land("ann/none.jpg", b"no image")
    for lot in cut_day(scenario.tables, scenario.day, at_least=4):
        take_in_day(scenario.tables.at(lot), scenario.day, InspectParams(), SerialEngine(), chunk_size=16)
    scenario.tables.replace(GOLD_IMAGES, scenario.day, GOLD_IMAGES.no_rows)
    store = ListingStore(scenario.store.root, [])
    STEPS[step](ParquetTables(store), scenario.day)
    assert store.listed.count(object_keys.landing_prefix(scenario.day)) == 1


def test_a_day_is_taken_in_from_one_listing_of_all_its_lots(scenario: "Scenario") -> None:
    for number in range(8):
        scenario.land(f"ann/{number}.jpg", paint())
    lots, store = cut_day(scenario.tables, scenario.day, at_least=4), ListingStore(scenario.store.root, [])
    tables, landing = ParquetTables(store), LandingZone(store, scenario.day, 4)
    for lot in lots:
        take_in_day(tables.at(lot), scenario.day, InspectParams(), SerialEngine(), landing, chunk_size=16)
    assert store.listed.count(object_keys.landing_prefix(scenario.day)) == 1
    assert len(scenario.rows(BRONZE_IMAGES)) == 8


def test_a_small_day_is_one_lot_and_stays_one(scenario: "Scenario") -> None:
    scenario.land("ann/red.jpg", paint())
    assert cut_day(scenario.tables, scenario.day) == (WHOLE,)
    assert cut_day(scenario.tables, scenario.day, at_least=4) == (WHOLE,)


def test_a_day_is_cut_before_its_first_row_and_never_again(scenario: "Scenario") -> None:
    assert cut_day(scenario.tables, scenario.day, at_least=4) == lots_of(4)
    assert cut_day(scenario.tables, scenario.day, at_least=9) == day_lots(scenario.tables, scenario.day) == lots_of(4)


def test_what_a_day_would_be_cut_into_is_told_without_deciding_it(scenario: "Scenario") -> None:
    scenario.land("ann/red.jpg", paint())
    assert lots_to_be(scenario.tables, scenario.day, at_least=4) == lots_of(4)
    assert not scenario.store.exists(object_keys.lots_key(scenario.day))
    cut_day(scenario.tables, scenario.day, at_least=2)
    assert lots_to_be(scenario.tables, scenario.day, at_least=4) == lots_of(2)


def test_a_day_of_which_bronze_has_a_file_is_never_cut(scenario: "Scenario") -> None:
    scenario.land("ann/red.jpg", paint())
    scenario.take_in()
    assert cut_day(scenario.tables, scenario.day, at_least=4) == (WHOLE,)


def test_a_decision_that_was_lost_is_found_in_the_names_of_files(scenario: "Scenario") -> None:
    scenario.land("ann/red.jpg", paint())
    for lot in cut_day(scenario.tables, scenario.day, at_least=4):
        take_in_day(scenario.tables.at(lot), scenario.day, InspectParams(), SerialEngine(), chunk_size=16)
    scenario.store.delete(object_keys.lots_key(scenario.day))
    assert cut_day(scenario.tables, scenario.day) == day_lots(scenario.tables, scenario.day) == lots_of(4)


def test_a_decision_that_is_damaged_stops_the_day_and_says_what_to_write(scenario: "Scenario") -> None:
    scenario.store.write(object_keys.lots_key(scenario.day), b'{"lots": 0}')
    with pytest.raises(TableError, match="write"):
        cut_day(scenario.tables, scenario.day)


def test_a_decision_that_the_names_of_files_contradict_stops_the_day_before_anything_is_written(
    scenario: "Scenario",
) -> None:
    scenario.land("ann/red.jpg", paint())
    for lot in cut_day(scenario.tables, scenario.day, at_least=3):
        take_in_day(scenario.tables.at(lot), scenario.day, InspectParams(), SerialEngine(), chunk_size=16)
    scenario.store.write(object_keys.lots_key(scenario.day), b'{"lots": 2}')
    with pytest.raises(TableError, match=r'write \{"lots": 3\}'):
        cut_day(scenario.tables, scenario.day)


def test_a_lot_is_known_by_its_name() -> None:
    assert lot_named(Lot(3, 8).name) == Lot(3, 8)
    assert lot_named("2026-10-01") is None
