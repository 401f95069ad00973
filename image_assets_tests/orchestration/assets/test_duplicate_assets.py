"""How duplicates show in Dagster."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from image_assets.settings import Settings

DAY, NEXT = date(2026, 3, 15), date(2026, 3, 16)


def test_a_materialization_counts_kinds_and_shows_each_pair(
    full_copy: Settings,
    land: Callable[..., Path],
    draw_picture: Callable[[int], bytes],
    execute_days: Callable[..., dg.ExecuteInProcessResult],
    metadata_of: Callable[[dg.ExecuteInProcessResult], dict[tuple[str, str], dict[str, Any]]],
) -> None:
    land(full_copy.root, NEXT, "again.jpg", draw_picture(0))
    run = execute_days(full_copy, NEXT)
    assert run.success
    told = metadata_of(run)["duplicate_images", str(NEXT)]
    assert (told["unique"], told["exact"], told["label_conflicts"]) == (3, 1, 0)
    assert told["contact_sheet"].startswith("![2 of 2](data:image/jpeg;base64,")


@pytest.mark.parametrize("name", ["conservation", "label_conflicts", "schema"])
def test_every_check_of_duplicates_passes_on_a_good_day(first_run: dg.ExecuteInProcessResult, name: str) -> None:
    found = [each for each in first_run.get_asset_check_evaluations() if each.asset_key.path == ["duplicate_images"]]
    assert [each.passed for each in found if each.check_name == name and each.partition == str(DAY)] == [True]
