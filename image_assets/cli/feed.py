"""Commands that bring photos in: `demo` and `add`."""

import getpass
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import click
from rich.progress import track

from image_assets.cli.console import CONSOLE
from image_assets.cli.csv_file import read_csv
from image_assets.errors import ConfigurationError, ImageAssetsError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.opening import open_store
from image_assets.orchestration.dagster_home import find_dagster_home
from image_assets.samples.feed import SampleFile, generate_feed
from image_assets.settings import load_settings
from image_assets.steps.uploads import UploadFacts, add_upload

_DEMO_DAYS = 3
_NEXT = """
Next:
  make dev   (or: dagster dev)   the Dagster UI on http://localhost:3000
  {program} search "red dress"               photos that look like it
  {program} sql "from gold_images limit 5"   SQL over every table
"""


@click.command()
@click.option("--photos", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of your own.")
@click.option("--images-per-day", type=click.IntRange(1, 100_000), default=110, show_default=True)
@click.option("--seed", default=7, show_default=True, help="Another seed draws other photos.")
def demo(photos: Path | None, images_per_day: int, seed: int) -> None:
    """Three days of product photos, from upload to gold.

    Draws a sample feed, with everything that goes wrong in real ones, or takes a folder of your own photos;
    puts it into the landing zone and runs every day through Dagster.
    """
    from image_assets.cli.data import print_status
    from image_assets.cli.runs import run_with_progress

    settings = load_settings()
    find_dagster_home()
    store = open_store(settings.lake_params)
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in range(_DEMO_DAYS, 0, -1)]
    if photos is None:
        feed = generate_feed(days, images_per_day, seed)
        for file in track(feed, "drawing photos", total=_DEMO_DAYS * images_per_day, console=CONSOLE):
            _land(store, file)
    else:
        files = _files_below([photos])
        shares = {path: days[number * len(days) // len(files)] for number, path in enumerate(files)}
        _add_all(store, files, lambda path: _facts(path, shares[path]))
    run_with_progress(settings, days)
    print_status(settings, days[0], days[-1])
    CONSOLE.print(_NEXT.format(program=_program()), highlight=False, soft_wrap=True)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Day of the upload (UTC); today by default.")
@click.option("--user", default=getpass.getuser, help="Who uploads; you by default.")
@click.option("--label", help="Label of all these photos.")
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV with the columns file, user_id, label, uploaded_at; it wins over the options.",
)
def add(paths: Sequence[Path], day: datetime | None, user: str, label: str | None, manifest: Path | None) -> None:
    """Put photos, or folders of them, into the landing zone."""
    settings = load_settings()
    told = _read_manifest(manifest) if manifest else {}
    upload_day = day.date() if day else datetime.now(UTC).date()

    def facts_of(path: Path) -> UploadFacts:
        usual = UploadFacts(upload_day, user, _name(path), label=label)
        facts = _manifest_facts(told[path.name], usual) if path.name in told else usual
        if facts.day < settings.start_day:
            raise ConfigurationError(f"{path.name} is of {facts.day}; set IMAGE_ASSETS_START_DAY to that day or before")
        return facts

    files = _files_below(paths)
    _add_all(open_store(settings.lake_params), files, facts_of)
    missing = sorted(told.keys() - {path.name for path in files})
    if missing:
        raise ConfigurationError(f"{len(missing)} files of {manifest} are not there, such as {missing[0]}")


def _program() -> str:
    """How this program is called from here: by its name if the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    return called.name if shutil.which(called.name) else os.path.relpath(called)


def _land(store: ObjectStore, file: SampleFile) -> None:
    key = ObjectKey(f"{object_keys.landing_prefix(file.day)}/{file.user_id}/{file.filename}")
    for each, data in ((key, file.data), (ObjectKey(f"{key}.json"), file.sidecar)):
        if data is not None and not (store.exists(each) and store.read(each) == data):
            store.write(each, data)


def _files_below(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        found += sorted(each for each in path.rglob("*") if not each.is_dir()) if path.is_dir() else [path]
    return found


def _add_all(store: ObjectStore, files: Sequence[Path], facts_of: Callable[[Path], UploadFacts]) -> None:
    unreadable: list[str] = []
    for path in track(files, "adding photos", console=CONSOLE):
        facts = facts_of(path)
        if not path.is_file():
            unreadable.append(f"{path}: not a regular file")
            continue
        try:
            add_upload(store, facts, path.read_bytes())
        except OSError as error:
            if isinstance(error, ImageAssetsError):
                raise
            unreadable.append(f"{path}: {error.strerror}")
    CONSOLE.print(f"{len(files) - len(unreadable)} of {len(files)} files are in the landing zone")
    if unreadable:
        raise ConfigurationError("these files cannot be read:\n  " + "\n  ".join(unreadable))


def _facts(path: Path, day: date) -> UploadFacts:
    return UploadFacts(day, getpass.getuser(), _name(path), datetime.combine(day, time(12), UTC))


def _name(path: Path) -> str:
    return os.fsencode(path.name).decode("utf-8", "replace")


def _read_manifest(path: Path) -> dict[str, Mapping[str, str]]:
    columns, rows = read_csv(path)
    if "file" not in columns:
        raise ConfigurationError(f"{path} has no column named file")
    for number, row in enumerate(rows, start=2):
        if not row["file"]:
            raise ConfigurationError(f"line {number} of {path} has no value in the column file")
    return {Path(row["file"]).name: row for row in rows}


def _manifest_facts(row: Mapping[str, str], usual: UploadFacts) -> UploadFacts:
    user, label = row.get("user_id") or usual.user_id, row.get("label") or usual.label
    if not row.get("uploaded_at"):
        return replace(usual, user_id=user, label=label)
    try:
        told = datetime.fromisoformat(row["uploaded_at"])
        instant = (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"uploaded_at of {row['file']} in the manifest: {error}") from error
    return UploadFacts(instant.date(), user, usual.raw_name, instant, label)
