"""What a CSV tells of single files, looked up one by one: it may be larger than memory."""

import csv
import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from image_assets.errors import ConfigurationError
from image_assets.labels import normalise_label, normalise_name

_ADVICE: Final = "correct the list and migrate again"


@dataclass(frozen=True, slots=True)
class Told:
    """What a line tells of one file; None where it says nothing."""

    user_id: str | None = None
    label: str | None = None
    uploaded_at: datetime | None = None


NOTHING: Final = Told()


class ListedFiles:
    """A list in a database of its own; `lines` is how many files it names, `used` how many it was asked for."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.used = 0
        self.lines = int(database.execute("SELECT count(*) FROM told").fetchone()[0])

    def told(self, path: bytes) -> Told | None:
        """What is told of a path; None for nothing."""
        query = "SELECT user_id, label, uploaded_at FROM told WHERE path = ?"
        row = self._database.execute(query, [_key(os.fsdecode(path))]).fetchone()
        if row is None:
            return None
        self.used += 1
        return Told(row[0], row[1], datetime.fromisoformat(row[2]) if row[2] else None)


@contextmanager
def read_listed(path: Path) -> Iterator[ListedFiles]:
    """The list of a CSV with the columns file, user_id, label, uploaded_at, of which only the first must be there.

    Raises:
        ConfigurationError: a column or value is missing or not of its kind, or a file is named twice; says which line.
    """
    with tempfile.TemporaryDirectory(prefix="image-assets-") as folder:
        database = sqlite3.connect(Path(folder) / "list")
        try:
            database.execute("CREATE TABLE told (path BLOB PRIMARY KEY, user_id, label, uploaded_at) WITHOUT ROWID")
            for line, row in _lines(path):
                _keep(database, path, line, row)
            yield ListedFiles(database)
        finally:
            database.close()


def digest_of(path: Path) -> str:
    """What tells a list from another."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "file" not in (reader.fieldnames or ()):
                raise ConfigurationError(f"{path} has no column named file")
            for row in reader:
                yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path} is no CSV in UTF-8: {error}") from error


def _keep(database: sqlite3.Connection, path: Path, line: int, row: Mapping[str, str]) -> None:
    where = f"line {line} of {path}"
    if not row["file"]:
        raise ConfigurationError(f"{where} has no value in the column file: {_ADVICE}")
    label = row.get("label") or ""
    if label.strip() and not normalise_label(label):
        raise ConfigurationError(f"{where}: the label has nothing that can be seen: {_ADVICE}")
    told = row.get("user_id") or None, normalise_label(label) or None, _instant(where, row)
    try:
        database.execute("INSERT INTO told VALUES (?, ?, ?, ?)", [_key(row["file"]), *told])
    except sqlite3.IntegrityError as error:
        raise ConfigurationError(f"{where}: {row['file']} is named before: {_ADVICE}") from error


def _instant(where: str, row: Mapping[str, str]) -> str | None:
    if not row.get("uploaded_at"):
        return None
    try:
        told = datetime.fromisoformat(row["uploaded_at"])
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"{where}: uploaded_at of {row['file']}: {error}; {_ADVICE}") from error


def _key(path: str) -> bytes:
    """As paths are compared: a list made on Windows has backslashes, one made on a Mac other accents."""
    return normalise_name(path.replace("\\", "/")).encode("utf-8", "surrogateescape")
