"""The manifest of `add`: a CSV that tells files apart by their path below the added folder."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from image_assets.cli.csv_file import read_csv
from image_assets.errors import ConfigurationError
from image_assets.labels import normalise_label, normalise_name
from image_assets.steps.images.added_files import AddedFile, ToldRow

_NAMED = 5
_ADVICE = "correct the manifest and add again"


def read_manifest(path: Path) -> Sequence[ToldRow]:
    """The rows of a manifest with the columns file, user_id, label, uploaded_at, of which only the first must be there.

    Raises:
        ConfigurationError: a column or value is missing or not of its kind; the message names the line.
    """
    columns, rows = read_csv(path)
    if "file" not in columns:
        raise ConfigurationError(f"{path} has no column named file")
    return [_told(path, line, row) for line, row in rows]


def match_rows(path: Path, rows: Sequence[ToldRow], files: Sequence[AddedFile]) -> Mapping[Path, ToldRow]:
    """The row of each file that has one.

    A row means the file with this path below the added folder; else the only file whose path ends with it, such as
    the only one of this name.

    Raises:
        ConfigurationError: a row means no file or several, or two rows mean one; nothing should be added.
    """
    by_path, by_name = _by_key(files, whole=True), _by_key(files, whole=False)
    chosen: dict[Path, ToldRow] = {}
    problems: list[str] = []
    for row in rows:
        fitting = _fitting(row.file, by_path, by_name)
        problem = _problem(row, fitting, chosen)
        if problem:
            problems.append(f"line {row.line}: {problem}")
        else:
            chosen[fitting[0].path] = row
    if problems:
        more = f"\n  and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        told = "\n  ".join(problems[:_NAMED])
        raise ConfigurationError(f"nothing was added: {_ADVICE}. In {path}\n  {told}{more}")
    return chosen


def _told(path: Path, line: int, row: Mapping[str, str]) -> ToldRow:
    if not row["file"]:
        raise ConfigurationError(f"line {line} of {path} has no value in the column file")
    label = row.get("label") or ""
    if label.strip() and not normalise_label(label):
        raise ConfigurationError(f"line {line} of {path}: the label has nothing that can be seen")
    return ToldRow(
        line=line,
        file=row["file"],
        user_id=row.get("user_id") or None,
        label=normalise_label(label) or None,
        uploaded_at=_instant(path, line, row),
    )


def _instant(path: Path, line: int, row: Mapping[str, str]) -> datetime | None:
    if not row.get("uploaded_at"):
        return None
    try:
        told = datetime.fromisoformat(row["uploaded_at"])
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"line {line} of {path}: uploaded_at of {row['file']}: {error}") from error


def _by_key(files: Sequence[AddedFile], *, whole: bool) -> Mapping[str, list[AddedFile]]:
    found: defaultdict[str, list[AddedFile]] = defaultdict(list)
    for file in files:
        found[normalise_name(file.below if whole else file.path.name)].append(file)
    return found


def _fitting(
    name: str, by_path: Mapping[str, list[AddedFile]], by_name: Mapping[str, list[AddedFile]]
) -> list[AddedFile]:
    """The files that a row may mean; a manifest made on Windows has backslashes."""
    for written in _ways_to_write(name):
        if found := by_path.get(str(written)):
            return found
    for written in _ways_to_write(name):
        if found := [file for file in by_name.get(written.name, []) if _ends_with(file, written)]:
            return found
    return []


def _ways_to_write(name: str) -> Iterator[PurePosixPath]:
    for text in dict.fromkeys((name, name.replace("\\", "/"))):
        yield PurePosixPath(normalise_name(text))


def _ends_with(file: AddedFile, written: PurePosixPath) -> bool:
    parts = PurePosixPath(normalise_name(file.path.absolute().as_posix())).parts
    return parts[-len(written.parts) :] == written.parts


def _problem(row: ToldRow, fitting: Sequence[AddedFile], chosen: Mapping[Path, ToldRow]) -> str | None:
    if not fitting:
        return f"{row.file} is not among the files to add: give its path below the folder, or take the line out"
    if len(fitting) > 1:
        which = " and ".join(str(file.path) for file in fitting[:2])
        return f"{row.file} fits {len(fitting)} files, such as {which}: give more of the path"
    if fitting[0].path in chosen:
        return f"{row.file} is the file of line {chosen[fitting[0].path].line} again: keep one of the lines"
    return None
