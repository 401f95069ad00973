"""Commands that compute: `run` and `retry`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.progress import track

from image_assets.cli.chosen_days import DayChoice, only_option
from image_assets.cli.console import CONSOLE, ProgressBars, json_option
from image_assets.cli.known_lake import begin_lake, create_option, see_lake_of_runs, settings_of_lake
from image_assets.cli.period import days_between, period, period_options, recent_days, yesterday
from image_assets.errors import ImageAssetsError, RejectionReason, TableError
from image_assets.opening import day_stages, open_lake
from image_assets.orchestration.chosen_lots import lots_told, numbers_told
from image_assets.orchestration.instance.dagster_home import find_dagster_home
from image_assets.settings import Settings, load_settings
from image_assets.steps.gold.rejections import read_rejected
from image_assets.steps.images.lots import lots_to_be
from image_assets.steps.increment.retries import forget_rejections, rejecting_stages
from image_assets.steps.questions.plan import known_days, plan_day
from image_assets.tables.gold import DAILY_SUMMARY

if TYPE_CHECKING:
    import dagster as dg

    from image_assets.orchestration.runs.local_runs import RunReport

SOME_REJECTED = 2


def _a_range(_context: click.Context, _option: click.Parameter, lots: str | None) -> str | None:
    if lots is not None:
        try:
            numbers_told(lots)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return lots


@click.command()
@period_options(otherwise="yesterday and recent days with files that no run has seen")
@click.option("--pending", is_flag=True, help="Every day, however old, that lacks anything.")
@only_option
@click.option(
    "--lots",
    metavar="N[-M]",
    callback=_a_range,
    help="With --day: only what is made image by image of these lots of it, from 0, so that machines share a day.",
)
@create_option
@json_option
@click.pass_context
def run(
    context: click.Context,
    day: datetime | None,
    first: datetime | None,
    last: datetime | None,
    pending: bool,
    only: str | None,
    lots: str | None,
    *,
    is_new: bool,
) -> None:
    """Bring days up to date, from landing to gold; what is current is not computed again.

    Exit codes: 0 all images are good, 2 some are rejected and neither gone nor dismissed (so is wrong usage), 1 a run
    failed.
    """
    asked = period(day, first, last)
    if pending and asked:
        raise click.UsageError("--pending, or --day, or --from and --to: one of them")
    if lots and day is None:
        raise click.UsageError("--lots goes with --day: the lots of which day?")
    find_dagster_home()
    if lots and day:
        _refuse_others(day.date(), lots, is_new=is_new)
    settings = settings_of_lake(is_new=is_new)
    if lots and day:
        _run_lots(settings, day.date(), lots)
        return
    days = days_between(*asked) if asked else _pending_days(settings) if pending else _due_days(settings)
    if only:
        days = _chosen(settings, days, only)
    if days:
        _run_and_tell(context, settings, days)


def _refuse_others(day: date, lots: str, *, is_new: bool) -> None:
    """Lots that the day has not, and will not have, are wrong usage, by which no lake that is known is forgotten."""
    settings = load_settings() if is_new else settings_of_lake()
    try:
        lots_told(lots, lots_to_be(open_lake(settings), day, settings.lots))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--lots") from error


def _run_lots(settings: Settings, the_day: date, lots: str) -> None:
    from image_assets.orchestration.runs.local_runs import run_lots

    _run_with_bars(
        settings, lambda definitions, instance, tags, _: [run_lots(definitions, instance, the_day, lots, tags)]
    )
    CONSOLE.print(f"the rest of the day follows when all its lots are done: image-assets run --day {the_day}")


def _due_days(settings: Settings) -> list[date]:
    """Yesterday, and the days on which the landing sensor would look that have files no run has seen, today's too."""
    tables = open_lake(settings)
    door = day_stages(settings, tables)[:1]
    new: dict[date, int] = {}
    for day in recent_days(settings.landing_lookback_days):
        try:
            new[day] = sum(need.missing for need in plan_day(tables, door, day)) if day >= settings.start_day else 0
        except TableError:
            # Its run says which file is damaged.
            new[day] = 1
    for day, files in new.items():
        if files:
            CONSOLE.print(f"{day}: {files} new files", highlight=False)
    return sorted({yesterday(), *(day for day, files in new.items() if files)})


def _pending_days(settings: Settings) -> list[date]:
    """The oldest first: a photo is compared with those of the days before."""
    tables = open_lake(settings)
    known = [day for day in known_days(tables) if day >= settings.start_day]
    begun = [day for day in known if tables.exists(DAILY_SUMMARY, day)]
    days = sorted({*known} - {*begun} | {*_chosen(settings, begun, "missing")})
    CONSOLE.print(f"{len(days)} of {len(known)} days are pending", highlight=False)
    return days


