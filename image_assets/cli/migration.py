"""`migration`: how far what was registered has come, and what is left to do when all of it is in."""

from datetime import UTC, datetime, timedelta

import click
import polars as pl

from image_assets.cli.console import CONSOLE, json_option, print_frame, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.cli.sql import ask_lake
from image_assets.errors import ImageAssetsError, StorageError
from image_assets.lake.opening import open_place
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sources.record import change_sources, read_sources, source_called
from image_assets.opening import open_lake
from image_assets.orchestration.instance.dagster_home import find_dagster_home
from image_assets.settings import Settings
from image_assets.steps.migration.beginning import finish, move, refuse_overlap, uri_of
from image_assets.steps.questions.processing_log import STATES_OF_SOURCES
from image_assets.steps.upkeep.reconciliation import reconcile, sweep_staging

_IN_USE_FOR = timedelta(days=1)
_UNDER_WAY = ("pending", "uploaded", "processed")


@click.group()
def migration() -> None:
    """What was registered by `migrate`: how far it has come, and its end."""


@migration.command()
@json_option
def status() -> None:
    """How many entries of each source have come how far; each of them is in the table processing_log."""
    settings = settings_of_lake()
    for source in read_sources(open_lake(settings).store).values():
        state = "finalized" if source.is_final else f"scan {source.scan + 1} is {source.state}"
        CONSOLE.print(f"{source.root}: {source.uri}, {state}", highlight=False)
    print_frame("Processing log", ask_lake(settings, STATES_OF_SOURCES))


@migration.command("move")
@click.argument("source")
@click.argument("place")
def move_source(source: str, place: str) -> None:
    """Tell that the files of SOURCE, its id or its former place, lie at PLACE by now; nothing else changes."""
    settings = settings_of_lake()
    tables, uri = open_lake(settings), uri_of(place)
    known = source_called(tables.store, source)
    others = [each.uri for each in read_sources(tables.store).values() if each.root != known.root]
    refuse_overlap(uri, others, [root for root in (settings.root, settings.archive_root) if root])
    moved = move(tables, known, uri, open_place(uri, settings.storage_params))
    CONSOLE.print(f"{moved.root} is at {moved.uri}", highlight=False)


@migration.command()
@json_option
def finalize() -> None:
    """When all is in: build the index, have PostgreSQL tidy up, compare files with rows, and let the sources go.

    From then on a source may be away. Exit codes: 0 done, 1 something is left to do and the message says what.
    """
    settings = settings_of_lake()
    find_dagster_home()
    tables = open_lake(settings)
    _refuse_unfinished(settings, tables)
    from image_assets.cli.runs import refresh_with_progress

    refresh_with_progress(settings)
    _tidy_postgres(settings)
    _reconcile(tables)
    change_sources(tables.store, finish)
    CONSOLE.print("the migration is over: the sources may be away")


def _refuse_unfinished(settings: Settings, tables: ParquetTables) -> None:
    for source in read_sources(tables.store).values():
        if source.state != "done":
            raise ImageAssetsError(f"the scan of {source.uri} has not ended: image-assets migrate {source.uri}")
    states = ask_lake(settings, STATES_OF_SOURCES)
    waiting = states.filter(pl.col("state").is_in(_UNDER_WAY)).get_column("files").sum()
    if waiting:
        raise ImageAssetsError(f"{waiting} photos are not in yet: image-assets run --pending")


def _tidy_postgres(settings: Settings) -> None:
    if settings.postgres:
        from image_assets.publishing.postgres.server import Postgres
        from image_assets.steps.publishing.postgres_gold import vacuum

        vacuum(Postgres(settings.postgres))
        CONSOLE.print("PostgreSQL has tidied up")


def _reconcile(tables: ParquetTables) -> None:
    before = datetime.now(UTC) - _IN_USE_FOR
    sweep_staging(tables, before)
    found = reconcile(tables, before)
    rows = [(each.folder, each.objects, len(each.orphans), len(each.ghosts)) for each in found]
    print_rows("Files and rows", ["folder", "files", "without a row", "rows without a file"], rows)
    if ghosts := sum(len(each.ghosts) for each in found):
        raise StorageError(f"{ghosts} files are gone: image-assets repair")
