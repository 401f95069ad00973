"""`image-assets add`: what lands where, under which name, with what the user said."""

import json
import os
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from click.testing import Result

from image_assets.errors import ConfigurationError

Invoke = Callable[..., Result]


def landed(home: Path) -> list[Path]:
    """Everything in the landing zone that is no sidecar."""
    return sorted(path for path in (home / "lake" / "landing").rglob("*") if path.is_file() and path.suffix != ".json")


def sidecars(home: Path) -> list[dict[str, str]]:
    return [json.loads(path.read_text()) for path in sorted((home / "lake" / "landing").rglob("*.json"))]


@pytest.fixture
def photo(home: Path) -> Path:
    (home / "Blue Shoe.JPG").write_bytes(b"photo")
    return home / "Blue Shoe.JPG"


@pytest.fixture
def folder(home: Path) -> Path:
    """Three files, one of them two folders down."""
    (home / "photos" / "deep" / "er").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "deep/er/c.jpg"):
        (home / "photos" / name).write_bytes(name.encode())
    return home / "photos"


def test_a_file_lands_below_its_day_and_user(home: Path, photo: Path, invoke: Invoke) -> None:
    invoke("add", str(photo), "--day", "2026-03-04", "--user", "ann")
    (path,) = landed(home)
    assert (path.parent, path.suffix) == (home / "lake" / "landing" / "2026-03-04" / "ann", ".jpg")


def test_the_bytes_land_unchanged(home: Path, photo: Path, invoke: Invoke) -> None:
    invoke("add", str(photo))
    assert landed(home)[0].read_bytes() == b"photo"


def test_without_a_day_a_file_lands_today(home: Path, photo: Path, invoke: Invoke) -> None:
    invoke("add", str(photo))
    assert landed(home)[0].relative_to(home / "lake" / "landing").parts[0] == datetime.now(UTC).date().isoformat()


def test_the_sidecar_keeps_what_the_user_said(home: Path, photo: Path, invoke: Invoke) -> None:
    invoke("add", str(photo), "--day", "2026-03-04", "--user", "ann", "--label", "shoes")
    told = {name: text for name, text in sidecars(home)[0].items() if name not in {"uploaded_at", "sidecar_of"}}
    assert told == {"user_id": "ann", "raw_name": "Blue Shoe.JPG", "label": "shoes"}


def test_without_an_instant_a_file_was_uploaded_when_it_was_added(home: Path, photo: Path, invoke: Invoke) -> None:
    before = datetime.now(UTC)
    invoke("add", str(photo), "--day", "2026-03-04")
    assert before <= datetime.fromisoformat(sidecars(home)[0]["uploaded_at"]) <= datetime.now(UTC)


def test_the_command_says_how_many_files_landed(folder: Path, invoke: Invoke) -> None:
    assert "3 of 3 files are in the landing zone" in invoke("add", str(folder)).output


def test_of_a_folder_every_file_lands_however_deep(home: Path, folder: Path, invoke: Invoke) -> None:
    invoke("add", str(folder))
    assert sorted(path.read_bytes() for path in landed(home)) == [b"a.jpg", b"b.jpg", b"deep/er/c.jpg"]


def test_the_same_file_added_twice_lands_once(home: Path, photo: Path, invoke: Invoke) -> None:
    for _ in range(2):
        invoke("add", str(photo), "--day", "2026-03-04")
    assert len(landed(home)) == 1


@pytest.mark.parametrize("day", [["--day", "2026-03-04"], []])
def test_adding_a_file_again_touches_nothing(home: Path, photo: Path, invoke: Invoke, day: list[str]) -> None:
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (home / "lake" / "landing").rglob("*") if path.is_file()}

    invoke("add", str(photo), *day)
    before = times()
    invoke("add", str(photo), *day)
    assert times() == before


def test_the_same_bytes_under_two_names_are_two_uploads(home: Path, photo: Path, invoke: Invoke) -> None:
    (home / "other.jpg").write_bytes(photo.read_bytes())
    invoke("add", str(photo), str(home / "other.jpg"))
    assert len(landed(home)) == 2