def _chosen(settings: Settings, days: Sequence[date], only: str) -> list[date]:
    from image_assets.orchestration.instance.opening import open_instance
    from image_assets.orchestration.runs.history import failed_days

    tables = open_lake(settings)
    stages = day_stages(settings, tables)
    with open_instance() as instance:
        choice = DayChoice(only, tables, failed_days(instance, days))
    if choice.reasons:
        raise click.UsageError(f"rejected files are tried again by: image-assets retry --reason {choice.reasons[0]}")

    def is_chosen(day: date) -> bool:
        try:
            return choice.takes(day, lambda: plan_day(tables, stages, day))
        except TableError:
            # Its run says which file is damaged, and the other days go on.
            return True

    chosen = [day for day in track(days, "comparing", console=CONSOLE, transient=True) if is_chosen(day)]
    CONSOLE.print(f"{len(chosen)} of {len(days)} days: {only}", highlight=False)
    return chosen


@click.command()
@period_options(otherwise="every day")
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    required=True,
    type=click.Choice([reason.value for reason in RejectionReason]),
    help="Why the files were rejected; may be given several times.",
)
@json_option
@click.pass_context
def retry(
    context: click.Context,
    day: datetime | None,
    first: datetime | None,
    last: datetime | None,
    reasons: Sequence[str],
) -> None:
    """Try rejected files again: forget that they were rejected, and run their days.

    Exit codes: as of run.
    """
    asked = period(day, first, last)
    find_dagster_home()
    settings = settings_of_lake()
    see_lake_of_runs(settings)
    tables = open_lake(settings)
    days = days_between(*asked) if asked else known_days(tables)
    stages = rejecting_stages(tables)
    forgotten = {each: forget_rejections(tables, each, stages, reasons) for each in days}
    again = [each for each in days if forgotten[each]]
    CONSOLE.print(f"{sum(forgotten.values())} files of {len(again)} days are tried again")
    if again:
        _run_and_tell(context, settings, again)


def _run_and_tell(context: click.Context, settings: Settings, days: Sequence[date]) -> None:
    from image_assets.cli.status import print_status

    run_with_progress(settings, days)
    tables = open_lake(settings)
    print_status(tables, days[0], days[-1])
    if rejected := sum(read_rejected(tables, day).filter(state="open").height for day in days):
        CONSOLE.print(
            f"exit code {SOME_REJECTED}, for {rejected} are rejected: `why FILE` tells why, `retry` tries again, "
            "`dismiss` is for junk",
            highlight=False,
        )
        context.exit(SOME_REJECTED)


def run_with_progress(settings: Settings, days: Sequence[date]) -> None:
    """Run the days through Dagster with a bar per table and one of all days; `ImageAssetsError` when a run fails."""
    from image_assets.orchestration.runs.local_runs import run_days

    def work(
        definitions: "dg.Definitions", instance: "dg.DagsterInstance", tags: Mapping[str, str], bars: ProgressBars
    ) -> "list[RunReport]":
        reports, tell = [], bars.track("all days", "days")
        tell(0, len(days))
        for report in run_days(definitions, instance, days, tags):
            reports.append(report)
            tell(sum(len(each.days) for each in reports), len(days))
        return reports

    _run_with_bars(settings, work)


def train_with_progress(settings: Settings) -> None:
    """Run the training job through Dagster with a bar; `ImageAssetsError` when it fails."""
    from image_assets.orchestration.jobs import TRAIN_JOB
    from image_assets.orchestration.runs.local_runs import run_job
    from image_assets.orchestration.runs.training import refuse_second_training

    def work(
        definitions: "dg.Definitions", instance: "dg.DagsterInstance", tags: Mapping[str, str], _: ProgressBars
    ) -> "list[RunReport]":
        refuse_second_training(instance)
        return [run_job(definitions, instance, TRAIN_JOB, tags)]

    _run_with_bars(settings, work)


def refresh_with_progress(settings: Settings) -> None:
    """Run the job of what stands on all days, such as the index, through Dagster; `ImageAssetsError` when it fails."""
    from image_assets.orchestration.jobs import WAREHOUSE_JOB
    from image_assets.orchestration.runs.local_runs import run_job

    _run_with_bars(
        settings, lambda definitions, instance, tags, _: [run_job(definitions, instance, WAREHOUSE_JOB, tags)]
    )


def _run_with_bars(
    settings: Settings,
    work: "Callable[[dg.Definitions, dg.DagsterInstance, Mapping[str, str], ProgressBars], list[RunReport]]",
) -> None:
    from image_assets.definitions import build_definitions
    from image_assets.orchestration.instance.opening import open_instance
    from image_assets.orchestration.runs.local_runs import interruptible
    from image_assets.orchestration.runs.turns import take_turns

    with ProgressBars() as bars, open_instance() as instance:
        begin_lake(settings, instance)
        take_turns(instance, partial(CONSOLE.print, style="yellow", markup=False, highlight=False, soft_wrap=True))
        definitions = build_definitions(settings, progress=bars)
        reports = interruptible(instance, lambda tags: work(definitions, instance, tags, bars))
    failed = [report for report in reports if not report.is_success]
    # What ails the lake ails each run alike.
    for problem in dict.fromkeys(problem for report in failed for problem in report.problems):
        CONSOLE.print(problem, style="red", markup=False)
    if failed:
        raise ImageAssetsError(f"{len(failed)} of {len(reports)} runs failed; the runs are in the UI: make dev")
