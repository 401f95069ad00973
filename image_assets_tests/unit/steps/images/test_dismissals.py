"""Rejected files that nobody needs to hear of again: dismissed by a person, or gone; never lost, never for good."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from image_assets.errors import AmbiguousImageError, TableError, UnknownImageError
from image_assets.ids import ImageId
from image_assets.steps.audits.day_audits import audit_uploads
from image_assets.steps.images.dismissals import RejectedFile, record_dismissals
from image_assets.steps.images.rejected_files import choose_rejected, list_rejected
from image_assets.steps.questions.image_history import find_subjects, tell_history
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.tables.gold import DAILY_SUMMARY
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


@pytest.fixture
def refused(scenario: "Scenario", paint: Paint) -> "Scenario":
    """A good image, a text that its user calls `my note.txt`, and an empty file."""
    scenario.land("anna/good.jpg", paint())
    scenario.land("anna/note.jpg", b"not an image", raw_name="my note.txt")
    scenario.land("anna/empty.jpg", b"")
    scenario.run()
    return scenario


def named(scenario: "Scenario", *names: str) -> list[RejectedFile]:
    return choose_rejected(scenario.tables, list_rejected(scenario.tables, None, ()), names)


def say(scenario: "Scenario", *names: str, is_dismissed: bool = True, hours: int = 0) -> None:
    now = NOON + timedelta(hours=hours)
    record_dismissals(scenario.store, named(scenario, *names), "eva", "junk", now, is_dismissed=is_dismissed)


def states(scenario: "Scenario") -> dict[str, str]:
    scenario.gather()
    return {row["source_uri"].rpartition("/")[2]: row["state"] for row in scenario.rows(REJECTED_IMAGES)}


def outcome(scenario: "Scenario") -> dict[str, Any]:
    scenario.run()
    return {row["name"]: row["images"] for row in scenario.rows(DAILY_SUMMARY) if row["kind"] == "outcome"}


def test_what_nobody_has_judged_is_open(refused: "Scenario") -> None:
    assert states(refused) == {"note.jpg": "open", "empty.jpg": "open"}


def test_a_dismissed_file_stays_in_the_table_and_says_so(refused: "Scenario") -> None:
    say(refused, "note.jpg")
    assert states(refused) == {"note.jpg": "dismissed", "empty.jpg": "open"}


def test_a_dismissal_is_taken_back(refused: "Scenario") -> None:
    say(refused, "note.jpg")
    say(refused, "note.jpg", is_dismissed=False)
    assert states(refused)["note.jpg"] == "open"


@pytest.mark.parametrize("hours", [1, 0, -24 * 400])
def test_the_later_word_counts_whatever_the_clock_says(refused: "Scenario", hours: int) -> None:
    say(refused, "note.jpg")
    say(refused, "note.jpg", is_dismissed=False, hours=hours)
    say(refused, "note.jpg", hours=hours)
    assert states(refused)["note.jpg"] == "dismissed"


def test_a_dismissal_outlives_every_table(refused: "Scenario") -> None:
    say(refused, "note.jpg", "empty.jpg")
    for found in list(refused.store.list("tables")):
        refused.store.delete(found.key)
    refused.run()
    assert set(states(refused).values()) == {"dismissed"}


def test_other_bytes_in_its_place_count_again(refused: "Scenario") -> None:
    say(refused, "note.jpg")
    refused.land("anna/note.jpg", b"another text")
    refused.run()
    assert states(refused)["note.jpg"] == "open"


def test_a_file_that_has_left_the_landing_zone_is_gone_and_stays_on_record(refused: "Scenario") -> None:
    refused.path("anna/note.jpg").unlink()
    refused.path("anna/note.jpg.json").unlink()
    refused.take_in()
    assert states(refused) == {"note.jpg": "gone", "empty.jpg": "open"}


def test_a_dismissed_file_that_goes_stays_dismissed(refused: "Scenario") -> None:
    say(refused, "empty.jpg")
    refused.path("anna/empty.jpg").unlink()
    assert states(refused)["empty.jpg"] == "dismissed"


def test_a_file_that_comes_back_is_open_again(refused: "Scenario") -> None:
    refused.path("anna/empty.jpg").unlink()
    refused.run()
    refused.land("anna/empty.jpg", b"")
    refused.run()
    assert states(refused)["empty.jpg"] == "open"


def test_half_a_picture_is_gone_with_its_upload_and_found_by_the_name_that_its_user_gave_it(
    scenario: "Scenario", paint: Paint
) -> None:
    upload = scenario.land("anna/1234.jpg", paint(size=(400, 300))[:-400], raw_name="half.jpg")
    scenario.run()
    assert states(scenario) == {"1234.jpg": "open"}
    upload.unlink()
    upload.with_name("1234.jpg.json").unlink()
    assert states(scenario) == {"1234.jpg": "gone"}
    say(scenario, "half.jpg")
    assert states(scenario) == {"1234.jpg": "dismissed"}


def test_an_image_that_could_not_be_read_is_not_gone_with_its_upload(refused: "Scenario") -> None:
    (original,) = (refused.root / "bronze").rglob("*.jpg")
    original.unlink()
    for name in ("silver_images", "thumbnails", "watermarked_previews"):
        refused.store.delete(next(info.key for info in refused.store.list(f"tables/{name}")))
    refused.derive()
    refused.path("anna/good.jpg").unlink()
    assert states(refused)["good.jpg"] == "open"


def test_every_file_seen_is_accepted_rejected_gone_or_dismissed(refused: "Scenario") -> None:
    say(refused, "note.jpg")
    refused.path("anna/empty.jpg").unlink()
    told = outcome(refused)
    assert (told["seen"], told["accepted"], told["rejected"], told["gone"], told["dismissed"]) == (3, 1, 0, 1, 1)


def test_no_upload_is_lost_when_one_is_dismissed_and_one_is_gone(refused: "Scenario") -> None:
    say(refused, "note.jpg")
    refused.path("anna/empty.jpg").unlink()
    refused.run()
    assert audit_uploads(refused.tables, refused.day, datetime.max.replace(tzinfo=UTC)).problems == ()


def test_a_day_that_was_dismissed_and_run_is_unchanged(refused: "Scenario") -> None:
    say(refused, "note.jpg")
    refused.run()
    before = refused.files()
    refused.run()
    assert refused.files() == before


@pytest.mark.parametrize(
    "name",
    ["note.jpg", "landing/2026-10-01/anna/note.jpg", "my note.txt", "id"],
    ids=["file", "path", "raw name", "id"],
)
def test_a_file_is_found_by_each_of_its_names(refused: "Scenario", name: str) -> None:
    ids = {row["source_uri"]: row["image_id"] for row in refused.rows(REJECTED_IMAGES)}
    uri = refused.uri("anna/note.jpg")
    assert [file.source_uri for file in named(refused, ids[uri] if name == "id" else name)] == [uri]


def test_a_file_is_found_however_accents_are_encoded(scenario: "Scenario") -> None:
    scenario.land("anna/" + unicodedata.normalize("NFD", "gr\xf6\xdfe.jpg"), b"")
    scenario.run()
    assert len(named(scenario, "gr\xf6\xdfe.jpg")) == 1


def test_a_name_that_fits_several_files_is_refused(refused: "Scenario") -> None:
    refused.land("bert/note.jpg", b"")
    refused.run()
    with pytest.raises(AmbiguousImageError, match=r"note\.jpg names 2 rejected files.*give one of these, or --day"):
        named(refused, "note.jpg")


def test_a_name_that_no_rejected_file_has_is_refused(refused: "Scenario") -> None:
    with pytest.raises(UnknownImageError, match=r"good\.jpg is no rejected file"):
        named(refused, "good.jpg")


def test_files_are_listed_by_day_and_by_reason(refused: "Scenario") -> None:
    assert len(list_rejected(refused.tables, refused.day, ["empty"])) == 1
    assert list_rejected(refused.tables, refused.day - timedelta(days=1), ()) == []


def test_a_dismissal_goes_with_the_image_that_is_erased(refused: "Scenario") -> None:
    say(refused, "note.jpg", "empty.jpg")
    (file,) = named(refused, "note.jpg")
    assert file.image_id
    erase(refused.tables, find_remains(refused.tables, ImageId(file.image_id)), "ticket 7")
    assert len(list(refused.store.list("dismissals"))) == 1


def test_a_damaged_dismissal_is_named(refused: "Scenario") -> None:
    say(refused, "note.jpg")
    (found,) = refused.store.list("dismissals")
    refused.store.write(found.key, b"{}")
    with pytest.raises(TableError, match="is damaged: image_id: Field required; repair it or delete it"):
        refused.gather()


def test_the_story_of_a_file_tells_that_it_was_dismissed(refused: "Scenario") -> None:
    say(refused, "my note.txt")
    (subject,) = find_subjects(refused.tables, "my note.txt")
    chapters = tell_history(refused.tables, [BRONZE_IMAGES], subject)
    (dismissed,) = (chapter for chapter in chapters if chapter.what == "dismissed")
    assert dismissed.facts == {"note": "junk", "decided_by": "eva"}
