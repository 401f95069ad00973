"""What happens to a lake over a few days: files come late, are replaced and leave, recipes change, people decide.

Every file has a time of its own, so that two homes that live through the script have the very same uploads.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path

from image_assets.ids import ObjectKey, Sha256, image_id_of
from image_assets.lake.object_keys import landing_prefix, source_uri_of
from image_assets.samples.feed import SampleFile, generate_feed
from image_assets_tests.soak.homes import Home

LAKE = Path("data", "lake")
ARCHIVE, PUBLISHED = "archive", "published"
"""Folders of a home."""
Files = Mapping[ObjectKey, bytes | None]
"""Files of the landing zone; None: it leaves."""


@dataclass(frozen=True)
class Step:
    """Something happens in the landing zone, settings change, and then a command is called.

    Attributes:
        name: in words.
        command: of the command line; it may be called again and again.
        files: what comes and leaves before it.
        settings: in force from then on.
    """

    name: str
    command: tuple[str, ...]
    files: Files = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def steps_of(days: Sequence[date], images: int, seed: int) -> Iterator[Step]:
    """Four days of uploads; then another watermark and a late file, again and again."""
    fed = [list(generate_feed([day], images, seed)) for day in days]
    late, first = fed[0][0], [_written(day) for day in (fed[0][1:], *fed[1:])]
    replaced, left = _photos(fed[1])[:2]
    erased = _photos(fed[0])[1], _photos(fed[2])[0]
    decided = [
        (file, label) for day, label in zip(fed, ("dress", "hat", "shoe"), strict=False) for file in _photos(day)[-1:]
    ]
    runs = _runs_of(days)
    yield Step("the first day", runs[0], first[0] | _broken(days[0]))
    yield Step("a second day, and a file that is late", runs[1], first[1] | _written([late]), _watermark(0))
    yield Step("a day in lots", runs[2], first[2], {"LOTS": "3"})
    yield Step("people decide", ("label", "--file", "labels.csv", "--by", "anna"), _table(decided))
    yield Step("what they decided is shown", runs[2])
    yield Step("an erasure", ("erase", *map(_id_of, erased), "--yes", "--by", "ticket 7"))
    yield Step("a file is replaced, another leaves", runs[2], _replaced(replaced, left, seed))
    yield Step("originals are archived", ("archive", "--older-than", "1"))
    yield Step("the last day", runs[3], first[3], {"LOTS": "1"} | _watermark(1))
    yield Step("originals come back", ("restore", "--day", str(days[0])))
    for number in count(2):
        file = next(generate_feed([days[number % 4]], 1, seed + number))
        yield Step(f"watermark {number}, and one more file", runs[3], _written([file]), _watermark(number))


def short_steps(days: Sequence[date], images: int, seed: int) -> Iterator[Step]:
    """One day in lots that grows, and of which an image is erased."""
    (fed,) = (list(generate_feed([day], images, seed)) for day in days[-1:])
    run = ("run", "--day", str(days[-1]))
    yield Step("a day in lots", run, _written(fed[1:]), {"LOTS": "2"})
    yield Step("a late file and another watermark", run, _written(fed[:1]), _watermark(0))
    yield Step("an erasure", ("erase", _id_of(_photos(fed)[0]), "--yes", "--by", "ticket 7"))


def live(home: Home, step: Step) -> Home:
    """Let happen to a home what comes before the command; the home with the settings in force since."""
    for key, data in step.files.items():
        path = home.folder / LAKE / key if key.startswith("landing/") else home.folder / key
        if data is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (_time_of(key, data), _time_of(key, data)))
    return home.with_settings(step.settings)


def _runs_of(days: Sequence[date]) -> list[tuple[str, ...]]:
    return [("run", "--from", str(days[0]), "--to", str(day)) for day in days]


def _watermark(number: int) -> dict[str, str]:
    return {"WATERMARK_TEXT": f"watermark {number}"}


def _photos(files: Sequence[SampleFile]) -> list[SampleFile]:
    """Those that are taken in, whatever else is there."""
    return [file for file in files if file.kind == "photo"]


def _key_of(file: SampleFile) -> ObjectKey:
    return ObjectKey(f"{landing_prefix(file.day)}/{file.user_id}/{file.filename}")


def _id_of(file: SampleFile) -> str:
    return image_id_of(source_uri_of(_key_of(file)), Sha256(sha256(file.data).hexdigest()))


def _written(files: Sequence[SampleFile]) -> dict[ObjectKey, bytes | None]:
    """Sidecars after their files."""
    found: dict[ObjectKey, bytes | None] = {}
    for file in files:
        found[_key_of(file)] = file.data
        if file.sidecar is not None:
            found[ObjectKey(f"{_key_of(file)}.json")] = file.sidecar
    return found


def _broken(day: date) -> dict[ObjectKey, bytes | None]:
    folder = f"{landing_prefix(day)}/zoe"
    return {ObjectKey(f"{folder}/empty.jpg"): b"", ObjectKey(f"{folder}/note.jpg"): b"no picture at all"}


def _replaced(replaced: SampleFile, left: SampleFile, seed: int) -> dict[ObjectKey, bytes | None]:
    other = next(file for file in generate_feed([replaced.day], 20, seed + 1000) if file.kind == "photo")
    gone = [_key_of(left)] + ([ObjectKey(f"{_key_of(left)}.json")] if left.sidecar is not None else [])
    return {_key_of(replaced): other.data, **dict.fromkeys(gone)}


def _table(decided: Sequence[tuple[SampleFile, str]]) -> dict[ObjectKey, bytes | None]:
    rows = "".join(f"{_id_of(file)},{label}\n" for file, label in decided)
    return {ObjectKey("labels.csv"): f"image_id,label\n{rows}".encode()}


def _time_of(key: ObjectKey, data: bytes) -> float:
    """Within the day of an upload; the same in every home, another one for other bytes."""
    day = key.split("/")[1] if key.startswith("landing/") else "2026-01-01"
    seconds = int.from_bytes(sha256(data).digest()[:4]) % 80_000
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp() + seconds