@pytest.mark.parametrize(
    "name",
    ["..jpg", "~.jpg", "%2e%2e%2fup.jpg", "a\\b.jpg", "\x1b[31mred.jpg", "line\nbreak.jpg", "café.jpg", "x.jpg;rm -rf"],
)
def test_a_name_is_a_value_and_never_a_path(home: Path, invoke: Invoke, name: str) -> None:
    (home / name).write_bytes(b"photo")
    invoke("add", str(home / name), "--user", "ann")
    assert landed(home)[0].name.isascii()
    assert landed(home)[0].stem.replace("-", "").isalnum()
    assert sidecars(home)[0]["raw_name"] == name


def test_a_name_that_is_no_text_is_kept_as_far_as_it_is(home: Path, invoke: Invoke) -> None:
    path = os.fsencode(home) + b"/caf\xe9.jpg"
    Path(os.fsdecode(path)).write_bytes(b"photo")
    invoke("add", os.fsdecode(path))
    assert sidecars(home)[0]["raw_name"] == "caf\N{REPLACEMENT CHARACTER}.jpg"


@pytest.mark.parametrize("user", ["../../etc", "/root", "..", "a/b", "", "\x00", "x" * 300])
def test_a_user_is_a_value_and_never_a_path(home: Path, photo: Path, invoke: Invoke, user: str) -> None:
    invoke("add", str(photo), "--day", "2026-03-04", "--user", user)
    (path,) = landed(home)
    assert path.parent.parent == home / "lake" / "landing" / "2026-03-04"
    assert path.parent.name.startswith("user-")


@pytest.fixture
def manifest(home: Path, folder: Path) -> Path:
    path = home / "manifest.csv"
    path.write_text("file,user_id,label,uploaded_at\na.jpg,bea,shirt,2026-02-03T23:30:00-02:00\nc.jpg,,,\n")
    return path


def test_a_manifest_wins_over_the_options(home: Path, folder: Path, manifest: Path, invoke: Invoke) -> None:
    invoke("add", str(folder), "--manifest", str(manifest), "--user", "ann", "--label", "hat")
    told = {each["raw_name"]: (each["user_id"], each["label"]) for each in sidecars(home)}
    assert told == {"a.jpg": ("bea", "shirt"), "b.jpg": ("ann", "hat"), "c.jpg": ("ann", "hat")}


def test_the_day_is_that_of_the_instant_in_utc(home: Path, folder: Path, manifest: Path, invoke: Invoke) -> None:
    invoke("add", str(folder), "--manifest", str(manifest))
    assert (home / "lake" / "landing" / "2026-02-04" / "bea").is_dir()


def test_files_that_only_the_manifest_knows_are_named(home: Path, folder: Path, manifest: Path, invoke: Invoke) -> None:
    (folder / "a.jpg").unlink()
    result = invoke("add", str(folder), "--manifest", str(manifest))
    assert isinstance(result.exception, ConfigurationError)
    assert "nothing was added" in str(result.exception)
    assert "line 2: a.jpg is not among the files to add" in str(result.exception)
    assert landed(home) == []


@pytest.mark.parametrize("line", ["c.jpg,,{},", "c.jpg,{},,"])
def test_a_text_that_no_sidecar_can_hold_is_refused_and_nothing_lands(
    home: Path, folder: Path, manifest: Path, invoke: Invoke, line: str
) -> None:
    manifest.write_text("file,user_id,label,uploaded_at\na.jpg,bea,shirt,\n" + line.format("x" * 2001) + "\n")
    refused = invoke("add", str(folder), "--manifest", str(manifest)).exception
    assert isinstance(refused, ConfigurationError)
    assert "of c.jpg has 2001 letters; at most 2000" in str(refused)
    assert landed(home) == []


@pytest.fixture
def twins(home: Path) -> Path:
    """Two folders with a file of the same name."""
    for name in ("shirts/001.jpg", "pants/001.jpg"):
        path = home / "twins" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    return home / "twins"


def add_told(home: Path, folder: Path, invoke: Invoke, *lines: str) -> Result:
    (home / "told.csv").write_text("\n".join(["file,label", *lines]), encoding="utf-8")
    return invoke("add", str(folder), "--manifest", "told.csv", "--day", "2026-03-04")


