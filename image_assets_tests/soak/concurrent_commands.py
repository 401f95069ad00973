"""Commands at once, two and then five of them, in new homes and in old ones: each ends as if it were alone.

`python -m image_assets_tests.soak.concurrent_commands --minutes 60`
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from image_assets.settings import PREFIX
from image_assets_tests.soak.homes import Home, end, last_days, new_home, twin

_TIMEOUT_S = 400.0


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="No round begins after that.")
@click.option("--rounds", type=click.IntRange(1), help="At most so many; a round has a new home and an old one.")
@click.option("--images", default=4, show_default=True, help="Uploads a day.")
@click.option("--folder", type=click.Path(path_type=Path), help="A new folder that stays; else one that goes.")
def main(minutes: float, rounds: int | None, images: int, folder: Path | None) -> None:
    """Start commands at once, round after round, and say how they ended."""
    with tempfile.TemporaryDirectory() as temporary:
        done, commands, problems = _soak(folder or Path(temporary), minutes * 60, rounds, images)
    click.echo(f"{done} rounds, {commands} commands, {len(problems)} problems")
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(bool(problems))


def _soak(folder: Path, seconds: float, rounds: int | None, images: int) -> tuple[int, int, list[str]]:
    give_up_at, done, commands = time.monotonic() + seconds, 0, 0
    days = last_days(3)
    old = new_home(folder / "old", days, images)
    problems: list[str] = []
    while time.monotonic() < give_up_at and (rounds is None or done < rounds):
        size = (2, 5)[done % 2]
        new = twin(old, folder / f"new-{done}")
        for home in (new, old):
            asked = _commands([str(day) for day in days])[:size]
            problems += [f"round {done}: {each}" for each in _at_once(home, asked, done)]
            commands += size + 2
        done += 1
    return done, commands, problems


def _commands(days: Sequence[str]) -> list[list[str]]:
    """The first two are two runs of one day, the worst of all."""
    return [["run", "--day", days[2]], ["run", "--day", days[2]], ["run", "--from", days[0], "--to", days[1]],
            ["plan"], ["doctor"]]  # fmt: skip


def _at_once(home: Home, commands: Sequence[Sequence[str]], number: int) -> list[str]:
    """Start them, wait for all, and let doctor and status look; what went wrong."""
    began = time.monotonic()
    # Another watermark is something to do in a home that has everything.
    text = {f"{PREFIX}WATERMARK_TEXT": f"round {number}"}
    started = [home.start(*command, **text) for command in commands]
    endings = [end(process, _TIMEOUT_S) for process in started]
    codes = ", ".join(f"{each.command.split()[0]} {each.code}" for each in endings)
    endings += [home.run("doctor"), home.run("status")]
    problems = [each.problem for each in endings if each.problem]
    # Two commands run one day only, so that a new home lacks the others.
    is_whole = len(commands) > 2
    problems += [f"status: {line}" for line in endings[-1].words.splitlines() if "no summary" in line and is_whole]
    click.echo(
        f"round {number}, {home.folder.name}: {len(commands)} commands in {time.monotonic() - began:.0f} s ({codes}); "
        f"{len(problems)} problems"
    )
    return problems


if __name__ == "__main__":
    main()
