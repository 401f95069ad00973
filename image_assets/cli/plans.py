"""`plan`: what a run would compute, before it is run."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

import click
from rich.progress import track

from image_assets.cli.console import CONSOLE, print_rows
from image_assets.cli.period import days_between, period, period_options
from image_assets.errors import RejectionReason, TableError
from image_assets.lake.opening import open_tables
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.checkpoint_description import describe_checkpoint
from image_assets.models.checkpoints import locate_checkpoint
from image_assets.settings import Settings, load_settings
from image_assets.steps.champion import read_champion
from image_assets.steps.plan import Need, Stage, estimate_seconds, known_days, plan_day
from image_assets.steps.predictions import model_in_use
from image_assets.steps.rejections import count_rejections, rejecting_stages
from image_assets.steps.stages import DayParams, daily_stages, stage_tables
from image_assets.tables.predictions import IMAGE_PREDICTIONS

_REASON = "reason="
_CHOICES = ["failed", "missing", "stale", "model", *(f"{_REASON}{reason.value}" for reason in RejectionReason)]
_METAVAR = "failed|missing|stale|model|reason=REASON"
_OF_MODELS = ("image_embeddings", IMAGE_PREDICTIONS)


@click.command()
@period_options(otherwise="every day with uploads or tables")
@click.option("--only", type=click.Choice(_CHOICES), metavar=_METAVAR, help="Such days only.")
def plan(day: datetime | None, first: datetime | None, last: datetime | None, only: str | None) -> None:
    """What a run would compute, and about how long it would take; computes nothing."""
    asked, settings = period(day, first, last), load_settings()
    tables = open_tables(settings.lake_params)
    stages = _stages(settings, tables)
    days = days_between(*asked) if asked else known_days(tables)
    speeds, failed = _remembered(stages, days)
    needs = _needs(tables, stages, days, only, failed)
    _print_tables(needs, speeds)
    _print_days(needs, speeds, failed)
    _print_total(needs, speeds, len(days))


def _stages(settings: Settings, tables: ParquetTables) -> list[Stage]:
    champion = read_champion(tables.store)
    return daily_stages(
        DayParams(
            limits=settings.inspect_params,
            derivatives=settings.derivative_params,
            encoder=describe_checkpoint(locate_checkpoint(settings.encoder, settings.encoder_revision)),
            enrichment=settings.enrichment_params,
            duplicates=settings.duplicate_params,
            predictions=settings.prediction_params,
            model_version=champion.model_version if champion else model_in_use(tables.store),
        )
    )


def _remembered(stages: Sequence[Stage], days: Collection[date]) -> tuple[Mapping[str, float], set[date]]:
    """Images per second by table, and the days whose last run failed."""
    from image_assets.orchestration.history import failed_days, recent_speeds
    from image_assets.orchestration.local_runs import open_instance

    assets = {name: name.split("/")[0] for name in stage_tables(stages)}
    with open_instance() as instance:
        speeds = recent_speeds(instance, list(assets.values()))
        failed = failed_days(instance, days)
    return {name: speeds[asset] for name, asset in assets.items() if asset in speeds}, failed


def _needs(
    tables: ParquetTables, stages: Sequence[Stage], days: Sequence[date], only: str | None, failed: Collection[date]
) -> list[Need]:
    """What the chosen days lack; without a choice, the days that lack something."""
    reasons = [only.removeprefix(_REASON)] if only and only.startswith(_REASON) else []
    refusing = rejecting_stages(tables) if reasons else []
    needs: list[Need] = []
    for day in track(days, "comparing", console=CONSOLE, transient=True):
        try:
            found = plan_day(tables, stages, day, reasons)
        except TableError as error:
            CONSOLE.print(f"{day} cannot be planned: {error}", style="red", markup=False)
            continue
        is_chosen = {
            "failed": day in failed,
            "missing": any(need.missing + need.awaited for need in found),
            "stale": any(need.stale for need in found),
            "model": any(need.images for need in found if need.table.split("/")[0] in _OF_MODELS),
            None: any(need.images for need in found),
        }
        if count_rejections(tables, day, refusing, reasons) if reasons else is_chosen[only]:
            needs += found
    return needs


def _print_tables(needs: Sequence[Need], speeds: Mapping[str, float]) -> None:
    rows = []
    for name in dict.fromkeys(need.table for need in needs):
        mine = [need for need in needs if need.table == name]
        counts = [sum(each) for each in zip(*((n.missing, n.stale, n.awaited) for n in mine), strict=True)]
        rows.append((name, *counts, speeds.get(name), _duration(mine, speeds)))
    print_rows("To compute by table", ["table", "new", "stale", "awaited", "images/s of late", "about"], rows)


def _print_days(needs: Sequence[Need], speeds: Mapping[str, float], failed: Collection[date]) -> None:
    rows = []
    for day, found in groupby(needs, key=lambda need: need.day):
        mine = list(found)
        rows.append((day, mine[0].seen, "failed" if day in failed else "", _work(mine), _duration(mine, speeds)))
    print_rows("To compute by day", ["day", "seen", "last run", "images", "about"], rows)


def _work(needs: Sequence[Need]) -> str:
    """Tables by number of images, such as `217: all tables` or `3: silver_images, thumbnails`."""
    numbers = sorted({need.images for need in needs if need.images}, reverse=True)
    tables = {number: [need.table for need in needs if need.images == number] for number in numbers}
    named = ((n, "all tables" if len(found) == len(needs) else ", ".join(found)) for n, found in tables.items())
    return "; ".join(f"{number}: {names}" for number, names in named)


def _print_total(needs: Sequence[Need], speeds: Mapping[str, float], days: int) -> None:
    chosen = len({need.day for need in needs})
    CONSOLE.print(f"{chosen} of {days} days; about {_duration(needs, speeds)} on this machine", highlight=False)
    unknown = sorted({need.table for need in needs if need.images and need.table not in speeds})
    if unknown:
        CONSOLE.print(f"not in the estimate, because not yet timed: {', '.join(unknown)}", highlight=False)


def _duration(needs: Sequence[Need], speeds: Mapping[str, float]) -> str:
    """Hours, minutes and seconds; a question mark where nothing is known of the speed."""
    is_known = any(need.table in speeds for need in needs) or not any(need.images for need in needs)
    return str(timedelta(seconds=round(estimate_seconds(needs, speeds)))) if is_known else "?"
