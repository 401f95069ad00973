"""The audit trail: appended, a file per process and day, and never lost in silence."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from image_assets.errors import StoreUnavailableError
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.serving.observing.audit_trail import Act, AuditTrail

NOON = datetime(2026, 3, 16, 12, tzinfo=UTC)


def act(*subjects: str) -> Act:
    return Act("ann", "erasure", subjects, len(subjects), "done", "10.0.0.7", "r-1")


def lines(root: Path) -> list[dict[str, object]]:
    return [json.loads(line) for path in sorted(root.rglob("*.jsonl")) for line in path.read_text().splitlines()]


def test_an_act_is_a_line(tmp_path: Path) -> None:
    trail = AuditTrail(LocalObjectStore(tmp_path), lambda: NOON)
    trail.append(act("a", "b"))
    assert lines(tmp_path) == [
        {
            "at": "2026-03-16T12:00:00+00:00",
            "who": "ann",
            "what": "erasure",
            "subjects": ["a", "b"],
            "count": 2,
            "result": "done",
            "where": "10.0.0.7",
            "request_id": "r-1",
            "note": "",
        }
    ]


def test_an_act_is_on_the_disk_when_it_is_kept_and_so_are_the_folders_that_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = list[str](), os.fsync

    def syncing(file: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{file}").readlink()))
        sync(file)

    monkeypatch.setattr(os, "fsync", syncing)
    trail = AuditTrail(LocalObjectStore(tmp_path), lambda: NOON)
    trail.append(act("a"))
    (file,) = (tmp_path / "audit" / "2026-03-16").iterdir()
    assert synced == [str(file.parent), str(file.parent.parent), str(tmp_path), str(file)]
    trail.append(act("b"))
    assert synced[4:] == [str(file)]


def test_acts_at_once_are_all_kept(tmp_path: Path) -> None:
    trail = AuditTrail(LocalObjectStore(tmp_path), lambda: NOON)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: trail.append(act(str(number))), range(200)))
    assert sorted(int(str(each["subjects"][0])) for each in lines(tmp_path)) == list(range(200))  # type: ignore[index]


def test_two_processes_never_write_into_one_file(tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    for trail in (AuditTrail(store, lambda: NOON), AuditTrail(store, lambda: NOON)):
        trail.append(act("a"))
    assert len(list((tmp_path / "audit" / "2026-03-16").iterdir())) == 2


def test_each_day_has_files_of_its_own(tmp_path: Path) -> None:
    now = [NOON]
    trail = AuditTrail(LocalObjectStore(tmp_path), lambda: now[0])
    trail.append(act("a"))
    now[0] = NOON.replace(day=17)
    trail.append(act("b"))
    trail.close()
    trail.append(act("c"))
    assert [each["subjects"] for each in lines(tmp_path)] == [["a"], ["b"], ["c"]]
    assert sorted(path.name for path in (tmp_path / "audit").iterdir()) == ["2026-03-16", "2026-03-17"]


def test_of_many_subjects_a_hundred_are_named_and_all_are_counted(tmp_path: Path) -> None:
    AuditTrail(LocalObjectStore(tmp_path), lambda: NOON).append(act(*map(str, range(5_000))))
    (line,) = lines(tmp_path)
    assert (len(list(map(str, line["subjects"]))), line["count"]) == (100, 5_000)  # type: ignore[call-overload]


def test_what_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "audit").touch()
    with pytest.raises(StoreUnavailableError, match=r"cannot append to .*audit"):
        AuditTrail(LocalObjectStore(tmp_path), lambda: NOON).append(act("a"))
