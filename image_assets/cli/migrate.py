"""`migrate`: register what lies in folders or buckets, in place, as uploads of the days that it is of."""

import getpass
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import click
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.errors import ConfigurationError
from image_assets.lake.opening import open_place
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sources.record import DatedBy, ScanTold, read_sources
from image_assets.opening import open_lake
from image_assets.settings import Settings
from image_assets.shown_text import plain
from image_assets.steps.migration.beginning import begin, begin_anew, intended, refuse_nothing, refuse_overlap, uri_of
from image_assets.steps.migration.listed import ListedFiles, digest_of, read_listed
from image_assets.steps.migration.migration import Migration
from image_assets.steps.migration.tally import Tally

_DAY = click.DateTime(["%Y-%m-%d"])
_WAYS: tuple[DatedBy, ...] = ("exif", "mtime", "path")
_MOST_A_DAY, _EXAMPLES_LENGTH = 50_000, 80
_COLUMNS = (
    SpinnerColumn(),
    TextColumn("{task.description}", markup=False),
    TextColumn("{task.fields[said]}", markup=False),
    TimeElapsedColumn(),
)


def _dating(_context: click.Context, _option: click.Parameter, value: str) -> tuple[DatedBy, date | None]:
    if value in _WAYS:
        return value, None
    try:
        return "day", date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is none of {', '.join(_WAYS)}, nor a day such as 2026-10-05") from error


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--date",
    "dating",
    default="mtime",
    show_default=True,
    metavar="exif|mtime|path|DAY",
    callback=_dating,
    help="What says of which day a file is: DateTimeOriginal in its header, its time, a YYYY-MM-DD or YYYY/MM/DD in "
    "its path, or a day for all.",
)
@click.option("--undated", type=_DAY, help="Day of files of which nothing says it; IMAGE_ASSETS_START_DAY by default.")
@click.option("--user", default=getpass.getuser, help="Whose files they are; yours by default.")
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns file (the path below SOURCE), user_id, label, uploaded_at.",
)
@click.option(
    "--per-day",
    type=click.IntRange(1),
    default=_MOST_A_DAY,
    show_default=True,
    help="Files that a day takes; more go to the days after.",
)
@click.option("--dry-run", is_flag=True, help="Only say what there is; nothing is written.")
@click.option("--anew", is_flag=True, help="Forget a scan that has not ended, and begin it again.")
@json_option
def migrate(
    sources: Sequence[str],
    dating: tuple[DatedBy, date | None],
    undated: datetime | None,
    user: str,
    manifest: Path | None,
    per_day: int,
    dry_run: bool,
    anew: bool,
) -> None:
    """Register photos where they lie, in folders or at az://…, s3://…, gs://…, as uploads of days.

    They are read in place, and copied once: by the runs of their days. Nothing in SOURCE is ever changed. What is a
    photo is told by its content. Links are not followed. Interrupted, do it again: it goes on. Done again later, it
    registers what is new or has changed. Beside a photo, FILENAME.json is its sidecar.

    Exit codes: 0 done, 1 something failed and the message says what to do, 2 wrong usage.
    """
    settings = settings_of_lake()
    tables = open_lake(settings)
    _check_days(settings, dating[1], undated.date() if undated else None)
    told = ScanTold(
        dated_by=dating[0],
        day=dating[1],
        undated=undated.date() if undated else settings.start_day,
        user=user,
        listed=digest_of(manifest) if manifest else None,
        most=per_day,
    )
    uris = _places(settings, tables, sources)
    with ExitStack() as held:
        listed = held.enter_context(read_listed(manifest)) if manifest else None
        if not dry_run:
            held.enter_context(_alone(tables))
        for uri in uris:
            if anew and not dry_run:
                begin_anew(tables, uri)
            _print_tally(uri, _migrate(settings, tables, uri, told, listed, is_tried=dry_run), told)
        if listed:
            said = f"{listed.used} of {listed.lines} lines of the list told of a photo that is new or has changed"
            CONSOLE.print(said, highlight=False)
    CONSOLE.print("nothing was written" if dry_run else "next: image-assets run --pending", highlight=False)


