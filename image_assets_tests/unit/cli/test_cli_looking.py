"""`settings`, `status` and `sql`: they look, and change nothing."""

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.errors import ConfigurationError, TableError
from image_assets.settings import PREFIX, Settings
from image_assets.tables.catalogue import TABLES

Invoke = Callable[..., Result]


def test_every_setting_is_shown_by_its_whole_name_in_a_narrow_terminal(
    home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = invoke("settings").output.split()
    assert [name for name in Settings.model_fields if f"{PREFIX}{name.upper()}" not in shown] == []


def test_the_value_in_force_is_shown(home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_ASSETS_WATERMARK_TEXT", "(c) [bold]ACME")
    assert "(c) [bold]ACME" in invoke("settings").output


def test_a_setting_that_does_not_exist_is_an_error(home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_ASSETS_WATERMARKTEXT", "x")
    result = invoke("settings")
    assert isinstance(result.exception, ConfigurationError)
    assert "did you mean IMAGE_ASSETS_WATERMARK_TEXT?" in str(result.exception)


def test_a_run_of_a_day_shows_what_became_of_it(run_of_yesterday: Result, yesterday: date) -> None:
    assert run_of_yesterday.exit_code == 2, run_of_yesterday.exception
    (row,) = [line for line in run_of_yesterday.output.splitlines() if line.startswith(f"│ {yesterday}")]
    assert row.replace("│", " ").split() == [str(yesterday), "4", "3", "3", "1", "not_an_image", "1"]


def test_status_shows_every_day(full_home: Path, invoke: Invoke, yesterday: date) -> None:
    assert f"│ {yesterday} │" in invoke("status").output


def test_status_names_a_day_that_is_not_complete(damaged_home: Path, invoke: Invoke, yesterday: date) -> None:
    (damaged_home / "lake" / "tables" / "daily_summary" / f"{yesterday}.parquet").unlink()
    assert f"{yesterday} has no summary yet: image-assets run --day {yesterday}" in invoke("status").output


def test_status_says_nothing_of_days_that_are_complete(full_home: Path, invoke: Invoke) -> None:
    result = invoke("status")
    assert (result.exit_code, "no summary" in result.output) == (0, False)


def test_the_status_of_an_empty_lake_is_an_empty_table(home: Path, invoke: Invoke) -> None:
    result = invoke("status")
    assert (result.exit_code, "Images by day" in result.output) == (0, True)


def test_a_period_of_the_status_can_be_meant(full_home: Path, invoke: Invoke, yesterday: date) -> None:
    assert f"│ {yesterday} │" in invoke("status", "--day", str(yesterday)).output
    assert f"│ {yesterday} │" in invoke("status", "--from", str(yesterday), "--to", str(yesterday)).output
    before = invoke("status", "--day", "2026-02-03")
    assert (before.exit_code, str(yesterday) in before.output) == (0, False)


def test_numbers_stand_to_the_right(full_home: Path, invoke: Invoke, yesterday: date) -> None:
    assert f"│ {yesterday} │    4 │        3 │" in invoke("status").output


def test_a_stray_file_among_the_tables_is_no_day(damaged_home: Path, invoke: Invoke) -> None:
    (damaged_home / "lake" / "tables" / "daily_summary" / ".DS_Store").write_bytes(b"")
    assert invoke("status").exit_code == 0


def test_sql_shows_a_table(full_home: Path, invoke: Invoke) -> None:
    assert "│ 3 │" in invoke("sql", "select count(*) as n from gold_images").output


def test_sql_gives_csv(full_home: Path, invoke: Invoke) -> None:
    rows = csv.DictReader(io.StringIO(invoke("sql", "--csv", "select user_id, label from gold_images").output))
    assert [*rows] == [{"user_id": "ann", "label": ""}] * 3


def test_sql_reads_every_table(full_home: Path, invoke: Invoke) -> None:
    names = [*(table.name for table in TABLES), "image_embeddings", "image_predictions"]
    counts = " union all ".join(f"select '{name}' as name, count(*) as n from {name}" for name in names)
    rows = csv.DictReader(io.StringIO(invoke("sql", "--csv", counts).output))
    empty = {row["name"] for row in rows if row["n"] == "0"}
    assert empty == {"image_text"}, "text is not read unless it is asked for; every other table has rows"


@pytest.mark.parametrize("statement", ["select nothing", "selec", "from nowhere"])
def test_sql_that_fails_says_why(full_home: Path, invoke: Invoke, statement: str) -> None:
    result = invoke("sql", statement)
    assert isinstance(result.exception, TableError)
    assert "the query failed" in str(result.exception)


@pytest.mark.parametrize(
    "statement",
    [
        "drop table gold_images",
        "copy (select 1) to 'out.csv'",
        "attach 'other.duckdb'",
        "set threads = 1",
        "select 1; create table t as select 1",
        "",
    ],
)
def test_sql_that_would_do_more_than_read_is_refused(home: Path, invoke: Invoke, statement: str) -> None:
    result = invoke("sql", statement)
    assert isinstance(result.exception, TableError)
    assert "read with SELECT" in str(result.exception)
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_sql_explains_a_query(home: Path, invoke: Invoke) -> None:
    assert invoke("sql", "explain select 1").exit_code == 0


@pytest.mark.parametrize("name", ["[/red]", "[bold]x"])
def test_a_column_is_shown_under_its_name(full_home: Path, invoke: Invoke, name: str) -> None:
    assert name in invoke("sql", f'select 1 as "{name}"').output


@pytest.mark.parametrize(
    "arguments", [["search", "red"], ["sql", "select raw_name from bronze_images"], ["status"]], ids=lambda a: a[0]
)
def test_no_control_character_of_a_name_reaches_the_terminal(
    full_home: Path, invoke: Invoke, arguments: list[str]
) -> None:
    output = invoke(*arguments).stdout
    assert {letter for letter in output if not letter.isprintable()} == {"\n"}


def test_a_name_with_markup_is_shown_as_it_is(full_home: Path, invoke: Invoke) -> None:
    assert "blue [bold]shoe.jpg" in invoke("sql", "select raw_name from gold_images").output


def test_csv_is_safe_for_a_terminal_and_a_spreadsheet(full_home: Path, invoke: Invoke) -> None:
    output = invoke("sql", "--csv", "select raw_name, '=1+1' as label, -5 as number from gold_images").output
    rows = list(csv.DictReader(io.StringIO(output)))
    assert {row["raw_name"] for row in rows} == {"red�[31mshirt�.jpg", "white hat.jpg", "blue [bold]shoe.jpg"}
    assert {(row["label"], row["number"]) for row in rows} == {("'=1+1", "-5")}


def test_exact_csv_holds_the_names_as_they_are(full_home: Path, invoke: Invoke) -> None:
    output = invoke("sql", "--csv", "--exact", "select raw_name from gold_images").output
    rows = csv.DictReader(io.StringIO(output, newline=""))
    assert {"red\x1b[31mshirt\x07.jpg", "white\nhat.jpg", "blue [bold]shoe.jpg"} == {row["raw_name"] for row in rows}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--day", "2026-03-01", "--from", "2026-03-01"],
        ["--to", "2026-03-01"],
        ["--from", "2026-03-02", "--to", "2026-03-01"],
        ["--day", "yesterday"],
    ],
)
def test_a_period_that_makes_no_sense_is_wrong_usage(home: Path, invoke: Invoke, arguments: list[str]) -> None:
    assert invoke("run", *arguments).exit_code == 2


def test_a_run_outside_a_repository_says_what_to_do(home: Path, invoke: Invoke) -> None:
    result = invoke("run")
    assert isinstance(result.exception, ConfigurationError)
    assert "set DAGSTER_HOME" in str(result.exception)


def test_a_run_that_fails_says_so_in_words(damaged_home: Path, invoke: Invoke, yesterday: date) -> None:
    (damaged_home / "lake" / "tables" / "silver_images" / f"{yesterday}.parquet").write_bytes(b"PAR1 no more")
    result = invoke("run", "--day", yesterday.isoformat())
    assert f"derivatives: {yesterday}: " in result.output
    assert "of 2 runs failed" in str(result.exception)


@pytest.mark.parametrize("arguments", [["status"], ["sql", "select 1"]], ids=lambda a: a[0])
def test_a_table_file_that_is_no_parquet_is_told_in_words(
    damaged_home: Path, invoke: Invoke, arguments: list[str]
) -> None:
    (file,) = (damaged_home / "lake" / "tables" / "daily_summary").iterdir()
    file.write_bytes(b"PAR1 no more")
    assert isinstance(invoke(*arguments).exception, TableError)


def test_what_is_printed_of_a_table_is_cut_to_a_line(full_home: Path, invoke: Invoke) -> None:
    assert "x" * 59 + "…" in invoke("sql", f"select '{'x' * 80}' as long").output
