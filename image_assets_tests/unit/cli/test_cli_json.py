"""What `--json` prints: every row of every table on a line of its own, whole, and nothing else."""

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import image_assets.cli
from image_assets.cli.commands import PLACES, load_command
from image_assets.cli.main import cli

Invoke = Callable[..., Result]
Rows = list[dict[str, object]]


def rows_of(*arguments: str) -> Rows:
    """Of standard output alone, of which every line is an object."""
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert result.exit_code in {0, 2}, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def commands(
    below: Mapping[str, click.Command], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in below.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command.commands, (*path, name))


def table_printers() -> set[str]:
    """Every function of the command line that prints a table, or calls one that does."""
    calls: dict[str, set[str]] = {}
    for path in Path(image_assets.cli.__path__[0]).glob("*.py"):
        for each in ast.walk(ast.parse(path.read_text())):
            if isinstance(each, ast.FunctionDef):
                names = (node.func for node in ast.walk(each) if isinstance(node, ast.Call))
                calls.setdefault(each.name, set()).update(name.id for name in names if isinstance(name, ast.Name))
    found = {"print_rows", "print_frame"}
    while more := {name for name, called in calls.items() if called & found} - found:
        found |= more
    return found


def test_every_command_that_prints_a_table_offers_rows() -> None:
    printers = table_printers()
    silent = [
        " ".join(path)
        for path, command in commands({name: load_command(name) for name in PLACES})
        if command.callback and command.callback.__name__ in printers and "json" not in options_of(command)
    ]
    assert {"print_status", "_print_story", "duplicates", "search", "erase"} <= printers
    assert silent == []


def options_of(command: click.Command) -> set[str | None]:
    return {parameter.name for parameter in command.params}


@pytest.mark.parametrize(
    ("command", "columns"),
    [
        (["status"], {"day", "seen", "accepted", "rejected", "reasons"}),
        (["sql", "select image_id, day, label, tags from gold_images"], {"image_id", "day", "label", "tags"}),
        (["why", "note.txt"], {"image_id", "day", "source_uri", "at", "where", "what", "facts", "objects", "run"}),
        (["search"], {"score", "image_id", "raw_name", "day", "user_id"}),
        (["settings"], {"name", "value", "meaning"}),
        (["models"], {"name", "dimension", "is_here"}),
        (["doctor"], {"is_well", "what", "finding"}),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_rows_have_plain_names(full_home: Path, command: list[str], columns: set[str]) -> None:
    rows = rows_of(*command)
    assert rows
    assert columns <= rows[0].keys()


def test_a_plan_tells_tables_and_days_in_numbers(
    damaged_home: Path, invoke: Invoke, draw: Callable[..., bytes]
) -> None:
    (damaged_home / "more.jpg").write_bytes(draw((90, 20, 20)))
    invoke("add", str(damaged_home / "more.jpg"), "--user", "bob")
    rows = rows_of("plan")
    (table,) = [row for row in rows if row.get("table") == "bronze_images"]
    days = [row["to_compute"] for row in rows if "to_compute" in row]
    assert sum(each["bronze_images"] for each in days if isinstance(each, dict)) == table["new"] > 0


@pytest.mark.parametrize("command", [["duplicates"], ["classifier", "list"], ["keys", "list"], ["scrub", "--all"]])
def test_no_row_is_no_line(full_home: Path, command: list[str]) -> None:
    assert rows_of(*command) == []


def test_values_are_whole_nulls_are_null_and_instants_are_iso(full_home: Path, yesterday: date) -> None:
    statement = "select repeat('x', 300) as text, null as nothing, day, uploaded_at, raw_name from gold_images"
    row = next(row for row in rows_of("sql", statement) if "red" in str(row["raw_name"]))
    assert (row["text"], row["nothing"], row["day"]) == ("x" * 300, None, f"{yesterday}")
    assert str(row["uploaded_at"]).endswith("+00:00")
    assert row["raw_name"] == "red\x1b[31mshirt\x07.jpg"


def test_notes_and_progress_go_to_standard_error(full_home: Path, yesterday: date) -> None:
    result = CliRunner().invoke(cli, ["run", "--day", f"{yesterday}", "--json"])
    (row,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert row["accepted"] == 3
    assert "exit code 2" in result.stderr


def test_the_next_command_prints_a_table_again(full_home: Path, invoke: Invoke) -> None:
    rows_of("status")
    assert "Images by day" in invoke("status").stdout


def test_an_erased_image_is_one_row_and_its_question_is_no_row(damaged_home: Path) -> None:
    image_id = str(rows_of("search")[0]["image_id"])
    result = CliRunner().invoke(cli, ["erase", image_id, "--no-run", "--json"], input="y\n")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {row["image_id"] for row in rows} == {image_id}
    assert rows[-1]["erased_at"]
    assert "Erase this for good?" in result.stderr
