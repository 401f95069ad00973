"""Rows for programs: what `--json` prints in place of tables.

Every row is a JSON object on a line of its own (JSON Lines), so that `jq` takes them as they come, whether a command
has one table or several. Nothing else goes to standard output; notes and progress go to standard error.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import click
from rich.text import Text


def print_objects(rows: Iterable[Mapping[str, object]]) -> None:
    """Each as a line; in ASCII, so that nothing in a value can move a terminal."""
    for row in rows:
        click.echo(json.dumps(_value_of(row), default=str))


def field_name(heading: str) -> str:
    """The plain name of a column, such as `images_per_s` for `images/s`."""
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