def labels(home: Path) -> dict[bytes, str | None]:
    """The label in the sidecar beside each landed file, by the file's bytes."""
    return {path.read_bytes(): json.loads(Path(f"{path}.json").read_text()).get("label") for path in landed(home)}


@pytest.mark.parametrize("path", ["{}/001.jpg", "./{}/001.jpg", "twins/{}/001.jpg", "{}\\001.jpg"])
def test_files_of_one_name_are_told_apart_by_their_path(home: Path, twins: Path, invoke: Invoke, path: str) -> None:
    add_told(home, twins, invoke, *(f"{path.format(name)},{name}" for name in ("shirts", "pants")))
    assert labels(home) == {b"shirts/001.jpg": "shirts", b"pants/001.jpg": "pants"}


def test_a_name_that_fits_several_files_is_refused_and_nothing_lands(home: Path, twins: Path, invoke: Invoke) -> None:
    result = add_told(home, twins, invoke, "001.jpg,shirt")
    assert "line 2: 001.jpg fits 2 files" in str(result.exception)
    assert landed(home) == []


def test_a_path_that_is_whole_comes_before_one_that_only_ends_so(home: Path, twins: Path, invoke: Invoke) -> None:
    (twins / "001.jpg").write_bytes(b"on top")
    add_told(home, twins, invoke, "001.jpg,hat")
    assert labels(home) == {b"shirts/001.jpg": None, b"pants/001.jpg": None, b"on top": "hat"}


def test_two_lines_for_one_file_are_refused(home: Path, folder: Path, invoke: Invoke) -> None:
    result = add_told(home, folder, invoke, "c.jpg,hat", "deep/er/c.jpg,cap")
    assert "line 3: deep/er/c.jpg is the file of line 2 again" in str(result.exception)
    assert landed(home) == []


def test_of_many_wrong_lines_some_are_named(home: Path, folder: Path, invoke: Invoke) -> None:
    result = add_told(home, folder, invoke, *(f"{number}.jpg,hat" for number in range(9)))
    assert "and 4 more" in str(result.exception)


