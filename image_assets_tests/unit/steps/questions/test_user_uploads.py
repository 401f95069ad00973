"""What a user has sent: pending, refused and taken in, newest first, and nobody else's."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from image_assets.ids import ObjectKey
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.steps.images.receipts import Receipt, keep_receipts
from image_assets.steps.images.receiving import receiving
from image_assets.steps.images.uploads import UploadFacts
from image_assets.steps.increment.retries import forget_rejections_of_items
from image_assets.steps.questions.image_record import ImageState, read_image
from image_assets.steps.questions.user_uploads import Upload, UploadChoice, UserUploads
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

ANNA = UploadChoice("anna", "colour-means")


@pytest.fixture
def send(scenario: "Scenario") -> Callable[..., Receipt]:
    """Upload as a service of looser limits does, each a minute after the one before."""

    minutes = iter(range(1_000))

    def send(name: str, data: bytes, user: str = "anna", day: date = scenario.day) -> Receipt:
        at = datetime(day.year, day.month, day.day, 9, next(minutes), tzinfo=UTC)
        with receiving(scenario.tables, InspectParams(min_side_px=1)) as file:
            file.take(data)
            return file.land(UploadFacts(day, user, name, at))

    return send


def listed(scenario: "Scenario", choice: UploadChoice = ANNA, days: int = 3, count: int = 60) -> list[Upload]:
    return [each for page in pages(scenario, choice, days, count) for each in page]


def pages(scenario: "Scenario", choice: UploadChoice, days: int, count: int) -> Iterator[list[Upload]]:
    uploads, after = UserUploads(scenario.tables), ""
    recent = [scenario.day - timedelta(days=age) for age in range(days)]
    while True:
        page = uploads.page(choice, recent, count, after)
        yield [*page.uploads]
        if page.after is None:
            return
        after = page.after


def names(uploads: list[Upload]) -> list[tuple[str, str]]:
    return [(each.raw_name, each.state) for each in uploads]


def test_an_upload_is_told_of_from_its_answer_on_by_its_owner_s_name_for_it(
    scenario: "Scenario", send: Callable[..., Receipt], paint: Callable[..., bytes]
) -> None:
    receipt = send("my dress.jpg", paint())
    send("his.jpg", paint("blue"), "bo")
    (upload,) = listed(scenario)
    assert (upload.image_id, upload.raw_name, upload.state) == (receipt.image_id, "my dress.jpg", "pending")
    scenario.take_in()
    assert names(listed(scenario)) == [("my dress.jpg", "processing")]
    scenario.run()
    (upload,) = listed(scenario)
    assert (upload.image_id, upload.state) == (receipt.image_id, "embedded")


def test_what_was_refused_at_the_door_or_later_says_why_under_its_own_name(
    scenario: "Scenario", send: Callable[..., Receipt], paint: Callable[..., bytes]
) -> None:
    send("half a dress.jpg", paint(size=(640, 480))[:900])
    send("a small dress.png", paint("green", (3, 2), "PNG"))
    send("his.png", paint("blue", (3, 2), "PNG"), "bo")
    scenario.run()
    found = {each.raw_name: (each.state, each.reason, bool(each.detail)) for each in listed(scenario)}
    assert found == {
        "half a dress.jpg": ("error", "truncated", True), "a small dress.png": ("error", "too_small", True)
    }  # fmt: skip


def test_what_is_tried_again_is_pending(
    scenario: "Scenario", send: Callable[..., Receipt], paint: Callable[..., bytes]
) -> None:
    receipt = send("small.png", paint("green", (3, 2), "PNG"))
    scenario.run()
    keep_receipts(scenario.tables, {scenario.day: [receipt.source_uri]})
    forget_rejections_of_items(scenario.tables, scenario.day, [receipt.source_uri])
    (upload,) = listed(scenario)
    assert (upload.image_id, upload.raw_name, upload.state) == (receipt.image_id, "small.png", "pending")


def test_a_receipt_without_its_file_is_no_upload(
    scenario: "Scenario", send: Callable[..., Receipt], paint: Callable[..., bytes]
) -> None:
    receipt = send("dress.jpg", paint())
    scenario.store.delete(object_keys.key_of(receipt.source_uri))
    assert listed(scenario) == []


@pytest.mark.parametrize("count", [1, 2, 3, 60])
def test_pages_go_from_the_newest_to_the_oldest_and_miss_nothing(
    scenario: "Scenario", send: Callable[..., Receipt], paint: Callable[..., bytes], count: int
) -> None:
    yesterday = scenario.day - timedelta(days=1)
    for place, day in enumerate([scenario.day, yesterday, scenario.day, yesterday, scenario.day]):
        send(f"{place}.jpg", paint(size=(64 + place, 48)), day=day)
    assert [each.raw_name for each in listed(scenario, count=count)] == ["4.jpg", "2.jpg", "0.jpg", "3.jpg", "1.jpg"]


def test_only_those_in_a_state_are_listed_and_only_days_that_are_asked_for(
    scenario: "Scenario", send: Callable[..., Receipt], paint: Callable[..., bytes]
) -> None:
    send("done.jpg", paint())
    scenario.run()
    send("new.jpg", paint("blue"))
    send("old.jpg", paint("green"), day=scenario.day - timedelta(days=3))
    assert names(listed(scenario)) == [("new.jpg", "pending"), ("done.jpg", "embedded")]
    for state, name in ((ImageState.PENDING, "new.jpg"), (ImageState.EMBEDDED, "done.jpg")):
        assert [each.raw_name for each in listed(scenario, UploadChoice("anna", ANNA.encoder, state))] == [name]


def test_a_file_that_was_refused_before_its_bytes_were_read_has_no_id_and_is_told_of_once(
    scenario: "Scenario", send: Callable[..., Receipt], paint: Callable[..., bytes]
) -> None:
    receipt = send("dress.jpg", paint())
    file = scenario.root / receipt.source_uri
    file.unlink()
    file.symlink_to("nowhere")
    scenario.run()
    assert [(each.image_id, each.state) for each in listed(scenario)] == [(None, "error")]


def test_an_image_that_a_later_stage_refused_is_pending_once_it_is_tried_again(
    scenario: "Scenario", send: Callable[..., Receipt], paint: Callable[..., bytes]
) -> None:
    receipt = send("dress.jpg", paint())
    scenario.take_in()
    scenario.store.write(ObjectKey(str(scenario.row(BRONZE_IMAGES)["raw_path"])), b"rotten")
    for step in (scenario.derive, scenario.embed, scenario.gather, scenario.curate):
        step()
    rows = scenario.rows(REJECTED_IMAGES)
    assert {row["stage"] for row in rows} >= {SILVER_IMAGES.name}

    def states() -> list[object]:
        record = read_image(scenario.tables, receipt.image_id, scenario.day, ANNA.encoder)
        return [each and (each.state, each.reason) for each in (*listed(scenario), record)]

    assert states() == [(ImageState.ERROR, rows[0]["reason"])] * 2
    forget_rejections_of_items(scenario.tables, scenario.day, [rows[0]["item"]])
    assert states() == [(ImageState.PENDING, None)] * 2
