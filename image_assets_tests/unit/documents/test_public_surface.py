"""What users rely on by name, written down: a change of it shows in review; `make surface` writes it again."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import click
import dagster as dg
from pydantic import SecretStr

from image_assets.cli.commands import PLACES, load_command
from image_assets.definitions import build_definitions
from image_assets.lake.object_keys import table_key
from image_assets.settings import PREFIX, Settings
from image_assets.tables.catalogue import TABLES, UPKEEP_TABLES, WHOLE_TABLES
from image_assets.tables.embeddings import embeddings_table
from image_assets.tables.predictions import predictions_table
from image_assets.tables.table import Table
from image_assets.tables.training import answers_table

DAY = date(2026, 3, 14)
DOCUMENT = Path(__file__).parents[3] / "docs" / "public-surface.md"
HEAD = """# Public surface

What scripts, queries and dashboards may rely on by name. Versions follow SemVer for what is listed here, for the
columns in [tables.md](tables.md) and for the exit codes in `image-assets --help`. Written by `make surface`.
"""


def test_what_users_rely_on_changes_only_where_it_is_written_down() -> None:
    assert DOCUMENT.read_text() == surface(), "see what changed; if it is meant: make surface, and CHANGELOG.md"


def surface() -> str:
    """The whole document."""
    # Constructed, not read: neither the environment nor a .env of whoever runs this has a say.
    optional = {"alert_webhook": "https://example.org", "archive_after_days": 90, "ocr": True}
    database = SecretStr("postgresql://user@host/database")
    settings = Settings.model_construct(
        root=Path("/lake"), archive_root=Path("/archive"), postgres=database, **optional
    )
    definitions = build_definitions(settings)
    repository = definitions.get_repository_def()
    sections = {
        "Commands": (_spelled(name, command) for name, command in _all_commands()),
        "Settings": sorted(f"{PREFIX}{name.upper()}" for name in Settings.model_fields),
        "Tables": _tables(),
        "Assets, by group": _assets(definitions),
        "Checks, by asset": _checks(definitions),
        "Jobs": sorted(name for name in repository.job_names if not name.startswith("__")),
        "Schedules": sorted(each.name for each in repository.schedule_defs),
        "Sensors": sorted(each.name for each in repository.sensor_defs),
        "Resources": sorted(definitions.resources or ()),
    }
    return HEAD + "".join(f"\n## {title}\n\n```\n" + "\n".join(lines) + "\n```\n" for title, lines in sections.items())


def _all_commands() -> Iterator[tuple[str, click.Command]]:
    for name in sorted(PLACES):
        yield from _commands(f"image-assets {name}", load_command(name))


def _commands(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, below in sorted(command.commands.items()):
            yield from _commands(f"{path} {name}", below)
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield path, command


def _spelled(path: str, command: click.Command) -> str:
    arguments = [
        each.make_metavar(click.Context(command)) for each in command.params if isinstance(each, click.Argument)
    ]
    options = [
        "/".join([*each.opts, *each.secondary_opts])
        for each in command.params
        if isinstance(each, click.Option) and not each.hidden
    ]
    return " ".join([path, *arguments, *sorted(options)])


def _tables() -> Iterable[str]:
    embeddings = Table("image_embeddings/{encoder}", embeddings_table("encoder", 1).schema)
    by_day = (*TABLES, embeddings, predictions_table("{model_version}"), *UPKEEP_TABLES)
    yield from sorted(table_key(table.name, DAY).replace(DAY.isoformat(), "{day}") for table in by_day)
    whole = (*WHOLE_TABLES, answers_table("{model_version}"))
    yield from sorted(table_key(table.name, None) for table in whole)


def _assets(definitions: dg.Definitions) -> Iterable[str]:
    specs = definitions.resolve_all_asset_specs()
    return _grouped((str(spec.group_name), spec.key.to_user_string()) for spec in specs)


def _checks(definitions: dg.Definitions) -> Iterable[str]:
    makers = [*(definitions.asset_checks or ()), *(definitions.assets or ())]
    specs = [spec for each in makers for spec in getattr(each, "check_specs", ())]
    return _grouped((spec.asset_key.to_user_string(), spec.name) for spec in specs)


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[str]:
    names = defaultdict(list)
    for group, name in pairs:
        names[group].append(name)
    return [f"{group}: {', '.join(sorted(names[group]))}" for group in sorted(names)]


if __name__ == "__main__":
    sys.stdout.write(surface())
