"""`plan`, `why` and `retry`: what would be done, what was done, and doing it again."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.errors import UnknownImageError

Invoke = Callable[..., Result]


@pytest.fixture
def late_home(damaged_home: Path, invoke: Invoke, yesterday: date) -> Path:
    """The full lake, whose uploads look new because they were copied, and one late file."""
    (damaged_home / "late.txt").write_text("no picture either")
    invoke("add", str(damaged_home / "late.txt"), "--day", yesterday.isoformat(), "--user", "ann")
    return damaged_home


def test_there_is_nothing_to_do_after_a_run(full_home: Path, invoke: Invoke) -> None:
    result = invoke("plan")
    assert (result.exit_code, result.output.strip()) == (0, "found nothing to compute: 0 of 1 days")


def test_a_plan_says_what_a_late_file_costs(late_home: Path, invoke: Invoke, yesterday: date) -> None:
    result = invoke("plan")
    assert f"│ {yesterday} │    5 │" in result.output
    assert "1 of 1 days" in result.output


def test_a_plan_is_a_table_in_a_terminal_of_80_columns(
    late_home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = invoke("plan").output
    assert [line for line in told.splitlines() if line.startswith("┃")] != []
    assert max(len(line) for line in told.splitlines() if line[:1] in "┏┃┡│└") <= 80
    assert re.search(r"│ +image_predictions +│ +\d", told)


def test_a_plan_computes_nothing(late_home: Path, invoke: Invoke) -> None:
    before = {path: path.stat().st_mtime_ns for path in (late_home / "lake").rglob("*")}
    invoke("plan")
    assert {path: path.stat().st_mtime_ns for path in (late_home / "lake").rglob("*")} == before


def test_a_plan_of_other_days_finds_nothing_to_do(late_home: Path, invoke: Invoke) -> None:
    assert "0 of 2 days" in invoke("plan", "--from", "2026-03-01", "--to", "2026-03-02").output


@pytest.mark.parametrize(
    ("only", "days"),
    [("failed", 0), ("stale", 0), ("missing", 0), ("reason=not_an_image", 1), ("reason=empty", 0), ("model<1", 1)],
)
def test_a_plan_may_be_of_certain_days_only(full_home: Path, invoke: Invoke, only: str, days: int) -> None:
    assert f"{days} of 1 days" in invoke("plan", "--only", only).output


def test_a_plan_tells_which_choices_there_are(full_home: Path, invoke: Invoke) -> None:
    result = invoke("plan", "--only", "reason=ugly")
    assert (result.exit_code, "reason=truncated" in result.output) == (2, True)


@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize("number", ["0", "-1", "1.5", "head-1", ""])
def test_a_version_that_is_no_number_is_wrong_usage(home: Path, invoke: Invoke, command: str, number: str) -> None:
    result = invoke(command, "--only", f"model<{number}")
    assert (result.exit_code, "see: image-assets classifier list" in result.output) == (2, True)


def test_a_plan_says_that_nothing_timed_a_captioner(
    full_home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    monkeypatch.setenv("IMAGE_ASSETS_CAPTIONER", str(tmp_path))
    output = invoke("plan").output
    assert "timed under another recipe only, so perhaps far off: image_captions" in output


def test_a_plan_before_the_first_run_says_that_nothing_was_timed(
    full_home: Path, invoke: Invoke, tmp_path: Path
) -> None:
    (tmp_path / "dagster.yaml").write_text(f"storage: {{sqlite: {{base_dir: {tmp_path}}}}}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(tmp_path))
        patch.setenv("IMAGE_ASSETS_WATERMARK_TEXT", "(c) someone else")
        output = invoke("plan").output
    assert "because no recent run timed it: watermarked_previews, everything else" in " ".join(output.split())


@pytest.mark.parametrize(("only", "days"), [("stale", 0), ("failed", 0), ("model<1", 1)])
def test_a_run_may_be_of_certain_days_only(
    full_home: Path, invoke: Invoke, yesterday: date, only: str, days: int
) -> None:
    output = invoke("run", "--day", yesterday.isoformat(), "--only", only).output
    assert (f"{days} of 1 days: {only}" in output, output.count("Images by day")) == (True, days)


def test_a_run_of_days_that_lack_something_takes_a_damaged_day_and_names_its_file(
    damaged_home: Path, invoke: Invoke, yesterday: date
) -> None:
    (damaged_home / "lake" / "tables" / "silver_images" / f"{yesterday}.parquet").write_bytes(b"PAR1 no more")
    assert f"derivatives: {yesterday}: " in invoke("run", "--only", "missing").output


def test_a_run_of_rejected_files_is_a_retry(full_home: Path, invoke: Invoke) -> None:
    result = invoke("run", "--only", "reason=not_an_image")
    assert (result.exit_code, "image-assets retry --reason not_an_image" in result.output) == (2, True)


def test_days_that_failed_are_found(damaged_home: Path, invoke: Invoke, yesterday: date) -> None:
    (damaged_home / "lake" / "tables" / "bronze_images" / f"{yesterday}.parquet").write_bytes(b"PAR1 no more")
    invoke("run", "--day", yesterday.isoformat())
    (damaged_home / "lake" / "tables" / "bronze_images" / f"{yesterday}.parquet").unlink()
    assert "│ failed   │" in invoke("plan", "--only", "failed").output


def test_a_damaged_table_does_not_hold_the_plan_of_other_days(
    damaged_home: Path, invoke: Invoke, yesterday: date
) -> None:
    (damaged_home / "lake" / "tables" / "silver_images" / f"{yesterday}.parquet").write_bytes(b"PAR1 no more")
    result = invoke("plan")
    assert (result.exit_code, f"{yesterday} cannot be planned" in result.output) == (0, True)


def test_why_tells_the_story_of_an_image_by_its_name(full_home: Path, invoke: Invoke) -> None:
    output = invoke("why", "blue [bold]shoe.jpg").output
    assert all(
        word in output for word in ("landing", "accepted", "silver_images", "gold_images", "raw_name blue [bold]")
    )


def test_why_names_the_run(full_home: Path, invoke: Invoke) -> None:
    import dagster as dg

    from image_assets.orchestration.instance.opening import open_instance

    with open_instance() as instance:
        runs = {run.run_id for run in instance.get_runs(dg.RunsFilter(job_name="daily_images"))}
    assert any(run in invoke("why", "blue [bold]shoe.jpg").output for run in runs)


def test_why_tells_the_reason_of_a_rejection(full_home: Path, invoke: Invoke) -> None:
    (note,) = (path for path in (full_home / "lake" / "landing").rglob("*.txt"))
    assert "reason not_an_image" in invoke("why", str(note)).output


def test_why_takes_a_file_of_the_same_bytes(full_home: Path, invoke: Invoke) -> None:
    assert "accepted" in invoke("why", str(full_home / "blue [bold]shoe.jpg")).output


def test_of_what_nobody_knows_why_says_so(full_home: Path, invoke: Invoke) -> None:
    result = invoke("why", "unicorn.jpg")
    assert isinstance(result.exception, UnknownImageError)
    assert "nothing is known of 'unicorn.jpg'" in str(result.exception)


def test_a_retry_tries_the_rejected_files_again(damaged_home: Path, invoke: Invoke, yesterday: date) -> None:
    (note,) = (path for path in (damaged_home / "lake" / "landing").rglob("*.txt"))
    result = invoke("retry", "--reason", "not_an_image")
    assert "1 files of 1 days are tried again" in result.output
    assert (result.exit_code, note.is_file()) == (2, True)


def test_a_retry_of_what_never_happened_runs_nothing(full_home: Path, invoke: Invoke) -> None:
    result = invoke("retry", "--reason", "timeout")
    assert (result.exit_code, "0 files of 0 days" in result.output, "Images by day" in result.output) == (
        0,
        True,
        False,
    )


def test_a_retry_needs_a_reason(full_home: Path, invoke: Invoke) -> None:
    assert invoke("retry").exit_code == 2


def test_a_run_with_rejected_files_exits_with_2(run_of_yesterday: Result) -> None:
    assert run_of_yesterday.exit_code == 2


def test_a_run_of_good_images_exits_with_0(
    full_home: Path, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, yesterday: date
) -> None:
    monkeypatch.setenv("IMAGE_ASSETS_ROOT", str(tmp_path / "other"))
    invoke("add", str(full_home / "blue [bold]shoe.jpg"), "--day", yesterday.isoformat())
    assert invoke("run", "--day", yesterday.isoformat()).exit_code == 0
