"""Files and rows agree, or those that do not are listed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from image_assets.ids import ObjectKey
from image_assets.steps.upkeep.reconciliation import Disagreement, reconcile, sweep_staging
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def day(scenario: "Scenario", paint: Callable[..., bytes]) -> "Scenario":
    """Two images, all derivatives made."""
    scenario.land("a.jpg", paint("red"))
    scenario.land("b.jpg", paint("blue"))
    scenario.take_in()
    scenario.derive()
    return scenario


def found(scenario: "Scenario", before: datetime = LATER) -> dict[str, Disagreement]:
    return {each.folder: each for each in reconcile(scenario.tables, before)}


def test_a_good_lake_has_no_orphans_and_no_ghosts(day: "Scenario") -> None:
    assert [(each.objects, each.orphans, each.ghosts) for each in found(day).values()] == [(2, (), ())] * 4


def test_an_empty_lake_agrees_with_itself(scenario: "Scenario") -> None:
    assert [each.objects for each in found(scenario).values()] == [0] * 4


@pytest.mark.parametrize(
    "key", ["bronze/2026/10/01/x.jpg", "silver/2026/10/01/x.jpg", "thumbnail/aa/x.webp", "watermarked/aa/x.jpg"]
)
def test_an_object_that_no_row_names_is_an_orphan(day: "Scenario", key: str) -> None:
    day.store.write(ObjectKey(key), b"forgotten")
    assert found(day)[key.split("/")[0]].orphans == (key,)


def test_a_young_object_may_belong_to_a_run_that_is_under_way(day: "Scenario") -> None:
    day.store.write(ObjectKey("silver/2026/10/01/x.jpg"), b"just made")
    assert found(day, datetime.now(UTC) - timedelta(hours=1))["silver"].orphans == ()


def test_an_object_of_a_chunk_that_waits_for_the_next_run_is_no_orphan(day: "Scenario") -> None:
    table = day.root / "tables" / "silver_images" / "2026-10-01.parquet"
    chunk = day.root / "tables" / "_checkpoints" / "silver_images" / "2026-10-01" / "1.parquet"
    chunk.parent.mkdir(parents=True, exist_ok=True)
    table.rename(chunk)
    assert found(day)["silver"].orphans == ()


def test_a_row_whose_object_is_gone_is_a_ghost(day: "Scenario") -> None:
    path = day.rows(SILVER_IMAGES)[0]["cleansed_path"]
    day.store.delete(path)
    assert found(day)["silver"].ghosts == (path,)


def test_an_upload_that_was_replaced_leaves_its_original_as_an_orphan(
    day: "Scenario", paint: Callable[..., bytes]
) -> None:
    before = {row["raw_path"] for row in day.rows(BRONZE_IMAGES)}
    day.land("a.jpg", paint("green"))
    day.take_in()
    after = {row["raw_path"] for row in day.rows(BRONZE_IMAGES)}
    assert set(found(day)["bronze"].orphans) == before - after


def test_what_a_killed_run_left_in_staging_is_swept(day: "Scenario") -> None:
    left = day.root / ".staging" / "0123" / "object"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert sweep_staging(day.tables, LATER) == 1
    assert not left.exists()


def test_what_is_being_written_is_not_swept(day: "Scenario") -> None:
    with day.store.writing(ObjectKey("tables/x.parquet")) as path:
        path.write_bytes(b"half")
        assert sweep_staging(day.tables, datetime.now(UTC) - timedelta(hours=1)) == 0
