"""Files that come in piece by piece, killed at any moment."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from image_assets.errors import (
    ConfigurationError,
    ImageError,
    ObjectChangedError,
    RejectionReason,
    StoreFullError,
    StoreUnavailableError,
)
from image_assets.ids import ImageId, ObjectKey, Sha256, SourceUri, image_id_of
from image_assets.imaging.announced import HEAD_BYTES
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import STAGING, LocalObjectStore
from image_assets.lake.object_store import ANY_VERSION, ObjectStore, StagedObject
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images import sent_ahead
from image_assets.steps.images.landing import list_landing
from image_assets.steps.images.receipts import Receipt, find_pending, keep_receipts, settle_receipts
from image_assets.steps.images.receiving import check_room, receiving, tidy_up
from image_assets.steps.images.sent_ahead import clear_sent_ahead
from image_assets.steps.images.short_ids import whole_id
from image_assets.steps.images.uploads import UploadFacts, add_upload
from image_assets.steps.upkeep.erasure import erase, find_remains
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.upkeep import ERASURES
from image_assets_tests.scenario import Scenario

DAY = date(2026, 10, 1)
FACTS = UploadFacts(DAY, "anna", "my dress.JPG", datetime(2026, 10, 1, 12, tzinfo=UTC), "dress")
LIMITS = InspectParams()


def receive(store: ObjectStore, data: bytes, facts: UploadFacts = FACTS, limits: InspectParams = LIMITS) -> Receipt:
    with receiving(ParquetTables(store), limits) as file:
        for at in range(0, len(data), 1_000):
            file.take(data[at : at + 1_000])
        return file.land(facts)


def reason_of(store: ObjectStore, data: bytes, limits: InspectParams = LIMITS) -> RejectionReason:
    with pytest.raises(ImageError) as caught:
        receive(store, data, limits=limits)
    return caught.value.reason


def staged(scenario: Scenario) -> list[str]:
    return [info.key for info in scenario.store.list(STAGING)]


def test_the_id_that_is_answered_is_the_one_that_bronze_gives(scenario: Scenario, paint: Callable[..., bytes]) -> None:
    receipt = receive(scenario.store, paint())
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    assert (row["image_id"], row["sha256"], row["source_uri"]) == (
        receipt.image_id, receipt.sha256, receipt.source_uri
    )  # fmt: skip
    assert (row["raw_name"], row["label"], row["user_id"]) == ("my dress.JPG", "dress", "anna")


def test_it_lands_where_a_file_that_is_added_lands(scenario: Scenario, paint: Callable[..., bytes]) -> None:
    receipt = receive(scenario.store, paint())
    before = scenario.files()
    assert object_keys.source_uri_of(add_upload(scenario.store, FACTS, paint())) == receipt.source_uri
    assert scenario.files() == before


def test_the_same_upload_again_changes_nothing_and_is_told_the_same(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    first = receive(scenario.store, paint(), replace(FACTS, uploaded_at=None))
    before = scenario.files()
    again = receive(scenario.store, paint(), replace(FACTS, uploaded_at=None))
    assert (again.image_id, scenario.files()) == (first.image_id, before)


def test_sent_again_after_midnight_it_is_the_upload_of_yesterday(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    first = receive(scenario.store, paint())
    before = scenario.files()
    again = receive(scenario.store, paint(), replace(FACTS, day=DAY + timedelta(days=1), uploaded_at=None))
    assert ((again.image_id, again.day), scenario.files()) == ((first.image_id, "2026-10-01"), before)


@pytest.mark.parametrize("change", [{"user_id": "berta"}, {"raw_name": "b.jpg"}, {"day": DAY + timedelta(days=2)}])
def test_another_user_name_or_day_is_another_image(
    scenario: Scenario, paint: Callable[..., bytes], change: dict[str, Any]
) -> None:
    ids = {receive(scenario.store, paint(), replace(FACTS, **each)).image_id for each in ({}, change)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", RejectionReason.EMPTY),
        (b"hello", RejectionReason.NOT_AN_IMAGE),
        (b"%PDF-1.7", RejectionReason.UNSUPPORTED_FORMAT),
        (b"<svg/>" * HEAD_BYTES, RejectionReason.UNSUPPORTED_FORMAT),
    ],
    ids=lambda each: str(each)[:12],
)
def test_what_a_header_shows_is_refused_and_nothing_is_left(
    scenario: Scenario, data: bytes, reason: RejectionReason
) -> None:
    assert reason_of(scenario.store, data) == reason
    assert (scenario.files(), staged(scenario)) == ({}, [])


def test_a_file_over_the_limit_is_refused_as_soon_as_it_is(scenario: Scenario, paint: Callable[..., bytes]) -> None:
    data = paint() * 10
    with receiving(scenario.tables, InspectParams(max_bytes=len(data) - 1)) as file:
        file.take(data[:-1])
        with pytest.raises(ImageError, match="too_large"):
            file.take(data[-1:])
    assert staged(scenario) == []


def test_a_text_that_no_sidecar_can_hold_is_refused_and_nothing_lands(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    with pytest.raises(ConfigurationError):
        receive(scenario.store, paint(), replace(FACTS, label="x" * 2_001))
    assert (scenario.files(), staged(scenario)) == ({}, [])


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it is done."""


