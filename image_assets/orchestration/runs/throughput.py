"""How fast recent runs were, as they recorded it in Dagster: what a plan's estimate rests on."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import dagster as dg

from image_assets.orchestration.runs.history import days_of_run

_TIMED, _LOOKED_AT, _PAGE = 30, 500, 50
_RUNS, _RUNS_LOOKED_AT = 5, 50


@dataclass(frozen=True, slots=True)
class Throughput:
    """What is known of the speed of this machine.

    Attributes:
        images_per_second: by asset, over the last materializations that computed anything.
        of_former_recipes: assets that the wanted recipe has not made yet; their speed is that of another one.
        seconds_per_day: what a day of a run takes besides: checks, reports, Dagster itself; None while unknown.
    """

    images_per_second: Mapping[str, float]
    of_former_recipes: frozenset[str]
    seconds_per_day: float | None


def recent_throughput(instance: dg.DagsterInstance, recipes: Mapping[str, str]) -> Throughput:
    """What recent runs recorded of the assets, given with their wanted recipe's version."""
    speeds, former = {}, set()
    for asset, recipe in recipes.items():
        timed = list(islice(_timed(instance, asset), _TIMED))
        wanted = [made for made in timed if _said(made, "recipe_versions") == recipe]
        if timed and not wanted:
            former.add(asset)
        if chosen := wanted or timed:
            images = sum(_number(made, "computed") for made in chosen)
            speeds[asset] = images / sum(_number(made, "seconds") for made in chosen)
    return Throughput(speeds, frozenset(former), _seconds_per_day(instance, recipes))


def _timed(instance: dg.DagsterInstance, asset: str) -> Iterator[dg.AssetMaterialization]:
    """Materializations that computed anything, the latest first; those of unchanged days may be many."""
    cursor = None
    for _ in range(0, _LOOKED_AT, _PAGE):
        page = instance.fetch_materializations(dg.AssetKey(asset), limit=_PAGE, cursor=cursor)
        for record in page.records:
            made = record.asset_materialization
            if made and _number(made, "computed") and _number(made, "seconds"):
                yield made
        if not page.has_more:
            break
        cursor = page.cursor


def _seconds_per_day(instance: dg.DagsterInstance, assets: Collection[str]) -> float | None:
    """Duration of runs that made all of the assets, less what their steps say of themselves."""
    succeeded = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
    seconds, days, runs = 0.0, 0, 0
    for record in instance.get_run_records(succeeded, limit=_RUNS_LOOKED_AT):
        run_days = days_of_run(record.dagster_run.tags)
        if not run_days or not record.start_time or not record.end_time:
            continue
        steps = _seconds_of_steps(instance, record.dagster_run.run_id, assets)
        if steps is not None:
            seconds += record.end_time - record.start_time - steps
            days, runs = days + len(run_days), runs + 1
        if runs == _RUNS:
            break
    return seconds / days if days else None


def _seconds_of_steps(instance: dg.DagsterInstance, run_id: str, assets: Collection[str]) -> float | None:
    """None when the run did not make all of the assets; those of one pass over the images count once."""
    seconds: dict[tuple[str | None, str | None], float] = {}
    made_assets = set()
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
        if made := entry.asset_materialization:
            step = entry.step_key, made.partition
            seconds[step] = max(seconds.get(step, 0.0), _number(made, "seconds"))
            made_assets.add(made.asset_key.to_user_string())
    return sum(seconds.values()) if made_assets.issuperset(assets) else None


def _number(made: dg.AssetMaterialization, name: str) -> float:
    value = made.metadata[name].value if name in made.metadata else 0
    return value if isinstance(value, int | float) else 0


def _said(made: dg.AssetMaterialization, name: str) -> object:
    return made.metadata[name].value if name in made.metadata else None
