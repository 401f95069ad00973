"""Rows for programs: what `--json` prints in place of tables.

Every row is a JSON object on a line of its own (JSON Lines), so that `jq` takes them as they come, whether a command
has one table or several. Nothing else goes to standard output; notes and progress go to standard error.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

import click
import polars as pl
from rich.text import Text

from image_assets.cli.console import CONSOLE, print_table

_MODE: Final = "image_assets.json"
_CELL_LENGTH: Final = 60


def _choose(context: click.Context, _: click.Parameter, is_json: bool) -> None:
    if is_json:
        context.meta[_MODE] = True
        CONSOLE.stderr = True
        context.call_on_close(lambda: setattr(CONSOLE, "stderr", False))


json_option = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_choose,
    help="Rows as JSON, one a line; whole values, and nothing else on standard output.",
)
"""For every command that prints a table."""


def wants_json() -> bool:
    """Whether the command that runs was asked for rows."""
    context = click.get_current_context(silent=True)
    return bool(context and context.meta.get(_MODE))


def print_rows(
    title: str,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    data: Iterable[Mapping[str, object]] | None = None,
    cell_length: int | None = None,
    *,
    is_first_whole: bool = False,
) -> None:
    """A table for people, see `print_table`; or `data` for programs, by default the same rows under plain names."""
    if wants_json():
        plain = [_name_of(name) for name in names]
        print_objects(dict(zip(plain, row, strict=True)) for row in rows) if data is None else print_objects(data)
    else:
        print_table(title, names, rows, cell_length, is_first_whole=is_first_whole)


def print_frame(title: str, frame: pl.DataFrame, most: int | None = None) -> None:
    """A frame, of which a table shows the first rows."""
    shown = frame.head(most) if most else frame
    print_rows(title, frame.columns, shown.rows(), frame.iter_rows(named=True), _CELL_LENGTH)


def print_objects(rows: Iterable[Mapping[str, object]]) -> None:
    """Each as a line; in ASCII, so that nothing in a value can move a terminal."""
    for row in rows:
        click.echo(json.dumps(_value_of(row), default=str))


def _name_of(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", heading.lower().replace("/", " per ")).strip("_")


def _value_of(value: Any) -> Any:
    """What JSON has a form for; instants in ISO 8601, durations in seconds."""
    if isinstance(value, Mapping):
        return {str(name): _value_of(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_value_of(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Text):
        return value.plain
    return value.isoformat() if isinstance(value, date) else value
