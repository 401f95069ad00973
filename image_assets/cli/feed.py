"""Commands that bring photos in: `demo` and `add`."""

import getpass
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from pathlib import Path

import click
from rich.progress import track

from image_assets.cli.console import CONSOLE, json_option
from image_assets.cli.known_lake import create_option, see_lake_of_runs, settings_of_lake
from image_assets.cli.manifest import match_rows, read_manifest
from image_assets.cli.period import recent_days
from image_assets.errors import ConfigurationError, ImageAssetsError
from image_assets.ids import ObjectKey
from image_assets.labels import normalise_label
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.opening import open_lake, open_objects
from image_assets.orchestration.instance.dagster_home import find_dagster_home
from image_assets.samples.feed import SampleFile, generate_feed
from image_assets.settings import Settings
from image_assets.steps.images.added_files import AddedFiles, find_added, tell_facts
from image_assets.steps.images.uploads import UploadFacts, add_upload, check_texts, told_before

_DEMO_DAYS, _NAMED = 3, 5
_NEXT = """
Next:
  make dev   (or: dagster dev)   the Dagster UI on http://localhost:3000
  {program} search "red dress"               photos that look like it
  {program} serve --open                     look, search, review; and all of it over HTTP
  {program} sql "select label, count(*) from gold_images group by all"
"""


@click.command()
@click.option("--photos", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of your own.")
@click.option("--images-per-day", type=click.IntRange(1, 100_000), default=110, show_default=True)
@click.option("--seed", default=7, show_default=True, help="Another seed makes other photos.")
@create_option
@json_option
def demo(photos: Path | None, images_per_day: int, seed: int, *, is_new: bool) -> None:
    """Three days of product photos, from upload to gold.

    Makes a sample feed of sixty CC0 photos, with everything that goes wrong in real ones, or takes a folder of your
    own; puts it into the landing zone and runs every day through Dagster.
    """
    from image_assets.cli.runs import run_with_progress
    from image_assets.cli.status import print_status

    find_dagster_home()
    settings = settings_of_lake(is_new=is_new)
    see_lake_of_runs(settings)
    store = open_objects(settings)
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in range(_DEMO_DAYS, 0, -1)]
    if photos is None:
        feed = generate_feed(days, images_per_day, seed)
        for file in track(feed, "taking photos", total=_DEMO_DAYS * images_per_day, console=CONSOLE):
            _land(store, file)
    else:
        added = find_added([photos])
        days_of = [days[number * len(days) // len(added.files)] for number in range(len(added.files))]
        usual = [UploadFacts(day, getpass.getuser(), "", datetime.combine(day, time(12), UTC)) for day in days_of]
        told = [
            tell_facts(file, None, facts, is_day_given=True) for file, facts in zip(added.files, usual, strict=True)
        ]
        _add_all(settings, added, told)
    run_with_progress(settings, days)
    print_status(open_lake(settings), days[0], days[-1])
    CONSOLE.print(_NEXT.format(program=_program()), highlight=False, soft_wrap=True)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Day of the upload (UTC); today by default.")
@click.option("--user", default=getpass.getuser, help="Who uploads; you by default.")
@click.option("--label", help="Label of all these photos.")
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns file (the path below the folder), user_id, label, uploaded_at.",
)
def add(paths: Sequence[Path], day: datetime | None, user: str, label: str | None, manifest: Path | None) -> None:
    """Put photos, or folders of them, into the landing zone; links inside a folder are named and not followed.

    What the manifest says of a file comes before what the sidecar beside it says (FILENAME.json: user_id, label,
    uploaded_at, raw_name), and that before the options; only --day, if given, comes before the day of a sidecar's
    uploaded_at. What was said of a file that is added again stays unless something else is said.
    """
    settings = settings_of_lake()
    if label and not normalise_label(label):
        raise click.UsageError("--label has nothing that can be seen")
    added = find_added(paths, without=manifest)
    rows = match_rows(manifest, read_manifest(manifest), added.files) if manifest else {}
    today = datetime.now(UTC).date()
    usual = UploadFacts(day.date() if day else today, user, "", label=label)
    told = [tell_facts(file, rows.get(file.path), usual, is_day_given=day is not None) for file in added.files]
    for facts, _ in told:
        _check_day(facts, settings.start_day, today)
        check_texts(facts)
    problems = _add_all(settings, added, told)
    _tell_next({facts.day for facts, _ in told}, settings.landing_lookback_days)
    if problems:
        raise ConfigurationError("these files cannot be used:\n  " + "\n  ".join(problems))


def _tell_next(days: set[date], lookback_days: int) -> None:
    """The command that takes the files in."""
    if days:
        is_found = days <= {*recent_days(lookback_days)}
        command = "run" if is_found else f"run --from {min(days)} --to {max(days)}"
        CONSOLE.print(f"next: image-assets {command}", highlight=False)


def _program() -> str:
    """How this program is called from here: by its name if the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    return called.name if shutil.which(called.name) else os.path.relpath(called)


def _land(store: ObjectStore, file: SampleFile) -> None:
    key = ObjectKey(f"{object_keys.landing_prefix(file.day)}/{file.user_id}/{file.filename}")
    for each, data in ((key, file.data), (ObjectKey(f"{key}.json"), file.sidecar)):
        if data is not None and not (store.exists(each) and store.read(each) == data):
            store.write(each, data)


def _check_day(facts: UploadFacts, start: date, today: date) -> None:
    if facts.day < start:
        raise ConfigurationError(
            f"{facts.raw_name} is of {facts.day}; set IMAGE_ASSETS_START_DAY to that day or before"
        )
    if facts.day > today:
        raise ConfigurationError(
            f"{facts.raw_name} is of {facts.day}, and today is {today} (UTC): a clock is wrong; give --day, or correct "
            "uploaded_at"
        )


def _add_all(settings: Settings, added: AddedFiles, told: Sequence[tuple[UploadFacts, str | None]]) -> list[str]:
    """Add files, and say what could not be used; who names a link means it, one in a folder may point anywhere."""
    tables = open_lake(settings)
    remembered = cache(partial(told_before, tables))
    problems = [problem for _, problem in told if problem]
    landed = 0
    pairs = zip(added.files, told, strict=True)
    for file, (facts, _) in track(pairs, "adding photos", total=len(told), console=CONSOLE):
        if file.path.is_symlink() and not file.is_named:
            problems.append(f"{file.path}: a symbolic link; name it itself to add what it points to")
            continue
        if not file.path.is_file():
            problems.append(f"{file.path}: not a regular file")
            continue
        try:
            add_upload(tables.store, facts, file.path.read_bytes(), remembered(facts.day))
            landed += 1
        except OSError as error:
            if isinstance(error, ImageAssetsError):
                raise
            problems.append(f"{file.path}: {error.strerror}")
    tables.store.flush()
    CONSOLE.print(f"{landed} of {len(told)} files are in the landing zone")
    if added.passed_over:
        names = ", ".join(sorted({path.name for path in added.passed_over})[:_NAMED])
        CONSOLE.print(f"passed over: {len(added.passed_over)} ({names})", highlight=False)
    return problems
