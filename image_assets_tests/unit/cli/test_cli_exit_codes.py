"""Exit codes of the script itself: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C (see the end-to-end tests)."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

SCRIPT = Path(sys.executable).with_name("image-assets")
PATIENCE_S = 60.0


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


def answer(arguments: list[str], question: str, act: Callable[[int, int], object]) -> tuple[int, str]:
    """Run in a terminal and act on its end and the process when the question is there; exit code and what was shown.

    Whoever is still waiting after a while is killed.
    """
    process, terminal = pty.fork()
    if process == 0:
        os.execv(SCRIPT, [str(SCRIPT), *arguments])
    shown, has_acted, end = b"", False, time.monotonic() + PATIENCE_S
    with suppress(OSError):  # the terminal is closed when the process ends
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                shown += os.read(terminal, 4096)
            if not has_acted and question.encode() in shown:
                time.sleep(0.5)  # the question is shown before its answer is waited for
                act(terminal, process)
                has_acted = True
                end = time.monotonic() + PATIENCE_S / 4
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL if time.monotonic() >= end else 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), shown.decode("utf-8", "replace")


def press_ctrl_c(terminal: int, _: int) -> None:
    os.write(terminal, termios.tcgetattr(terminal)[6][termios.VINTR])


def terminate(_: int, process: int) -> None:
    os.kill(process, signal.SIGTERM)


@pytest.fixture
def an_original(full_home: Path) -> Path:
    return next(path for path in (full_home / "lake/bronze").rglob("*") if path.is_file())


@pytest.mark.parametrize("act", [press_ctrl_c, terminate])
def test_whoever_is_interrupted_at_a_question_exits_at_once_with_130(
    an_original: Path, act: Callable[[int, int], None]
) -> None:
    code, shown = answer(["erase", an_original.stem], "Erase this for good?", act)
    assert (code, "interrupted" in shown, "nothing was done" in shown) == (130, True, False)
    assert an_original.exists()


def test_whoever_says_no_at_a_question_exits_with_1(an_original: Path) -> None:
    code, shown = answer(["erase", an_original.stem], "for good?", lambda terminal, _: os.write(terminal, b"n\n"))
    assert (code, "nothing was done" in shown, an_original.exists()) == (1, True, True)