def _check_days(settings: Settings, day: date | None, undated: date | None) -> None:
    today = datetime.now(UTC).date()
    if settings.start_day > today:
        raise ConfigurationError(f"the first day has not come yet: set IMAGE_ASSETS_START_DAY to {today} or before")
    for option, told in (("--date", day), ("--undated", undated)):
        if told and told > today:
            raise ConfigurationError(f"{option} {told} has not come yet: choose a day up to {today}, which is today")
        if told and told < settings.start_day:
            raise ConfigurationError(f"{told} is before the first day: set IMAGE_ASSETS_START_DAY to it or before")


def _places(settings: Settings, tables: ParquetTables, sources: Sequence[str]) -> Sequence[str]:
    """The address of each source; of one that was never scanned it is seen that anything is there."""
    known = [each.uri for each in read_sources(tables.store).values()]
    uris = list(dict.fromkeys(map(uri_of, sources)))
    for uri in uris:
        refuse_overlap(uri, [*uris, *known], [root for root in (settings.root, settings.archive_root) if root])
        if uri not in known:
            refuse_nothing(uri, open_place(uri, settings.storage_params))
    return uris


@contextmanager
def _alone(tables: ParquetTables) -> Iterator[None]:
    """One migration at a time: what another has given a day counts."""
    with tables.store.claiming("migrate") as is_alone:
        if not is_alone:
            raise ConfigurationError("another process migrates into this lake: wait for it")
        yield


def _migrate(
    settings: Settings, tables: ParquetTables, uri: str, told: ScanTold, listed: ListedFiles | None, *, is_tried: bool
) -> Tally:
    place = open_place(uri, settings.storage_params)
    migration = Migration(tables, place, settings.start_day, datetime.now(UTC), listed)
    source = intended(tables, uri, place, told)
    with _progress(uri) as (on_scan, on_days):
        if is_tried:
            return migration.try_out(source, on_scan)
        return migration.run(begin(tables, source), on_scan, on_days)


@contextmanager
def _progress(uri: str) -> Iterator[tuple[Callable[[Tally], None], Callable[[int, int], None]]]:
    """A line that counts, because nobody knows beforehand how many entries there are."""
    with Progress(*_COLUMNS, console=CONSOLE, transient=True) as line:
        task = line.add_task(f"scanning {plain(uri)}", total=None, said="")

        def on_scan(tally: Tally) -> None:
            said = f"{tally.entries:,} entries, {tally.registered:,} photos, {tally.unchanged:,} unchanged"
            line.update(task, said=said)

        def on_days(done: int, total: int) -> None:
            line.update(task, description="telling days", said=f"{done:,} of {total:,}")

        yield on_scan, on_days


def _print_tally(uri: str, tally: Tally, told: ScanTold) -> None:
    rows = [
        (
            kind,
            count,
            tally.size_bytes[kind] / 2**20,
            "; ".join(": ".join(each) for each in tally.examples.get(kind, ())),
        )
        for kind, count in tally.kinds.most_common()
    ]
    print_rows(f"{uri}: {tally.entries} entries", ["kind", "entries", "mib", "such as"], rows, _EXAMPLES_LENGTH)
    days = sorted(tally.days)
    if days:
        most = max(tally.days.values())
        said = f"{tally.registered} photos of {len(days)} days, {days[0]} to {days[-1]}, at most {most} a day"
        CONSOLE.print(f"{said}; dated by {_counted(tally.dated_by)}", highlight=False)
    if undated := tally.dated_by["nothing"]:
        CONSOLE.print(f"{undated} without a date are of {told.undated} or the days after", highlight=False)
    if tally.unchanged:
        CONSOLE.print(f"{tally.unchanged} entries are as an earlier scan has noted them", highlight=False)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
