"""A day with registered files: they are uploads like others, read where they lie."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from image_assets.errors import StoreUnavailableError, TableError
from image_assets.ids import Sha256, image_id_of
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.lots import Lot, lots_of
from image_assets.lake.object_keys import manifest_prefix
from image_assets.lake.sources.folder import SourceFolder
from image_assets.lake.sources.record import keep_source, source_called
from image_assets.steps.audits.day_audits import audit_uploads
from image_assets.steps.images.landing import landing_days, list_landing
from image_assets.steps.images.landing_lots import LandingZone
from image_assets.steps.images.lots import cut_day
from image_assets.steps.images.registered import count_registered
from image_assets.steps.increment.retries import forget_rejections
from image_assets.steps.migration.beginning import finish, move
from image_assets.steps.questions.image_location import Location
from image_assets.steps.questions.plan import known_days
from image_assets.steps.questions.unseen import is_taken_in
from image_assets.steps.upkeep.repair import find_remedies
from image_assets.steps.upkeep.scrub import examine_day
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of

if TYPE_CHECKING:
    from conftest import Moving

FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


def row(moving: "Moving") -> dict[str, Any]:
    (found,) = moving.scenario.rows(BRONZE_IMAGES)
    return found


def rejected(moving: "Moving") -> list[tuple[str, str]]:
    rows = moving.scenario.rows(rejections_of(BRONZE_IMAGES))
    return [(each["reason"], each["detail"]) for each in rows]


@pytest.mark.parametrize("name", ["plain", "new\nline", "tab\t", "\udcff\udcfe", "a\u0308", "%2F", "'q'", "a.json"])
def test_a_photo_of_any_name_is_taken_in_once(moving: "Moving", name: str) -> None:
    moving.put(f"{name}/{name}")
    moving.migrate()
    moving.scenario.take_in()
    found = row(moving)
    assert found["image_id"] == image_id_of(found["source_uri"], Sha256(found["sha256"]))
    assert (moving.scenario.root / found["raw_path"]).read_bytes() == moving.photo
    assert moving.scenario.take_in().is_unchanged
    assert audit_uploads(moving.tables, moving.scenario.day, FUTURE).problems == ()


def test_what_is_told_of_a_photo_is_in_its_row(moving: "Moving") -> None:
    moving.put("a/b.jpg")
    moving.put("a/b.jpg.json", b'{"label": "Dress", "user_id": "7"}')
    moving.migrate()
    moving.scenario.take_in()
    found = row(moving)
    assert (found["user_id"], found["label"], found["raw_name"]) == ("7", "dress", "b.jpg")
    assert found["uploaded_at"] == datetime(2026, 10, 1, 9, tzinfo=UTC)
    assert found["source_uri"].startswith("registered/2026-10-01/ann/")


def test_registered_and_landed_photos_are_of_one_day(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.scenario.land("7/b.jpg", moving.photo)
    moving.migrate()
    moving.scenario.take_in()
    assert len(moving.scenario.rows(BRONZE_IMAGES)) == 2
    files = list_landing(moving.tables.store, moving.scenario.day).files
    assert {file.folder_user for file in files} == {"7", "ann"}
    assert is_taken_in(moving.tables, moving.scenario.day, []) is False


def test_lots_of_a_day_share_its_registered_files(moving: "Moving") -> None:
    # Lots go by digests of paths, and the folder's is another each time: of few files a lot may have none.
    many = 60
    for number in range(many):
        moving.put(f"{number}.jpg")
    moving.put("3.jpg.json", b"{}")
    moving.migrate()
    lots = cut_day(moving.tables, moving.scenario.day, at_least=3)
    found = [list_landing(moving.tables.store, moving.scenario.day, lot).files for lot in lots]
    assert sorted(len(files) > 0 for files in found) == [True] * 3
    assert sorted(file.name for files in found for file in files) == sorted(f"{number}.jpg" for number in range(many))


def test_the_manifests_of_a_day_are_read_once_for_all_its_lots(moving: "Moving") -> None:
    for number in range(60):
        moving.put(f"{number}.jpg")
    moving.migrate()
    moving.put("3.jpg", at=datetime(2026, 10, 2, tzinfo=UTC))
    moving.migrate()
    store, day = moving.tables.store, moving.scenario.day
    wanted = [list_landing(store, day, lot) for lot in lots_of(3)]
    landing = LandingZone(store, day, 3)
    found = [landing.of(Lot(0, 3))]
    for manifest in moving.manifests():
        manifest.unlink()
    found += [landing.of(lot) for lot in lots_of(3)[1:]]
    assert [sorted(each.files, key=lambda file: file.source_uri) for each in found] == [
        sorted(each.files, key=lambda file: file.source_uri) for each in wanted
    ]
    assert sum(len(each.files) for each in found) == 60


def test_registered_files_decide_into_how_many_lots_a_day_is_cut(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.put("b.jpg")
    moving.migrate()
    moving.put("b.jpg", at=datetime(2026, 10, 2, tzinfo=UTC))
    moving.migrate()
    assert count_registered(moving.tables.store, moving.tables.store.list(manifest_prefix(moving.scenario.day))) == 2


def test_a_day_of_registered_files_alone_is_known(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.migrate()
    assert landing_days(moving.tables.store) == {moving.scenario.day}
    assert known_days(moving.tables) == [moving.scenario.day]


def test_a_file_that_vanished_is_a_row_and_the_others_are_taken_in(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.put("b.jpg")
    moving.migrate()
    (moving.source / "b.jpg").unlink()
    moving.scenario.take_in()
    assert row(moving)["raw_name"] == "a.jpg"
    ((reason, detail),) = rejected(moving)
    assert (reason, str(moving.source) in detail) == ("unreadable", False)


@pytest.mark.parametrize("way", ["longer", "as long"])
def test_a_file_that_changed_since_is_a_row_until_it_is_registered_as_it_is(
    moving: "Moving", paint: Callable[..., bytes], way: str
) -> None:
    moving.put("a.jpg")
    moving.migrate()
    later = datetime(2026, 10, 2, tzinfo=UTC)
    moving.put("a.jpg", paint("blue") + b"x" if way == "longer" else moving.photo[:-2] + b"\xff\xd9", at=later)
    moving.scenario.take_in()
    assert [reason for reason, _ in rejected(moving)] == ["unreadable"]
    moving.migrate()
    moving.scenario.take_in()
    assert rejected(moving) == []
    assert row(moving)["uploaded_at"] == later


def test_a_file_that_became_a_link_is_a_row(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.migrate()
    (moving.source / "a.jpg").rename(moving.source / "b")
    (moving.source / "a.jpg").symlink_to("b")
    moving.scenario.take_in()
    assert [reason for reason, _ in rejected(moving)] == ["unreadable"]


def test_a_source_that_is_away_stops_the_run_and_rejects_nothing(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.migrate()
    moving.source.rename(moving.source.with_name("away"))
    with pytest.raises(StoreUnavailableError, match="mount it"):
        moving.scenario.take_in()
    assert not moving.tables.exists(rejections_of(BRONZE_IMAGES), moving.scenario.day)
    moving.source.with_name("away").rename(moving.source)
    moving.scenario.take_in()
    assert row(moving)["raw_name"] == "a.jpg"


def test_what_was_taken_in_needs_its_source_no_more(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.migrate()
    moving.scenario.take_in()
    before = row(moving)["image_id"]
    moving.source.rename(moving.source.with_name("away"))
    assert moving.scenario.take_in().is_unchanged
    moving.scenario.take_in(limits=InspectParams(min_side_px=17))
    assert row(moving)["image_id"] == before


def test_a_source_elsewhere_has_the_same_images(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.put("b.jpg")
    moving.migrate()
    moving.scenario.take_in()
    before = moving.scenario.rows(BRONZE_IMAGES)
    moving.source = moving.source.rename(moving.source.with_name("elsewhere"))
    known = source_called(moving.tables.store, str(moving.source.with_name("source")))
    move(moving.tables, known, str(moving.source), SourceFolder(moving.source))
    assert moving.migrate().unchanged == 2
    assert moving.scenario.take_in().is_unchanged
    assert moving.scenario.rows(BRONZE_IMAGES) == before


def test_a_refused_file_is_tried_again_while_it_is_there(moving: "Moving") -> None:
    moving.put("a.jpg", moving.photo[:200])
    moving.migrate()
    moving.scenario.take_in()
    stages = [BRONZE_IMAGES.name]
    ((reason, _),) = rejected(moving)
    assert forget_rejections(moving.tables, moving.scenario.day, stages, [reason]) == 1
    moving.scenario.take_in()
    (moving.source / "a.jpg").unlink()
    assert forget_rejections(moving.tables, moving.scenario.day, stages, [reason]) == 0


def test_a_lost_original_comes_back_from_its_source(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.migrate()
    moving.scenario.take_in()
    (moving.scenario.root / row(moving)["raw_path"]).write_bytes(b"damaged")
    damages = examine_day(moving.tables, moving.scenario.day, wanted=[BRONZE_IMAGES.name]).damages
    (remedy,) = find_remedies(moving.tables, damages)
    assert remedy.copy is not None
    assert remedy.copy.read() == moving.photo


def test_after_the_end_a_source_may_be_away(moving: "Moving") -> None:
    moving.put("a.jpg", moving.photo[:200])
    moving.migrate()
    moving.scenario.take_in()
    known = source_called(moving.tables.store, str(moving.source))
    keep_source(moving.tables.store, finish({known.root: known})[known.root])
    moving.source.rename(moving.source.with_name("away"))
    assert forget_rejections(moving.tables, moving.scenario.day, [BRONZE_IMAGES.name], ["truncated", "corrupt"]) == 0


def test_a_damaged_manifest_stops_the_run_and_can_be_written_again(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.migrate()
    (manifest,) = moving.manifests()
    whole = manifest.read_bytes()
    manifest.write_bytes(whole[:-20])
    with pytest.raises(TableError, match="delete it"):
        moving.scenario.take_in()
    manifest.unlink()
    moving.put("b.jpg")
    moving.migrate()
    moving.scenario.take_in()
    assert len(moving.scenario.rows(BRONZE_IMAGES)) == 2


def test_a_refused_file_is_of_the_user_whose_it_is(moving: "Moving") -> None:
    moving.put("a.jpg", moving.photo[:200])
    moving.migrate()
    uri = moving.entries()[0]["source_uri"]
    location = Location(date(2026, 10, 1), source_uri=uri)
    assert (location.is_of("ann"), location.is_of("bob")) == (True, False)


def test_nothing_in_a_source_changes(moving: "Moving") -> None:
    moving.put("a.jpg")
    moving.put("b/c.txt", b"words")
    before = {path: os.lstat(path).st_mtime_ns for path in moving.source.rglob("*")}
    moving.migrate()
    moving.scenario.take_in()
    assert {path: os.lstat(path).st_mtime_ns for path in moving.source.rglob("*")} == before
