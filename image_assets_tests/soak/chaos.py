"""A few days of a lake under kills, outages, full disks and power cuts: in the end it is the lake of a quiet life.

`python -m image_assets_tests.soak.chaos --rounds 50 --seed 1 --postgres`
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path

import click
import polars as pl

from image_assets.errors import RejectionReason
from image_assets_tests.servers.postgres import PostgresServer, running_server
from image_assets_tests.soak.disturbances import DISTURBANCES, Story, Victim
from image_assets_tests.soak.homes import GOOD, Home, end, last_days, new_home
from image_assets_tests.soak.likeness import unlike
from image_assets_tests.soak.own_disk import OwnDisk, own_disk
from image_assets_tests.soak.script import ARCHIVE, LAKE, PUBLISHED, Step, live, short_steps, steps_of

_KILLED = {-number for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)} | {130}
_DEADLY = ("kill command", "kill tree", "power cut")
_PATIENT = {"power cut", "kill worker", "kill daemon"}
_OF_RUNS = {"kill worker", "kill daemon"}
_OF_DISKS = {"full disk", "power cut"}
_EARLY = 0.6
_TOLD = 1
_SETTINGS = {
    "CHUNK_SIZE": "4",
    "WORKERS": "1",
    "DELTA": PUBLISHED,
    "ARCHIVE_ROOT": ARCHIVE,
    # Published addresses are then the same in both homes.
    "SERVICE_URL": "https://photos.example",
}
_TIMEOUT_S = 600.0
_PER_STEP = 8


@dataclass
class Chaos:
    """Two homes that live through one script, one of them undisturbed.

    Attributes:
        disturbed: the one that is.
        quiet: the other.
        chance: of all choices.
        kinds: what may come.
        database: of published copies, if there is one.
        disk: that of the disturbed home, if it has one of its own.
        usual_s: how long the commands took undisturbed, last.
        stories: what came.
        problems: what was found.
    """

    disturbed: Home
    quiet: Home
    chance: random.Random
    kinds: Sequence[str]
    database: PostgresServer | None = None
    disk: OwnDisk | None = None
    usual_s: dict[str, float] = field(default_factory=dict)
    stories: list[tuple[str, Story]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def live_through(self, step: Step, rounds: int) -> None:
        """The command again and again until it has done its work, disturbed; meanwhile the quiet home once."""
        self.quiet, self.disturbed = live(self.quiet, step), live(self.disturbed, step)
        # What others deliver is on the disk.
        os.sync()
        with ThreadPoolExecutor(1) as beside:
            quiet = beside.submit(self._timed, step)
            usual_s = self.usual_s.get(step.command[0]) or quiet.result()
            limit = len(self.stories) + rounds
            while len(self.stories) < limit and self._call(step, usual_s, limit) not in GOOD:
                pass
            self.usual_s[step.command[0]] = quiet.result()
        self.calm_down(step.command)

    def calm_down(self, command: Sequence[str]) -> None:
        """In peace; a worker that died with an image has had it rejected, which is another matter."""
        self._expect(self.disturbed, command)
        if _has_crashed(self.disturbed):
            self._expect(self.disturbed, ("retry", "--reason", RejectionReason.WORKER_CRASHED.value))

    def compare(self, databases: tuple[str, str] | None) -> None:
        """All once more in peace, and then both homes are looked at."""
        for home in (self.quiet, self.disturbed):
            self._expect(home, ("run", "--from", str(home.first_day), "--to", str(last_days(1)[0])))
        self._expect(self.disturbed, ("doctor",))
        if not self.stories:
            self._complain("nothing was disturbed: each command had ended before its moment came")
        self.problems += unlike(self.disturbed, self.quiet, databases, self.database)

    def _call(self, step: Step, usual_s: float, limit: int) -> int | None:
        """Call the command and disturb it until it ends; its exit code."""
        began, process, allowed = time.time(), self.disturbed.start(*step.command), {*GOOD}
        # Who looks at images is at work early.
        kinds = [kind for kind in self.kinds if step.command[0] == "run" or kind not in _OF_RUNS]
        first = [kind for kind in kinds if kind in _PATIENT] if self.chance.random() < _EARLY else kinds
        kind = self.chance.choice(first or kinds)
        # A power cut waits for something that is at risk by itself, and who kills a worker for one.
        while len(self.stories) < limit and _is_at_work(process, self._moment_s(kind) * usual_s):
            at = self._whereabouts(began)
            story = DISTURBANCES[kind](Victim(self.disturbed, process, self.chance, self.database, self.disk))
            self._note(step, kind, story, f"{at} to {self._whereabouts(began)}")
            allowed |= {_TOLD, *(_KILLED if kind in _DEADLY else ())}
            kind = self.chance.choice(kinds)
        code = self._judge(process, allowed)
        click.echo(f"exit code {code} after {time.time() - began:.0f} s")
        return code

    def _moment_s(self, kind: str) -> float:
        return self.chance.uniform(0.1, 0.2 if kind in _PATIENT else 0.8)

    def _note(self, step: Step, kind: str, story: Story, where: str) -> None:
        self.problems += story.problems
        if story.came:
            self.stories.append((kind, story))
        number = str(len(self.stories)) if story.came else "missed"
        click.echo(f"| {number} | {step.name} | {kind} | {story.told} | {where} |")
        for problem in story.problems:
            click.echo(problem, err=True)

    def _timed(self, step: Step) -> float:
        began = time.monotonic()
        self._expect(self.quiet, step.command)
        return time.monotonic() - began

    def _whereabouts(self, began: float) -> str:
        run_id = self.disturbed.newest_run(began)
        return self.disturbed.step_of(run_id) if run_id else "before its run"

    def _expect(self, home: Home, command: Sequence[str]) -> None:
        ending = home.run(*command, timeout_s=_TIMEOUT_S)
        if ending.problem:
            self._complain(f"in peace: {ending.problem}")

    def _judge(self, process: "subprocess.Popen[str]", allowed: set[int]) -> int | None:
        ending = end(process, _TIMEOUT_S)
        if ending.code not in allowed:
            self._complain(f"{ending.command}: {ending.code}\n{ending.words[-3000:]}")
        return ending.code

    def _complain(self, problem: str) -> None:
        problem = f"after round {len(self.stories)}: {problem}"
        click.echo(problem, err=True)
        self.problems.append(problem)


@click.command()
@click.option("--rounds", default=50, show_default=True, type=click.IntRange(1))
@click.option("--images", default=5, show_default=True, type=click.IntRange(3), help="Uploads a day.")
@click.option("--seed", default=1, show_default=True, help="Of the moments, of what comes, and of the uploads.")
@click.option("--short", is_flag=True, help="One day and three steps.")
@click.option("--postgres", is_flag=True, help="Gold is published to PostgreSQL, too, which crashes.")
@click.option("--only", multiple=True, type=click.Choice(list(DISTURBANCES)), help="What may come; all by default.")
@click.option("--folder", type=click.Path(path_type=Path), help="A new folder that stays; else one that goes.")
def main(
    rounds: int, images: int, seed: int, short: bool, postgres: bool, only: Sequence[str], folder: Path | None
) -> None:
    """Disturb command after command; what came, what was found, and how the two lakes differ in the end."""
    # Commands of a shell's background ignore it, and so would all that are started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(running_server(fsync="on")) if postgres else None
        names = (stack.enter_context(server.database()), stack.enter_context(server.database())) if server else None
        days = last_days(1 if short else 4)
        chaos = _begin(place, days, seed, stack, server, names, only)
        script = short_steps(days, images, seed) if short else steps_of(days, images, seed)
        _live(chaos, script, rounds, short=short)
        chaos.compare(names)
    _tell(chaos)
    sys.exit(bool(chaos.problems))


def _live(chaos: Chaos, script: Iterator[Step], rounds: int, *, short: bool) -> None:
    """A short script comes to its end; the long one goes on until there were as many rounds as wanted."""
    for number, step in enumerate(islice(script, 3) if short else script):
        left = rounds - len(chaos.stories)
        if number >= 10 and left <= 0:
            break
        chaos.live_through(step, min(_PER_STEP, left) if not short else -(-left // (3 - number)))


def _begin(
    place: Path,
    days: Sequence[date],
    seed: int,
    stack: ExitStack,
    server: PostgresServer | None,
    databases: tuple[str, str] | None,
    only: Sequence[str],
) -> Chaos:
    disk = stack.enter_context(own_disk(place / "disturbed"))
    homes = [new_home(place / name, days, 0).with_settings(_SETTINGS) for name in ("disturbed", "quiet")]
    if server and databases:
        for name in databases:
            server.execute("CREATE EXTENSION vector", name)
        homes = [
            home.with_settings({"POSTGRES": server.url(name)}) for home, name in zip(homes, databases, strict=True)
        ]
    without = ({"database crash"} if server is None else set()) | (set() if disk else _OF_DISKS)
    click.echo(f"seed {seed}; not possible here: {', '.join(sorted(without)) or 'nothing'}")
    kinds = [kind for kind in only or DISTURBANCES if kind not in without]
    return Chaos(*homes, random.Random(seed), kinds, server, disk)


def _is_at_work(process: "subprocess.Popen[str]", moment_s: float) -> bool:
    """Whether it is, at that moment."""
    try:
        process.wait(moment_s)
    except subprocess.TimeoutExpired:
        return True
    return False


def _has_crashed(home: Home) -> bool:
    rejections = (home.folder / LAKE / "tables" / "_rejections").rglob("*.parquet")
    reasons = [pl.read_parquet(file, columns=["reason"]).get_column("reason") for file in rejections]
    return any(RejectionReason.WORKER_CRASHED.value in each.cast(pl.String).to_list() for each in reasons)


def _tell(chaos: Chaos) -> None:
    kinds = Counter(kind for kind, _ in chaos.stories)
    cut = sum(story.cut for _, story in chaos.stories)
    click.echo(f"{len(chaos.stories)} rounds: {', '.join(f'{kind} {count}' for kind, count in kinds.most_common())}")
    click.echo(f"{cut} files were cut short; {len(chaos.problems)} problems")
    for problem in chaos.problems:
        click.echo(problem, err=True)


if __name__ == "__main__":
    main()
