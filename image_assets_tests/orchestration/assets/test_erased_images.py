"""A day's run beside erasures: nothing is built on an image that another run brings back."""

from collections.abc import Callable
from datetime import date

import dagster as dg

from image_assets.ids import ImageId, ObjectKey
from image_assets.lake.object_keys import checkpoint_prefix
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.settings import Settings
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES

DAY = date(2026, 3, 15)


def test_what_a_killed_run_left_to_commit_of_an_erased_image_is_not_taken_in(
    full_copy: Settings,
    tables_of: Callable[[Settings], ParquetTables],
    execute_days: Callable[..., dg.ExecuteInProcessResult],
) -> None:
    tables = tables_of(full_copy)
    rows = tables.read(BRONZE_IMAGES, DAY)
    image_id = ImageId(rows["image_id"][0])
    chunk = ObjectKey(f"{checkpoint_prefix(BRONZE_IMAGES.name, DAY)}/late.parquet")
    with tables.store.writing(chunk) as path:
        rows.head(1).write_parquet(path)
        erase(tables, find_remains(tables, image_id), "ticket 7")
    assert execute_days(full_copy, DAY).success
    names = [table.name for table in (BRONZE_IMAGES, GOLD_IMAGES, REJECTED_IMAGES)]
    assert [table for table in names if image_id in tables.read_column(table, DAY, "image_id")] == []
    assert tables.read(BRONZE_IMAGES, DAY).height == rows.height - 1