@dataclass(frozen=True, slots=True)
class KilledStore(LocalObjectStore):
    """A store whose process is killed before one of its landings, or right after it."""

    lands_left: list[float]

    def staging(self) -> AbstractContextManager[StagedObject]:
        return self._counting()

    @contextmanager
    def _counting(self) -> Any:
        with LocalObjectStore.staging(self) as whole:
            yield _Counting(whole, self.lands_left)


@dataclass
class _Counting:
    whole: StagedObject
    left: list[float]

    def write(self, data: bytes) -> None:
        self.whole.write(data)

    def land(self, key: ObjectKey, *, over: str | None = ANY_VERSION, is_last: bool = True) -> None:
        self.left[0] -= 0.5
        if self.left[0] < 0:
            raise Killed
        self.whole.land(key, over=over, is_last=is_last)
        self.left[0] -= 0.5
        if self.left[0] < 0:
            raise Killed


MOMENTS: Sequence[float] = [0, 0.5, 1, 1.5]
"""Before the sidecar lands, after that, before the file lands, after that."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_the_next_run_knows_the_whole_upload_or_nothing(
    scenario: Scenario, paint: Callable[..., bytes], moment: float
) -> None:
    with suppress(Killed):
        receive(KilledStore(scenario.root, [moment]), paint())
    scenario.take_in()
    assert scenario.reasons() == {}
    assert [(row["raw_name"], row["label"]) for row in scenario.rows(BRONZE_IMAGES)] in (
        [], [("my dress.JPG", "dress")]
    )  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_and_sent_again_it_is_there_once(
    scenario: Scenario, paint: Callable[..., bytes], moment: float
) -> None:
    with suppress(Killed):
        receive(KilledStore(scenario.root, [moment]), paint())
    scenario.take_in()
    receipt = receive(scenario.store, paint())
    scenario.take_in()
    row = scenario.row(BRONZE_IMAGES)
    assert (row["image_id"], row["raw_name"], row["label"]) == (receipt.image_id, "my dress.JPG", "dress")
    assert find_pending(scenario.store, receipt.image_id, [DAY]) is None


def sidecar_alone(scenario: Scenario, text: str | None = None, name: str | None = None) -> ObjectKey:
    uuid = "56ce3ab7-5e1b-5706-a550-21a66f81decd.jpg"
    key = ObjectKey(f"landing/{scenario.day}/anna/{name or uuid}.json")
    scenario.store.write(key, (text or json.dumps({"sidecar_of": name or uuid})).encode())
    return key


def test_a_sidecar_that_was_sent_ahead_is_no_upload(scenario: Scenario) -> None:
    sidecar_alone(scenario)
    scenario.take_in()
    assert (scenario.rows(BRONZE_IMAGES), scenario.reasons()) == ([], {})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{}", None),
        ("no json", None),
        ("[1]", None),
        ('{"sidecar_of": "another.jpg"}', None),
        (None, "dress.jpg"),
    ],
)
def test_whatever_else_lies_there_alone_is_an_upload(scenario: Scenario, text: str | None, name: str | None) -> None:
    key = sidecar_alone(scenario, text, name)
    scenario.take_in()
    assert scenario.reasons() == {object_keys.source_uri_of(key): "not_an_image"}


LATER = datetime.now(UTC) + timedelta(hours=2)


def test_a_sidecar_that_waits_in_vain_goes_after_an_hour_and_nothing_else_does(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    with suppress(Killed):
        receive(KilledStore(scenario.root, [0.5]), paint())
    receive(scenario.store, paint("blue"))
    (alone,) = list_landing(scenario.store, DAY).awaiting
    before = scenario.files()
    assert (clear_sent_ahead(scenario.store, DAY), scenario.files()) == (0, before)
    assert clear_sent_ahead(scenario.store, DAY, LATER) == 1
    assert before.keys() - scenario.files().keys() == {object_keys.key_of(alone)}


@pytest.mark.parametrize("clean", [Scenario.take_in, lambda scenario: tidy_up(scenario.tables)])
def test_runs_and_starting_services_clear_sidecars_that_wait_in_vain(
    scenario: Scenario,
    paint: Callable[..., bytes],
    clean: Callable[[Scenario], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with suppress(Killed):
        receive(KilledStore(scenario.root, [0.5]), paint())
    clean(scenario)
    assert list_landing(scenario.store, DAY).awaiting
    monkeypatch.setattr(sent_ahead, "_GRACE", timedelta(0))
    clean(scenario)
    assert not list_landing(scenario.store, DAY).awaiting


def test_a_file_that_comes_after_all_keeps_what_was_said_of_it(scenario: Scenario, paint: Callable[..., bytes]) -> None:
    with suppress(Killed):
        receive(KilledStore(scenario.root, [0.5]), paint())
    (waiting,) = [info for info in scenario.store.list("landing") if info.key.endswith(".json")]
    receive(scenario.store, paint())
    with pytest.raises(ObjectChangedError):
        scenario.store.delete(waiting.key, over=waiting.version)
    assert clear_sent_ahead(scenario.store, DAY, LATER) == 0


def test_an_upload_is_pending_until_a_run_has_taken_it_in(scenario: Scenario, paint: Callable[..., bytes]) -> None:
    receipt = receive(scenario.store, paint())
    assert find_pending(scenario.store, receipt.image_id, [DAY + timedelta(days=1), DAY]) == receipt
    assert find_pending(scenario.store, receipt.image_id, [DAY + timedelta(days=1)]) is None
    scenario.take_in()
    assert find_pending(scenario.store, receipt.image_id, [DAY]) is None
    assert list(scenario.store.list(object_keys.RECEIPTS)) == []


def test_an_upload_that_a_run_refuses_is_no_longer_pending(scenario: Scenario, paint: Callable[..., bytes]) -> None:
    receipt = receive(scenario.store, paint()[:300])
    scenario.take_in()
    assert len(scenario.reasons()) == 1
    assert find_pending(scenario.store, receipt.image_id, [DAY]) is None


def test_an_upload_that_is_tried_again_is_pending_as_it_was_told(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    receipt = receive(scenario.store, paint()[:300], replace(FACTS, user_id="anna the 2nd"))
    scenario.take_in()
    items = scenario.tables.read(rejections_of(BRONZE_IMAGES), DAY).get_column("item")
    keep_receipts(scenario.tables, {DAY: list(items)})
    again = find_pending(scenario.store, receipt.image_id, [DAY])
    assert again is not None
    assert replace(again, received_at=receipt.received_at) == receipt


def test_a_receipt_without_its_file_is_not_pending_and_goes_when_it_is_old(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    with suppress(Killed):
        receive(KilledStore(scenario.root, [0.5]), paint())
    (info,) = scenario.store.list(object_keys.RECEIPTS)
    image_id = ImageId(info.key.rpartition("/")[2].removesuffix(".json"))
    assert find_pending(scenario.store, image_id, [DAY]) is None
    assert settle_receipts(scenario.tables, DAY) == 0
    assert settle_receipts(scenario.tables, DAY, now=datetime.now(UTC) + timedelta(hours=2)) == 1


def test_a_receipt_that_a_power_cut_has_emptied_holds_nothing_up_and_goes(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    receipt = receive(scenario.store, paint()[:300])
    key = object_keys.receipt_key(DAY, receipt.image_id)
    scenario.store.write(key, b"")
    assert find_pending(scenario.store, receipt.image_id, [DAY]) is None
    assert settle_receipts(scenario.tables, DAY) == 0
    assert settle_receipts(scenario.tables, DAY, now=datetime.now(UTC) + timedelta(hours=2)) == 1


def test_a_receipt_of_an_upload_that_was_not_read_goes_by_its_place(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    receipt = receive(scenario.store, paint())
    key = object_keys.key_of(SourceUri(receipt.source_uri))
    scenario.store.delete(key)
    os.mkfifo(scenario.root / key)
    scenario.take_in()
    assert list(scenario.store.list(object_keys.RECEIPTS)) == []


def test_erasing_takes_the_receipt_along(scenario: Scenario, paint: Callable[..., bytes]) -> None:
    receipt = receive(scenario.store, paint())
    kept = scenario.store.read(object_keys.receipt_key(DAY, receipt.image_id))
    scenario.take_in()
    scenario.store.write(object_keys.receipt_key(DAY, receipt.image_id), kept)
    erase(scenario.tables, find_remains(scenario.tables, receipt.image_id), "anna")
    assert list(scenario.store.list(object_keys.RECEIPTS)) == []


@pytest.mark.parametrize("has_run", [False, True])
@pytest.mark.parametrize("days_later", [0, 1])
def test_what_was_erased_is_refused_on_its_way_in(
    scenario: Scenario, paint: Callable[..., bytes], has_run: bool, days_later: int
) -> None:
    receipt = receive(scenario.store, paint())
    if has_run:
        scenario.take_in()
    erase(scenario.tables, find_remains(scenario.tables, receipt.image_id), "ticket 7")
    before = scenario.files()
    with pytest.raises(ImageError, match="policy: erased on"):
        receive(scenario.store, paint(), replace(FACTS, day=DAY + timedelta(days=days_later)))
    assert (scenario.files(), staged(scenario)) == (before, [])
    assert receive(scenario.store, paint(), replace(FACTS, raw_name="another.jpg")).image_id != receipt.image_id


class Overtaken(LocalObjectStore):
    """Somebody begins to erase the image after it was let in and before it lands."""

    def sizes(self, keys: Iterable[ObjectKey]) -> Mapping[ObjectKey, int]:
        key = next(iter(keys))
        if str(DAY) not in key:
            return {}
        image_id = image_id_of(object_keys.source_uri_of(key), Sha256(self.sha256))  # type: ignore[attr-defined]
        row = {"image_id": image_id, "day": DAY, "requested_by": "ann", "begun_at": FACTS.uploaded_at}
        counts = {"sha256": None, "erased_at": None, "objects_removed": 0, "rows_removed": 0}
        rows = pl.DataFrame([{**row, **counts}], schema=ERASURES.schema.create_empty().schema)
        ParquetTables(LocalObjectStore(self.root)).replace(ERASURES, DAY, rows)
        return {}


def test_an_upload_that_an_erasure_has_overtaken_leaves_nothing(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    store, data = Overtaken(scenario.root), paint()
    object.__setattr__(store, "sha256", hashlib.sha256(data).hexdigest())
    with pytest.raises(ImageError, match="erased meanwhile"):
        receive(store, data)
    assert [info.key for folder in ("landing", "receipts", STAGING) for info in scenario.store.list(folder)] == []


@pytest.mark.parametrize("is_half_gone", [False, True])
def test_an_upload_that_no_run_has_taken_in_can_be_erased(
    scenario: Scenario, paint: Callable[..., bytes], is_half_gone: bool
) -> None:
    receipt, other = receive(scenario.store, paint()), receive(scenario.store, paint("blue"))
    found = find_remains(scenario.tables, ImageId(whole_id(scenario.tables, receipt.image_id[:8])))
    key = object_keys.key_of(receipt.source_uri)
    assert found.objects == (object_keys.sidecar_key(key), key, object_keys.receipt_key(DAY, receipt.image_id))
    if is_half_gone:
        scenario.store.delete(found.objects[0])
    certificate = erase(scenario.tables, find_remains(scenario.tables, receipt.image_id), "ticket 7")
    assert certificate.select("day", "sha256", "requested_by").row(0) == (DAY, receipt.sha256, "ticket 7")
    assert find_pending(scenario.store, receipt.image_id, [DAY]) is None
    assert [info.key for info in scenario.store.list("landing")] == [
        object_keys.key_of(other.source_uri), object_keys.sidecar_key(object_keys.key_of(other.source_uri))
    ]  # fmt: skip
    scenario.take_in()
    assert [row["image_id"] for row in scenario.rows(BRONZE_IMAGES)] == [other.image_id]
    assert find_remains(scenario.tables, receipt.image_id).is_nothing


def test_an_erasure_of_an_upload_that_was_cut_off_ends_when_it_is_done_again(
    scenario: Scenario, paint: Callable[..., bytes]
) -> None:
    receipt = receive(scenario.store, paint())
    with pytest.raises(Killed):
        erase(
            replace(scenario.tables, store=StuckStore(scenario.root)),
            find_remains(scenario.tables, receipt.image_id),
            "x",
        )
    assert scenario.store.exists(object_keys.key_of(receipt.source_uri))
    assert erase(scenario.tables, find_remains(scenario.tables, receipt.image_id), "x")["erased_at"].item()
    assert not [*scenario.store.list("landing"), *scenario.store.list(object_keys.RECEIPTS)]


class StuckStore(LocalObjectStore):
    """A store whose process is killed when it is about to remove something."""

    def delete(self, key: ObjectKey, *, over: str = ANY_VERSION) -> None:
        raise Killed


@dataclass(frozen=True, slots=True)
class NarrowStore(LocalObjectStore):
    """A store with a known share of free space."""

    free: float

    def free_ratio(self) -> float:
        return self.free


def test_uploads_are_refused_before_the_disk_is_full(scenario: Scenario) -> None:
    check_room(NarrowStore(scenario.root, 0.051))
    with pytest.raises(StoreFullError, match=r"4\.0% of the lake's disk is free"):
        check_room(NarrowStore(scenario.root, 0.04))
    assert issubclass(StoreFullError, StoreUnavailableError)
