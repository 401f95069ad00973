"""Exit codes of the script itself: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C (see the end-to-end tests)."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("image-assets")


def execute(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False)


def test_a_command_that_is_done_exits_with_0(home: Path) -> None:
    assert execute("settings").returncode == 0


def test_a_command_that_failed_exits_with_1(home: Path) -> None:
    assert execute("sql", "selec").returncode == 1


def test_a_failure_is_told_without_a_trace(home: Path) -> None:
    errors = execute("sql", "selec").stderr
    assert errors.startswith("Error: the query failed: ")
    assert "Traceback" not in errors


def test_wrong_usage_exits_with_2(home: Path) -> None:
    assert execute("sql").returncode == 2


def test_an_unknown_command_exits_with_2(home: Path) -> None:
    assert execute("fly").returncode == 2


def test_looking_at_a_lake_leaves_the_teardown_quiet(home: Path) -> None:
    done = execute("status")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_stops_reading_is_no_failure(home: Path) -> None:
    pipeline = f"set -o pipefail; '{SCRIPT}' sql --csv 'from range(1000000)' | head -1"
    done = subprocess.run(["bash", "-c", pipeline], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "range\n", "")


def test_a_narrow_terminal_breaks_words_and_neither_days_nor_numbers(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    reasons = "'unsupported_format 3, not_an_image 2, truncated 1'"
    select = f"select date '2026-11-17' as day, 1234567 as seen, 0.125 as share, {reasons} as reasons"
    lines = execute("sql", select).stdout.splitlines()
    assert max(map(len, lines)) <= 60
    assert [line for line in lines if "│ 2026-11-17 │ 1234567 │ 0.125 │" in line]


def test_a_question_that_nobody_answers_does_nothing_and_says_so(full_home: Path) -> None:
    image_id = execute("sql", "--csv", "select image_id from gold_images limit 1").stdout.splitlines()[-1]
    done = subprocess.run([SCRIPT, "erase", image_id[:8]], input="", capture_output=True, text=True, check=False)
    assert (done.returncode, "nothing was done" in done.stderr) == (1, True)
    assert execute("why", image_id[:8]).returncode == 0
