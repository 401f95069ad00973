"""The frame of a daily asset: what the settings say of all of them, and the loop over a run's days."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import dagster as dg

from image_assets.compute.engine import Engine
from image_assets.configuration import configured
from image_assets.errors import ImageAssetsError, ObjectArchivedError, StoreUnavailableError
from image_assets.lake.lots import WHOLE, Lot
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.chosen_lots import chosen_lots
from image_assets.orchestration.keys import Group
from image_assets.orchestration.metadata.counts import Metadata, column_schema, describe_gallery
from image_assets.orchestration.metadata.lineage import describe_lineage
from image_assets.orchestration.partitions import BACKFILL_POLICY
from image_assets.orchestration.resources import EncoderResource
from image_assets.orchestration.runs.bad_days import name_bad_days
from image_assets.settings import Settings
from image_assets.steps.images.lots import day_lots
from image_assets.steps.increment.increment import IncrementReport, of_all_lots
from image_assets.steps.upkeep.access_tiers import told_when
from image_assets.tables.chain import Chain
from image_assets.tables.table import Table

# For display: any day of an asset satisfies it. The check `yesterday_is_there` looks at the day itself.
_FRESH = dg.FreshnessPolicy.cron(deadline_cron="0 3 * * *", lower_bound_delta=timedelta(days=1))
_RETRIES, _RETRY_AFTER_S = 3, 15.0
_log = logging.getLogger(__name__)

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Daily:
    """What the settings say of every daily asset.

    Attributes:
        partitions: the days.
        chain: what each table is made from.
        settings: those of the environment; a step asks its run for those in force.
    """

    partitions: dg.DailyPartitionsDefinition
    chain: Chain
    settings: Settings

    def spec(
        self,
        name: str,
        description: str,
        *,
        group: Group,
        kinds: set[str],
        deps: Iterable[str] = (),
        version: str | None = None,
    ) -> dg.AssetSpec:
        """The spec of a daily asset."""
        return dg.AssetSpec(
            key=name,
            description=description,
            deps=list(deps),
            group_name=group.value,
            kinds=kinds,
            owners=[self.settings.owner],
            code_version=version,
            partitions_def=self.partitions,
        )

    def table_spec(self, table: Table, *, group: Group, kinds: set[str], version: str) -> dg.AssetSpec:
        """The spec of the asset that makes a table, named like the table."""
        deps, kinds = self.chain.stage(table.name).reads, {"parquet", *kinds}
        spec = self.spec(table.name, table.description, group=group, kinds=kinds, deps=deps, version=version)
        return spec.merge_attributes(
            metadata={"dagster/column_schema": column_schema(table, spec), "dagster/table_name": table.name}
        )

    def asset(
        self, spec: dg.AssetSpec, step: "Step", *, needs: Collection[str] = (), pool: str | None = None
    ) -> dg.AssetsDefinition:
        """The asset that a step makes day by day; `needs` names resources besides the lake: workers, gpu."""
        name = spec.key.to_user_string()
        return self.assets(name, [spec], lambda run, day: {name: step(run, day)}, needs=needs, pool=pool)

    def assets(
        self,
        name: str,
        specs: Iterable[dg.AssetSpec],
        steps: "Steps",
        *,
        needs: Collection[str] = (),
        pool: str | None = None,
        can_subset: bool = False,
    ) -> dg.AssetsDefinition:
        """The assets that a step makes together."""

        @dg.multi_asset(
            name=name,
            specs=[spec.replace_attributes(skippable=can_subset, freshness_policy=_FRESH) for spec in specs],
            backfill_policy=BACKFILL_POLICY,
            pool=pool,
            can_subset=can_subset,
            required_resource_keys={"lake", "progress", *needs},
        )
        def daily_assets(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
            yield from _run_days(context, steps, AssetRun(name, context, self.settings))

        return daily_assets


@dataclass(frozen=True)
class AssetRun:
    """One run of an asset: what its step shares between the days.

    Attributes:
        name: of the asset, or of the step that makes several.
        context: Dagster's.
        base: the settings of the environment.
    """

    name: str
    context: dg.AssetExecutionContext
    base: Settings
    _made: dict[Callable[..., object], object] = field(default_factory=dict)

    @cached_property
    def tables(self) -> ParquetTables:
        """The lake's tables, opened once."""
        return cast("ParquetTables", self.context.resources.lake.tables)

    @cached_property
    def settings(self) -> Settings:
        """The settings in force when the step began: a code server stays for weeks, and they may change meanwhile."""
        return configured(self.base, self.tables.store)

    @property
    def engine(self) -> Engine:
        """Worker processes."""
        return cast("Engine", self.context.resources.workers.engine)

    @property
    def gpu(self) -> EncoderResource:
        """The encoder and where it computes."""
        return cast("EncoderResource", self.context.resources.gpu)

    def wants(self, asset: str) -> bool:
        """Whether an asset was asked for, where they can be had one by one."""
        return dg.AssetKey(asset) in self.context.selected_asset_keys

    def work(self, step: Callable[..., IncrementReport], day: date, *asked: object, **more: object) -> IncrementReport:
        """Bring a day in line by a step that works image by image, lot after lot."""
        return of_all_lots(self.work_lots(step, day, *asked, **more))

    def work_lots(self, step: Callable[..., T], day: date, *asked: object, **more: object) -> list[T]:
        """The same, for a step that says something else of each lot."""
        return [self._work(step, lot, day, *asked, **more) for lot in self.lots(day)]

    def lots(self, day: date) -> Sequence[Lot]:
        """Those of the day that this run is for."""
        return chosen_lots(self.context.run.tags, day_lots(self.tables, day))

    def _work(self, step: Callable[..., T], lot: Lot, day: date, *asked: object, **more: object) -> T:
        """The step commits in chunks and shows how far it is."""
        told = f"{self.name} {day}" if lot == WHOLE else f"{self.name} {day} {lot.number + 1}/{lot.of}"
        track = self.context.resources.progress.track(told)
        return step(self.tables.at(lot), day, *asked, **more, chunk_size=self.base.chunk_size, on_progress=track)

    def once(self, make: Callable[P, T], *asked: P.args, **more: P.kwargs) -> T:
        """What `make` makes, on the first day that needs it, where its errors are told; the same for all days."""
        if make not in self._made:
            self._made[make] = make(*asked, **more)
        return cast("T", self._made[make])


Step: TypeAlias = Callable[[AssetRun, date], Metadata]
"""Makes a day of an asset and says what the materialization shows."""

Steps: TypeAlias = Callable[[AssetRun, date], Mapping[str, Metadata]]
"""Makes a day of some assets and says what each materialization shows."""


def _run_days(context: dg.AssetExecutionContext, steps: Steps, run: AssetRun) -> Iterator[dg.MaterializeResult[Any]]:
    """Make each day of the run.

    A day that meets a broken world does not hold the days after it, and the days that did finish are recorded.
    """
    failed: dict[str, ImageAssetsError] = {}
    finished: dict[str, Mapping[str, Metadata]] = {}
    lineage = {spec.key.to_user_string(): describe_lineage(spec) for spec in context.assets_def.specs}
    for key in context.partition_keys:
        try:
            shown = steps(run, date.fromisoformat(key))
            gallery = describe_gallery(run.settings.gallery_url(date.fromisoformat(key)))
            finished[key] = {asset: {**described, **lineage[asset], **gallery} for asset, described in shown.items()}
        except ImageAssetsError as error:
            failed[key] = told_when(run.tables, error) if isinstance(error, ObjectArchivedError) else error
            _log.error("%s failed: %s", key, failed[key])
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
