"""`plan`: what a run would compute, before it is run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import groupby

import click
from rich.progress import track

from image_assets.cli.chosen_days import DayChoice, only_option
from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.cli.period import days_between, period, period_options
from image_assets.errors import TableError
from image_assets.opening import day_stages, open_lake
from image_assets.orchestration.instance.dagster_home import CONFIG_FILE, find_dagster_home, has_dagster_home
from image_assets.steps.questions.plan import Need, PlannedStage, estimate_seconds, known_days, plan_day
from image_assets.steps.questions.stages import stage_targets

_COUNTED = ("table", "new", "stale", "awaited", "images_per_s")


@dataclass(frozen=True, slots=True)
class _Pace:
    """Images per second by table, those of them that another recipe has made, and seconds that a day takes besides."""

    speeds: Mapping[str, float]
    of_former_recipes: Collection[str]
    seconds_per_day: float | None

    def seconds(self, needs: Sequence[Need]) -> float:
        return estimate_seconds(needs, self.speeds, self.seconds_per_day)


@click.command()
@period_options(otherwise="every day with uploads or tables")
@only_option
@json_option
def plan(day: datetime | None, first: datetime | None, last: datetime | None, only: str | None) -> None:
    """What a run would compute, and about how long it would take; computes nothing."""
    asked, settings = period(day, first, last), settings_of_lake()
    if only == "failed":
        find_dagster_home()
    tables = open_lake(settings)
    stages = day_stages(settings, tables)
    days = days_between(*asked) if asked else known_days(tables)
    pace, failed = _remembered(stages, days)
    needs = _needs(stages, days, DayChoice(only, tables, failed))
    if not needs:
        which = f": {only}" if only else ""
        CONSOLE.print(f"found nothing to compute: 0 of {len(days)} days{which}", highlight=False)
        return
    _print_tables(needs, pace)
    _print_days(needs, pace, failed)
    _print_total(needs, pace, len(days))


def _remembered(stages: Sequence[PlannedStage], days: Collection[date]) -> tuple[_Pace, set[date]]:
    """The pace of recent runs, and the days whose last run failed; both unknown where there is no Dagster."""
    if not has_dagster_home():
        CONSOLE.print(f"no {CONFIG_FILE} here: what recent runs took, and which failed, is not known", highlight=False)
        return _Pace({}, (), None), set()
    from image_assets.orchestration.instance.opening import open_instance
    from image_assets.orchestration.runs.history import failed_days
    from image_assets.orchestration.runs.throughput import recent_throughput

    targets = {target.table.name: target.recipe_version for target in stage_targets(stages)}
    assets = {target.table.name: target.table.asset for target in stage_targets(stages)}
    with open_instance() as instance:
        recent = recent_throughput(instance, {assets[table]: recipe for table, recipe in targets.items()})
        failed = failed_days(instance, days)
    speeds = {
        table: recent.images_per_second[asset] for table, asset in assets.items() if asset in recent.images_per_second
    }
    former = [table for table, asset in assets.items() if asset in recent.of_former_recipes]
    return _Pace(speeds, former, recent.seconds_per_day), failed


def _needs(stages: Sequence[PlannedStage], days: Sequence[date], choice: DayChoice) -> list[Need]:
    """What the chosen days lack; without a choice, the days that lack something."""
    needs: list[Need] = []
    for day in track(days, "comparing", console=CONSOLE, transient=True):
        try:
            found = plan_day(choice.tables, stages, day, choice.reasons)
            if choice.takes(day, partial(list, found)):
                needs += found
        except TableError as error:
            CONSOLE.print(f"{day} cannot be planned: {error}", style="red", markup=False)
    return needs


def _print_tables(needs: Sequence[Need], pace: _Pace) -> None:
    rows: list[tuple[object, ...]] = []
    data: list[dict[str, object]] = []
    for name in dict.fromkeys(need.table for need in needs):
        mine = [need for need in needs if need.table == name]
        counts = [sum(each) for each in zip(*((n.missing, n.stale, n.awaited) for n in mine), strict=True)]
        own = replace(pace, seconds_per_day=None)
        known = (name, *counts, pace.speeds.get(name))
        rows.append((_shown(name), *known[1:], _duration(mine, own)))
        data.append({**dict(zip(_COUNTED, known, strict=True)), "about_s": _seconds(mine, own)})
    if needs:
        besides = pace.seconds_per_day
        total = "?" if besides is None else _words(besides * len({need.day for need in needs}))
        rows.append(("everything else", None, None, None, None, total))
    names = ["table", "new", "stale", "awaited", "images/s of late", "about"]
    print_rows("To compute by table", names, rows, data=data)


def _print_days(needs: Sequence[Need], pace: _Pace, failed: Collection[date]) -> None:
    rows, data = [], []
    for day, found in groupby(needs, key=lambda need: need.day):
        mine = list(found)
        rows.append((day, mine[0].seen, "failed" if day in failed else "", _work(mine), _duration(mine, pace)))
        to_compute = {need.table: need.images for need in mine if need.images}
        known = {"day": day, "seen": mine[0].seen, "is_failed": day in failed, "to_compute": to_compute}
        data.append({**known, "about_s": _seconds(mine, pace)})
    print_rows("To compute by day", ["day", "seen", "last run", "images", "about"], rows, data=data)


def _work(needs: Sequence[Need]) -> str:
    """Tables by number of images, such as `217: all tables` or `3: silver_images, thumbnails`."""
    numbers = sorted({need.images for need in needs if need.images}, reverse=True)
    tables = {number: [_shown(need.table) for need in needs if need.images == number] for number in numbers}
    named = ((n, "all tables" if len(found) == len(needs) else ", ".join(found)) for n, found in tables.items())
    return "; ".join(f"{number}: {names}" for number, names in named)


def _shown(table: str) -> str:
    """Of one that there is for each model the name that all of them have: a run has one model."""
    return table.partition("/")[0]


def _print_total(needs: Sequence[Need], pace: _Pace, days: int) -> None:
    chosen = len({need.day for need in needs})
    CONSOLE.print(f"{chosen} of {days} days; about {_duration(needs, pace)} on this machine", highlight=False)
    wanted = sorted({need.table for need in needs if need.images})
    unknown = [table for table in wanted if table not in pace.speeds]
    if needs and pace.seconds_per_day is None:
        unknown.append("everything else")
    _tell("not in the estimate, because no recent run timed it", unknown)
    _tell(
        "timed under another recipe only, so perhaps far off",
        [each for each in wanted if each in pace.of_former_recipes],
    )


def _tell(what: str, names: Sequence[str]) -> None:
    if names:
        CONSOLE.print(f"{what}: {', '.join(names)}", highlight=False, soft_wrap=True)


def _duration(needs: Sequence[Need], pace: _Pace) -> str:
    """Hours, minutes and seconds; a question mark where nothing is known of the speed."""
    seconds = _seconds(needs, pace)
    return "?" if seconds is None else _words(seconds)


def _seconds(needs: Sequence[Need], pace: _Pace) -> float | None:
    """None where nothing is known of the speed."""
    is_known = any(need.table in pace.speeds for need in needs) or not any(need.images for need in needs)
    return pace.seconds(needs) if is_known else None


def _words(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
