"""The files that a person adds, and what is told of each: by a manifest, else by its sidecar, else by the options."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from image_assets.lake.litter import is_litter
from image_assets.steps.images.landing import pair_sidecars
from image_assets.steps.images.sidecar import Sidecar, parse_sidecar
from image_assets.steps.images.uploads import UploadFacts


@dataclass(frozen=True, slots=True)
class AddedFile:
    """A file to add.

    Attributes:
        path: where it is.
        below: its path below the folder that was named, slash-separated; the name of a file that was named itself.
        sidecar: the sidecar beside it, if that was named too or lies in the same folder that was.
        is_named: whether a person named it, not only a folder of it.
    """

    path: Path
    below: str
    sidecar: Path | None = None
    is_named: bool = True

    @property
    def name(self) -> str:
        """Its name as text; bytes that are not UTF-8 are replaced."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class AddedFiles:
    """What is below the paths that a person named; `passed_over` is what operating systems leave in folders."""

    files: tuple[AddedFile, ...]
    passed_over: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ToldRow:
    """What a line of a manifest tells of one file; None where it says nothing."""

    line: int
    file: str
    user_id: str | None = None
    label: str | None = None
    uploaded_at: datetime | None = None


def find_added(paths: Iterable[Path], without: Path | None = None) -> AddedFiles:
    """Every file below the paths once, each with its sidecar; `without` is a manifest that lies among them."""
    found = {str(file.path.absolute()): file for file in _walk(paths)}
    if without:
        found.pop(str(without.absolute()), None)
    passed_over = [file.path for file in found.values() if is_litter(file.below)]
    kept = {place: file for place, file in found.items() if not is_litter(file.below)}
    sidecar_of = pair_sidecars(kept)
    sidecars = set(sidecar_of.values())
    files = [
        replace(file, sidecar=kept[sidecar_of[place]].path if place in sidecar_of else None)
        for place, file in kept.items()
        if place not in sidecars
    ]
    return AddedFiles(tuple(files), tuple(passed_over))


def tell_facts(
    file: AddedFile, row: ToldRow | None, usual: UploadFacts, *, is_day_given: bool
) -> tuple[UploadFacts, str | None]:
    """What is told of a file, and what of its sidecar could not be used.

    The manifest's word comes before the sidecar's, the sidecar's before `usual`. The day is that of the manifest's
    instant, else the one that was given, else that of the sidecar's instant.
    """
    row = row or ToldRow(0, file.below)
    sidecar, more, problem = _read_sidecar(file)
    day = usual.day
    if row.uploaded_at:
        day = row.uploaded_at.date()
    elif sidecar.uploaded_at and not is_day_given:
        day = sidecar.uploaded_at.date()
    facts = replace(
        usual,
        day=day,
        user_id=row.user_id or sidecar.user_id or usual.user_id,
        raw_name=sidecar.raw_name or file.name,
        uploaded_at=row.uploaded_at or sidecar.uploaded_at or usual.uploaded_at,
        label=row.label or sidecar.label or usual.label,
        more=more,
    )
    return facts, problem


def _walk(paths: Iterable[Path]) -> Iterator[AddedFile]:
    """What a person named comes last: of a file that lies in a named folder too, it is the word that counts."""
    for path in sorted(paths, key=lambda path: not path.is_dir()):
        if path.is_dir():
            for each in _entries_below(path):
                yield AddedFile(each, each.relative_to(path).as_posix(), is_named=False)
        else:
            yield AddedFile(path, path.name)


def _entries_below(folder: Path) -> Sequence[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_symlink() or not each.is_dir())


def _read_sidecar(file: AddedFile) -> tuple[Sidecar, Mapping[str, Any], str | None]:
    """The sidecar as understood, all its fields, and what is wrong with it."""
    if file.sidecar is None:
        return Sidecar(), {}, None
    if not file.sidecar.is_file():
        return Sidecar(), {}, f"{file.sidecar}: not a regular file"
    try:
        data = file.sidecar.read_bytes()
    except OSError as error:
        return Sidecar(), {}, f"{file.sidecar}: {error.strerror}"
    sidecar = parse_sidecar(data)
    if sidecar.problem:
        return sidecar, {}, f"{file.sidecar}: {sidecar.problem}"
    return sidecar, {name: value for name, value in json.loads(data).items() if value is not None}, None
