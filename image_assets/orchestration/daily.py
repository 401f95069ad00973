"""What all daily assets share: partitions, backfill policy and owners, and the loop over a run's days."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from image_assets.errors import ImageAssetsError, StoreUnavailableError
from image_assets.orchestration.metadata.counts import Metadata, column_schema
from image_assets.orchestration.metadata.lineage import describe_lineage
from image_assets.orchestration.partitions import BACKFILL_POLICY
from image_assets.orchestration.runs.bad_days import name_bad_days
from image_assets.tables.table import Table

_RETRIES, _RETRY_AFTER_S = 3, 15.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Daily:
    """What the settings say of every daily asset."""

    partitions: dg.DailyPartitionsDefinition
    owner: str

    def spec(
        self,
        name: str,
        description: str,
        *,
        group: str,
        kinds: set[str],
        deps: Iterable[str | dg.AssetDep],
        code_version: str | None = None,
    ) -> dg.AssetSpec:
        """The spec of a daily asset."""
        return dg.AssetSpec(
            key=name,
            description=description,
            deps=list(deps),
            group_name=group,
            kinds=kinds,
            owners=[self.owner],
            code_version=code_version,
            partitions_def=self.partitions,
        )

    def table_spec(
        self, table: Table, *, group: str, kinds: set[str], deps: Iterable[str | dg.AssetDep], code_version: str
    ) -> dg.AssetSpec:
        """The spec of the asset that makes a table, named like the table."""
        spec = self.spec(
            table.name,
            table.description,
            group=group,
            kinds={"parquet", *kinds},
            deps=deps,
            code_version=code_version,
        )
        return spec.merge_attributes(
            metadata={"dagster/column_schema": column_schema(table, spec), "dagster/table_name": table.name}
        )


def daily_asset(
    *specs: dg.AssetSpec, name: str, pool: str | None = None, can_subset: bool = False
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Decorate a function that makes the specs' tables for the days of a run."""
    return dg.multi_asset(
        name=name,
        specs=[spec.replace_attributes(skippable=can_subset) for spec in specs],
        backfill_policy=BACKFILL_POLICY,
        pool=pool,
        can_subset=can_subset,
    )


def run_days(
    context: dg.AssetExecutionContext, step: Callable[[date], Mapping[str, Metadata]]
) -> Iterator[dg.MaterializeResult[Any]]:
    """Run a step, which returns metadata by asset, for each day of the run.

    A day that meets a broken world does not hold the days after it, and the days that did finish are recorded.
    """
    failed: dict[str, ImageAssetsError] = {}
    finished: dict[str, Mapping[str, Metadata]] = {}
    lineage = {spec.key.to_user_string(): describe_lineage(spec) for spec in context.assets_def.specs}
    for key in context.partition_keys:
        try:
            shown = step(date.fromisoformat(key))
            finished[key] = {asset: {**described, **lineage[asset]} for asset, described in shown.items()}
        except ImageAssetsError as error:
            _log.error("%s failed: %s", key, error)
            failed[key] = error
    if failed:
        _record(context, finished)
        raise _failure(failed, name_bad_days(failed))
    for key, metadata in finished.items():
        for asset, described in metadata.items():
            context.add_asset_metadata(described, asset_key=asset, partition_key=key)
    yield from (dg.MaterializeResult(asset_key=asset) for asset in context.selected_asset_keys)


@contextmanager
def explained() -> Iterator[None]:
    """Turn our errors into Dagster's: their message says what, where and what to do, so no trace is needed."""
    problem: ImageAssetsError | None = None
    try:
        yield
    except ImageAssetsError as error:
        problem = error
    if problem is not None:
        raise _failure({"failed": problem}, {})


def _record(context: dg.AssetExecutionContext, finished: Mapping[str, Mapping[str, Metadata]]) -> None:
    # A failed step emits nothing of its own, so that finished days would look as if they had never run.
    for key, metadata in finished.items():
        for asset, described in metadata.items():
            context.log_event(dg.AssetMaterialization(asset, partition=key, metadata=described))


def _failure(failed: Mapping[str, ImageAssetsError], metadata: Mapping[str, dg.MetadataValue]) -> Exception:
    """Retry while the storage does not answer; anything else needs a person."""
    description = "\n".join(f"{key}: {error}" for key, error in failed.items())
    failure = dg.Failure(description=description, metadata=metadata, allow_retries=False)
    if not all(isinstance(error, StoreUnavailableError) for error in failed.values()):
        return failure
    _log.warning("will be tried again: %s", description)
    request = dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=_RETRY_AFTER_S)
    # After the last try Dagster shows the words of the cause.
    request.__cause__ = failure
    return request
