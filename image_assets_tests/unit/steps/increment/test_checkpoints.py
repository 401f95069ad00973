"""A checkpoint that cannot be used is dropped: its rows are computed again, and nothing else is held up."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from image_assets.compute.engine import SerialEngine
from image_assets.errors import StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.lake.object_keys import checkpoint_prefix
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.silver import DERIVED_TABLES, derive_day
from image_assets.steps.increment.retries import count_rejections
from image_assets.steps.questions.plan import plan_day
from image_assets.steps.questions.stages import daily_stages
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.steps.upkeep.reconciliation import reconcile
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS
from image_assets.tables.rejections import rejections_of

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


def _garbled_behind(data: bytes) -> bytes:
    """The footer stays, the pages do not."""
    return data[:4] + bytes(len(data) // 3) + data[4 + len(data) // 3 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"no table",
    "half": lambda data: data[: len(data) // 2],
    "garbled": _garbled_behind,
}
EACH = pytest.mark.parametrize("damage", DAMAGES.values(), ids=list(DAMAGES))


@pytest.fixture
def interrupted(scenario: "Scenario", scenarios: ModuleType, paint: Paint) -> "Scenario":
    """Two images whose derivatives were made and not committed."""
    for colour in ("red", "blue"):
        scenario.land(f"anna/{colour}.jpg", paint(colour))
    scenario.take_in()
    # Six objects and three chunks, then the storage is gone.
    mortal = ParquetTables(scenarios.MortalStore(scenario.root, changes_left=[9]))
    with pytest.raises(StoreUnavailableError):
        derive_day(mortal, scenario.day, DerivativeParams(), SerialEngine(), chunk_size=16)
    assert len(chunks(scenario)) == 3
    return scenario


def chunks(scenario: "Scenario") -> list[ObjectKey]:
    prefixes = [checkpoint_prefix(table.name, scenario.day) for table in DERIVED_TABLES]
    return [info.key for prefix in prefixes for info in scenario.store.list(prefix)]


def spoil(scenario: "Scenario", damage: Callable[[bytes], bytes]) -> ObjectKey:
    """Damage the chunk of silver images."""
    (info,) = scenario.store.list(checkpoint_prefix(SILVER_IMAGES.name, scenario.day))
    scenario.store.write(info.key, damage(scenario.store.read(info.key)))
    return info.key


@EACH
def test_a_damaged_checkpoint_is_dropped_by_its_name_and_its_rows_are_computed_again(
    interrupted: "Scenario", damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    key = spoil(interrupted, damage)
    with caplog.at_level(logging.WARNING):
        reports = interrupted.derive()
    assert f"{key} is dropped" in caplog.text
    assert (reports[SILVER_IMAGES.name].computed, reports[THUMBNAILS.name].reused) == (2, 2)
    assert len(interrupted.rows(SILVER_IMAGES)) == 2
    assert chunks(interrupted) == []


@EACH
def test_a_damaged_checkpoint_of_rejections_is_dropped_too(
    interrupted: "Scenario", damage: Callable[[bytes], bytes]
) -> None:
    table = rejections_of(SILVER_IMAGES)
    interrupted.tables.write_file(
        ObjectKey(f"{checkpoint_prefix(table.name, interrupted.day)}/1.parquet"),
        table,
        interrupted.day,
        [table.schema.create_empty()],
    )
    (info,) = interrupted.store.list(checkpoint_prefix(table.name, interrupted.day))
    interrupted.store.write(info.key, damage(interrupted.store.read(info.key)))
    assert interrupted.derive()[SILVER_IMAGES.name].accepted == 2
    assert list(interrupted.store.list(checkpoint_prefix(table.name, interrupted.day))) == []


@pytest.mark.parametrize("name", ["empty", "text", "half"])
def test_whoever_only_looks_passes_a_damaged_checkpoint_over(interrupted: "Scenario", name: str) -> None:
    spoil(interrupted, DAMAGES[name])
    (need,) = [
        need
        for need in plan_day(interrupted.tables, daily_stages(interrupted.params)[:2], interrupted.day)
        if need.table == SILVER_IMAGES.name
    ]
    assert need.missing == 2
    assert [each.ghosts for each in reconcile(interrupted.tables, datetime.now(UTC))] == [()] * 4
    assert count_rejections(interrupted.tables, interrupted.day, [SILVER_IMAGES.name], ["corrupt"]) == 0


def test_an_erasure_takes_a_damaged_checkpoint_away_which_may_hold_the_image(interrupted: "Scenario") -> None:
    key = spoil(interrupted, DAMAGES["half"])
    image_id = interrupted.rows(BRONZE_IMAGES)[0]["image_id"]
    erase(interrupted.tables, find_remains(interrupted.tables, image_id), "ticket 7")
    assert not interrupted.store.exists(key)
