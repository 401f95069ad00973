"""Tables and progress bars in the terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from types import TracebackType
from typing import Any, Self

import click
import polars as pl
from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from image_assets.cli.rows import field_name, print_objects
from image_assets.shown_text import plain, plain_lines

_CELL_LENGTH = 60
_MODE = "image_assets.json"
_FINISHED_BARS = 12
_ALWAYS_A_TABLE, _WIDE = 4, 10_000


class _PlainConsole(Console):
    """Whatever a user typed cannot style or move the terminal."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(plain_lines(text), **options)


CONSOLE = _PlainConsole(soft_wrap=False, markup=False, emoji=False)


def _choose_rows(context: click.Context, _: click.Parameter, is_json: bool) -> None:
    if is_json:
        context.meta[_MODE] = CONSOLE.stderr = True
        context.call_on_close(lambda: setattr(CONSOLE, "stderr", False))


json_option = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_choose_rows,
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
    cell_length: int | None = None,
    *,
    is_first_whole: bool = False,
    data: Iterable[Mapping[str, object]] | None = None,
) -> None:
    """A table for people, or `data` for programs: by default the same rows under plain names.

    Numbers stand to the right, values longer than `cell_length` are cut, the first column is in one line if wanted.
    """
    if wants_json():
        plain_names = [field_name(name) for name in names]
        print_objects(data if data is not None else (dict(zip(plain_names, row, strict=True)) for row in rows))
    else:
        _print_table(title, names, rows, cell_length, is_first_whole=is_first_whole)


def print_frame(title: str, frame: pl.DataFrame, most: int | None = None) -> None:
    """A frame, of which a table shows the first rows."""
    shown = frame.head(most) if most else frame
    print_rows(title, frame.columns, shown.rows(), _CELL_LENGTH, data=frame.iter_rows(named=True))


def _print_table(
    title: str,
    names: Sequence[str],
    rows: Sequence[Sequence[object]],
    cell_length: int | None,
    *,
    is_first_whole: bool,
) -> None:
    """In a terminal too narrow for the longest words of all columns one row after the other, a line per column."""
    table = Table(title=Text(plain(title)), title_justify="left", header_style="bold")
    for index, name in enumerate(names):
        is_number = any(isinstance(row[index], int | float) for row in rows)
        # In a narrow terminal words are broken into lines; half a number or a day would be another one.
        is_short = is_number or any(isinstance(row[index], date) for row in rows)
        table.add_column(
            Text(plain(name)),
            justify="right" if is_number else "left",
            overflow="ellipsis" if is_short else "fold",
            no_wrap=is_short or (is_first_whole and index == 0),
        )
    for row in rows:
        table.add_row(*(_cell(value, cell_length) for value in row))
    is_list = len(names) > _ALWAYS_A_TABLE and _least_width(table) > CONSOLE.width and rows
    CONSOLE.print(_records(title, names, rows, cell_length) if is_list else table)


def _least_width(table: Table) -> int:
    """At which no word is broken."""
    return Measurement.get(CONSOLE, CONSOLE.options.update(max_width=_WIDE), table).minimum


def _records(title: str, names: Sequence[str], rows: Sequence[Sequence[object]], cell_length: int | None) -> Table:
    records = Table(title=Text(plain(title)), title_justify="left", show_header=False)
    records.add_column(style="bold", no_wrap=True)
    records.add_column(overflow="fold")
    for row in rows:
        for name, value in zip(names, row, strict=True):
            records.add_row(Text(plain(name)), _cell(value, cell_length))
        records.add_section()
    return records


def _cell(value: object, length: int | None) -> Text:
    """A value in one line."""
    if isinstance(value, Text):
        return value
    text = "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
    shown = plain(text)
    return Text(
        shown if length is None or isinstance(value, date) or len(shown) <= length else shown[: length - 1] + "…"
    )


def describe_speed(done: int, seconds: float) -> str:
    """How many a second: days are slow and images are not."""
    speed = done / seconds
    return f"{speed:.0f}" if speed >= 10 else f"{speed:.2f}"


class ProgressBars:
    """A bar per table and day; implements the progress that assets report to.

    Of the finished ones the last few stay: every bar is drawn ten times a second, and a year has thousands.
    """

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeElapsedColumn(),
        )
        self._bars = Progress(*columns, console=CONSOLE)
        self._finished: list[TaskID] = []

    def track(self, what: str, unit: str = "images") -> Callable[[int, int], None]:
        """Show a bar from the first call on."""
        task: TaskID | None = None

        def tell(done: int, total: int) -> None:
            nonlocal task
            if task not in self._bars.task_ids:
                task = self._bars.add_task(what, total=total, speed="")
            elapsed = self._bars.tasks[self._bars.task_ids.index(task)].elapsed or 0.0
            speed = f"{describe_speed(done, elapsed)} {unit}/s" if elapsed and done else ""
            self._bars.update(task, completed=done, total=total, speed=speed)
            if done == total and task not in self._finished:
                self._finished.append(task)
            while len(self._finished) > _FINISHED_BARS:
                self._bars.remove_task(self._finished.pop(0))

        return tell

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()