@pytest.mark.parametrize(("on_disk", "written"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_manifest_names_a_file_however_accents_are_encoded(
    home: Path, invoke: Invoke, on_disk: Literal["NFC", "NFD"], written: Literal["NFC", "NFD"]
) -> None:
    name, folder = "gr\xf6\xdfe.jpg", home / "accents"
    folder.mkdir()
    (folder / unicodedata.normalize(on_disk, name)).write_bytes(b"photo")
    add_told(home, folder, invoke, f"{unicodedata.normalize(written, name)},Hat ")
    assert labels(home) == {b"photo": "hat"}


def test_a_manifest_in_the_added_folder_is_no_upload(home: Path, folder: Path, invoke: Invoke) -> None:
    (folder / "told.csv").write_text("file,label\na.jpg,hat\n")
    result = invoke("add", str(folder), "--manifest", str(folder / "told.csv"))
    assert "3 of 3 files" in result.output


@pytest.mark.parametrize("label", ["\a", "\N{ZERO WIDTH SPACE}"])
def test_a_label_that_nobody_can_see_is_refused(home: Path, folder: Path, invoke: Invoke, label: str) -> None:
    assert "nothing that can be seen" in str(add_told(home, folder, invoke, f"a.jpg,{label}").exception)
    assert invoke("add", str(folder), "--label", label).exit_code == 2
    assert landed(home) == []


@pytest.fixture
def described(folder: Path) -> Path:
    """The folder with a sidecar beside a.jpg."""
    told = {"user_id": "maria", "label": "Dress", "uploaded_at": "2026-03-05T08:00:00Z", "device": "a phone"}
    (folder / "a.jpg.json").write_text(json.dumps(told))
    return folder


def sidecar_of(home: Path, data: bytes) -> dict[str, str]:
    (told,) = (json.loads(Path(f"{path}.json").read_text()) for path in landed(home) if path.read_bytes() == data)
    return dict(told)


def test_a_sidecar_in_an_added_folder_is_used_and_is_no_upload(home: Path, described: Path, invoke: Invoke) -> None:
    assert "3 of 3 files" in invoke("add", str(described), "--user", "ann").output
    told = sidecar_of(home, b"a.jpg")
    assert told.pop("sidecar_of").endswith(".jpg")
    assert told == {
        "user_id": "maria",
        "uploaded_at": "2026-03-05T08:00:00+00:00",
        "raw_name": "a.jpg",
        "label": "dress",
        "device": "a phone",
    }
    assert sidecar_of(home, b"b.jpg")["user_id"] == "ann"


def test_the_manifest_comes_before_the_sidecar_and_that_before_the_options(
    home: Path, described: Path, invoke: Invoke
) -> None:
    (home / "told.csv").write_text("file,label\na.jpg,skirt\n")
    invoke("add", str(described), "--manifest", "told.csv", "--label", "hat", "--user", "ann")
    told = sidecar_of(home, b"a.jpg")
    assert (told["label"], told["user_id"], sidecar_of(home, b"b.jpg")["label"]) == ("skirt", "maria", "hat")


@pytest.mark.parametrize(("options", "day"), [([], "2026-03-05"), (["--day", "2026-03-04"], "2026-03-04")])
def test_the_day_is_that_of_the_sidecar_unless_one_is_given(
    home: Path, described: Path, invoke: Invoke, options: list[str], day: str
) -> None:
    invoke("add", str(described / "a.jpg"), str(described / "a.jpg.json"), *options)
    (path,) = landed(home)
    assert path.relative_to(home / "lake" / "landing").parts[:2] == (day, "maria")


def test_a_broken_sidecar_is_named_and_its_photo_lands(home: Path, described: Path, invoke: Invoke) -> None:
    (described / "a.jpg.json").write_text("{half")
    result = invoke("add", str(described), "--label", "hat")
    assert "a.jpg.json: not JSON" in str(result.exception)
    assert labels(home) == dict.fromkeys((b"a.jpg", b"b.jpg", b"deep/er/c.jpg"), "hat")


def test_what_is_said_as_null_takes_nothing_back(home: Path, described: Path, invoke: Invoke) -> None:
    invoke("add", str(described), "--day", "2026-03-04")
    (described / "a.jpg.json").write_text('{"user_id": "maria", "label": null}')
    invoke("add", str(described), "--day", "2026-03-04")
    assert sidecar_of(home, b"a.jpg")["label"] == "dress"


def test_a_file_added_again_without_its_label_keeps_it(home: Path, photo: Path, invoke: Invoke) -> None:
    for options in (["--label", "dress"], []):
        invoke("add", str(photo), "--day", "2026-03-04", "--user", "me", *options)
    assert labels(home) == {b"photo": "dress"}


def test_what_operating_systems_leave_is_passed_over_and_counted(home: Path, folder: Path, invoke: Invoke) -> None:
    for name in (".DS_Store", "._a.jpg", "deep/Thumbs.db"):
        (folder / name).write_bytes(b"")
    output = invoke("add", str(folder)).output
    assert "3 of 3 files" in output
    assert "passed over: 3 (.DS_Store, ._a.jpg, Thumbs.db)" in output


def test_a_day_that_has_not_come_is_refused(home: Path, described: Path, invoke: Invoke) -> None:
    (described / "a.jpg.json").write_text('{"uploaded_at": "2999-01-01T00:00:00Z"}')
    result = invoke("add", str(described))
    assert isinstance(result.exception, ConfigurationError)
    assert "a clock is wrong" in str(result.exception)
    assert landed(home) == []


@pytest.mark.parametrize("text", ["name,label\na.jpg,hat\n", ""])
def test_a_manifest_without_a_column_of_files_is_refused(
    folder: Path, manifest: Path, invoke: Invoke, text: str
) -> None:
    manifest.write_text(text)
    result = invoke("add", str(folder), "--manifest", str(manifest))
    assert isinstance(result.exception, ConfigurationError)
    assert "no column named file" in str(result.exception)


def test_a_manifest_with_a_broken_instant_is_refused(folder: Path, manifest: Path, invoke: Invoke) -> None:
    manifest.write_text("file,uploaded_at\na.jpg,yesterday\n")
    result = invoke("add", str(folder), "--manifest", str(manifest))
    assert isinstance(result.exception, ConfigurationError)
    assert "uploaded_at of a.jpg" in str(result.exception)


@pytest.mark.parametrize(
    "data", [b"label,file\nhat\n", b"file\ncaf\xe9.jpg\n", b"file,uploaded_at\na.jpg,0001-01-01T00:00+09:00\n"]
)
def test_a_manifest_that_is_broken_otherwise_is_refused_in_words(
    folder: Path, manifest: Path, invoke: Invoke, data: bytes
) -> None:
    manifest.write_bytes(data)
    result = invoke("add", str(folder), "--manifest", str(manifest))
    assert isinstance(result.exception, ConfigurationError)


def test_a_file_that_cannot_be_read_is_named_and_the_others_land(home: Path, folder: Path, invoke: Invoke) -> None:
    result = invoke("add", str(folder), "/dev/null")
    assert len(landed(home)) == 3
    assert "/dev/null: not a regular file" in str(result.exception)


def test_adding_says_which_command_takes_the_files_in(photo: Path, invoke: Invoke) -> None:
    assert invoke("add", str(photo)).output.endswith("next: image-assets run\n")
    old = invoke("add", str(photo), "--day", "2026-03-04").output
    assert old.endswith("next: image-assets run --from 2026-03-04 --to 2026-03-04\n")


def test_a_link_in_an_added_folder_is_named_and_what_it_points_to_stays_out(
    home: Path, folder: Path, invoke: Invoke
) -> None:
    (home / "private").mkdir()
    (home / "private" / "key.jpg").write_bytes(b"private")
    for name, target in (("one.jpg", "private/key.jpg"), ("all", "private"), ("broken.jpg", "nowhere")):
        (folder / name).symlink_to(home / target)
    result = invoke("add", str(folder))
    assert {path.read_bytes() for path in landed(home)} == {b"a.jpg", b"b.jpg", b"deep/er/c.jpg"}
    for name in ("one.jpg", "all", "broken.jpg"):
        assert f"{name}: a symbolic link" in str(result.exception)


def test_a_link_that_is_named_itself_is_added_as_what_it_points_to(home: Path, folder: Path, invoke: Invoke) -> None:
    (home / "link.jpg").symlink_to(folder / "a.jpg")
    (home / "album").symlink_to(folder / "deep")
    assert invoke("add", str(home / "link.jpg"), str(home / "album")).exit_code == 0
    assert {path.read_bytes() for path in landed(home)} == {b"a.jpg", b"deep/er/c.jpg"}


def test_what_is_not_a_regular_file_is_named_and_the_others_land(home: Path, folder: Path, invoke: Invoke) -> None:
    os.mkfifo(folder / "pipe.jpg")
    result = invoke("add", str(folder))
    assert len(landed(home)) == 3
    assert isinstance(result.exception, ConfigurationError)
    assert "pipe.jpg: not a regular file" in str(result.exception)


def test_the_demo_spreads_photos_of_ones_own_over_the_three_days_before_today(
    home: Path, folder: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "dagster.yaml").write_text(f"storage: {{sqlite: {{base_dir: {home}}}}}")
    # With such an encoder no run of it succeeds.
    monkeypatch.setenv("IMAGE_ASSETS_ENCODER", str(home / "nowhere"))
    assert "runs failed" in str(invoke("demo", "--photos", str(folder)).exception)
    today = datetime.now(UTC).date()
    days = [path.relative_to(home / "lake" / "landing").parts[0] for path in landed(home)]
    assert days == [(today - timedelta(days=back)).isoformat() for back in (3, 2, 1)]


def test_a_path_that_is_not_there_is_wrong_usage(home: Path, invoke: Invoke) -> None:
    assert invoke("add", str(home / "nothing.jpg")).exit_code == 2


def test_a_day_before_the_first_partition_is_refused(home: Path, photo: Path, invoke: Invoke) -> None:
    result = invoke("add", str(photo), "--day", date(2020, 1, 1).isoformat())
    assert isinstance(result.exception, ConfigurationError)
    assert "IMAGE_ASSETS_START_DAY" in str(result.exception)
    assert landed(home) == []
