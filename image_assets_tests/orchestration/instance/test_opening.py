"""Opening Dagster's instance: which one, by how many at once, and what is told when its files cannot be used."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer

import dagster as dg
import pytest

from image_assets.errors import ConfigurationError, StorageError
from image_assets.orchestration.instance.damage import describe_damage
from image_assets.orchestration.instance.opening import open_instance

STORAGE = "storage: {sqlite: {base_dir: %s}}\n"
FILES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
OPEN = """
from image_assets.orchestration.instance.opening import open_instance
with open_instance() as it: it.get_runs_count()
"""


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The current folder and another one; DAGSTER_HOME is not set."""
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder in (here, elsewhere):
        folder.mkdir()
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.chdir(here)
    return here, elsewhere


def test_the_instance_is_that_of_dagster_home(homes: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    _, elsewhere = homes
    for home in homes:
        (home / "dagster.yaml").write_text(STORAGE % (home / "kept"))
    monkeypatch.setenv("DAGSTER_HOME", str(elsewhere))
    with open_instance() as instance:
        instance.get_runs_count()
    assert [(home / "kept").is_dir() for home in homes] == [False, True]


def test_without_dagster_home_the_instance_is_that_of_the_current_folder(homes: tuple[Path, Path]) -> None:
    here, _ = homes
    (here / "dagster.yaml").write_text(STORAGE % "kept")
    with open_instance() as instance:
        instance.get_runs_count()
    assert (here / "kept").is_dir()


def test_without_either_the_message_says_what_to_do(homes: tuple[Path, Path]) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"no dagster.yaml in .*here: .* or set DAGSTER_HOME"),
        open_instance(),
    ):
        pass


@pytest.mark.parametrize("home", ["/no/such/folder", "relative"])
def test_a_dagster_home_that_is_no_folder_is_named(
    homes: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", home)
    with pytest.raises(ConfigurationError, match="DAGSTER_HOME"), open_instance():
        pass


@pytest.mark.parametrize("content", [b"- a list", b"storage: [", b"\xff\xfe", b"storage: {sqlite: {nonsense: 1}}"])
def test_a_dagster_yaml_that_says_nothing_is_named(homes: tuple[Path, Path], content: bytes) -> None:
    (homes[0] / "dagster.yaml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"here/dagster\.yaml"), open_instance():
        pass


@pytest.fixture
def kept(homes: tuple[Path, Path]) -> Path:
    """Where Dagster keeps its files; they are there and whole."""
    (homes[0] / "dagster.yaml").write_text(STORAGE % "kept")
    with open_instance():
        pass
    return homes[0] / "kept"


def heads(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [head for (head,) in connection.execute("select version_num from alembic_version")]


def test_programs_that_come_at_once_make_the_files_once(homes: tuple[Path, Path]) -> None:
    (homes[0] / "dagster.yaml").write_text(STORAGE % "kept")
    started = [subprocess.Popen([sys.executable, "-c", OPEN]) for _ in range(3)]
    assert [process.wait(timeout=100) for process in started] == [0, 0, 0]
    assert [len(heads(homes[0] / "kept" / file)) for file in FILES] == [1, 1, 1]


def test_what_a_killed_maker_left_does_not_matter(homes: tuple[Path, Path]) -> None:
    (homes[0] / "dagster.yaml").write_text(STORAGE % "kept")
    (homes[0] / "kept" / "making" / "history").mkdir(parents=True)
    (homes[0] / "kept" / "making" / "history" / "runs.db").write_bytes(b"half")
    with open_instance() as instance:
        assert instance.get_runs_count() == 0
    assert not (homes[0] / "kept" / "making").exists()


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_another_program_is_making_is_left_alone_until_it_has_its_version(kept: Path, file: str) -> None:
    (head,) = heads(kept / file)

    def version(statement: str) -> None:
        with closing(sqlite3.connect(kept / file)) as connection, connection:
            connection.execute(statement)

    version("delete from alembic_version")
    finish = Timer(0.5, version, [f"insert into alembic_version values ('{head}')"])
    finish.start()
    with open_instance() as instance:
        instance.get_runs_count()
    finish.join()
    assert heads(kept / file) == [head]


def garble(file: Path) -> None:
    file.write_bytes(b"no database " * 1000)


def give_two_heads(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("insert into alembic_version values ('5771160a95ad')")


def damage_a_page(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * 4096)


def make_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def read_everything(instance: dg.DagsterInstance) -> None:
    instance.get_runs_count()
    instance.fetch_materializations(dg.AssetKey("any"), limit=1)
    instance.all_instigator_state()


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("harm", "remedy"),
    [
        (garble, "is damaged .*: move it away"),
        (give_two_heads, "2 heads in alembic_version"),
        (make_a_folder, "cannot be opened .*: it has to be a file"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_remedy(
    kept: Path, file: str, harm: Callable[[Path], None], remedy: str
) -> None:
    harm(kept / file)
    with pytest.raises(StorageError, match=f"{kept / file} .*({remedy})"), open_instance() as instance:
        read_everything(instance)


@pytest.mark.parametrize("file", FILES)
def test_damage_that_no_reading_has_met_yet_is_found(kept: Path, file: str) -> None:
    assert describe_damage(kept) is None
    damage_a_page(kept / file)
    assert str(describe_damage(kept)).startswith(f"{kept / file} is damaged (")


@pytest.mark.parametrize("file", FILES)
def test_the_remedy_of_damage_helps(kept: Path, file: str) -> None:
    garble(kept / file)
    for each in (kept / file).parent.glob(f"{Path(file).name}*"):
        each.unlink()
    with open_instance() as instance:
        assert instance.get_runs_count() == 0


@pytest.fixture
def locked(kept: Path) -> Iterator[Path]:
    file = kept / "history" / "runs.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("begin immediate")
        yield file


def test_a_file_that_another_program_locks_is_named_with_its_remedy(locked: Path) -> None:
    with pytest.raises(StorageError, match=f"{locked} is locked by another program"), open_instance() as instance:
        instance.add_run(dg.DagsterRun("any"))


def test_trouble_that_is_not_dagsters_stays_what_it_is(kept: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_instance():
        _ = 1 / 0
