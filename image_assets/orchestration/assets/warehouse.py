"""The warehouse: one DuckDB file over all days, for any SQL or BI client."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg

from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.warehouse import refresh_warehouse
from image_assets.orchestration.daily import explained
from image_assets.orchestration.keys import Group
from image_assets.orchestration.lake_asset import lake_asset, lake_spec
from image_assets.orchestration.resources import LakeResource
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES
from image_assets.tables.table import Table

WAREHOUSE = "warehouse"

# It follows its inputs by itself; that some days of theirs are missing is the normal case. Dagster's own condition on
# checks is content with one day that passed: here none may have failed, nor wait for its result.
_HELD = dg.AutomationCondition.check_failed() | dg.AutomationCondition.in_progress()
FOLLOWS = (
    dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
    & ~dg.AutomationCondition.any_deps_match(dg.AutomationCondition.any_checks_match(_HELD, blocking_only=True))
)


def warehouse_assets(owner: str, lake_tables: Callable[[ParquetTables], Sequence[Table]]) -> list[dg.AssetsDefinition]:
    """`warehouse`, over the tables that `lake_tables` finds."""
    said = "One DuckDB file: views on every table and a copy of gold, for any SQL or BI client."
    deps = [DAILY_SUMMARY.name, GOLD_IMAGES.name, REJECTED_IMAGES.name, IMAGE_EMBEDDINGS]
    spec = lake_spec(WAREHOUSE, said, owner, group=Group.SERVING, kinds={"duckdb"}, deps=deps, follows=FOLLOWS)

    @lake_asset(spec)
    def warehouse(lake: LakeResource) -> Iterator[dg.MaterializeResult[Any]]:
        with explained():
            is_changed = refresh_warehouse(lake.tables, lake_tables(lake.tables), copies=[GOLD_IMAGES])
        outcome, uri = "rebuilt" if is_changed else "unchanged", lake.tables.store.uri(object_keys.WAREHOUSE)
        yield dg.MaterializeResult(metadata={"outcome": outcome, "dagster/uri": uri})

    return [warehouse]
