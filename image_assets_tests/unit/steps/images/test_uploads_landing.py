import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from image_assets.errors import ConfigurationError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import sidecar_key
from image_assets.steps.images.uploads import UploadFacts, add_upload, told_before

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

SAFE_KEY = re.compile(r"landing/2026-10-01/[A-Za-z0-9_-]+/[0-9a-f-]{36}(\.[a-z0-9]{1,5})?")


FACTS = UploadFacts(date(2026, 10, 1), "anna", "my dress.JPG", datetime(2026, 10, 1, 12, tzinfo=UTC))


def facts(**changes: Any) -> UploadFacts:
    return replace(FACTS, **changes)


def test_an_upload_lands_with_what_was_said_of_it(scenario: "Scenario") -> None:
    key = add_upload(scenario.store, facts(label="dress"), b"bytes")
    assert scenario.store.read(key) == b"bytes"
    assert json.loads(scenario.store.read(ObjectKey(f"{key}.json"))) == {
        "user_id": "anna",
        "uploaded_at": "2026-10-01T12:00:00+00:00",
        "raw_name": "my dress.JPG",
        "label": "dress",
        "sidecar_of": key.rpartition("/")[2],
    }


@pytest.mark.parametrize("name", ["label", "user_id", "raw_name"])
def test_a_text_that_no_sidecar_can_hold_is_refused_and_nothing_lands(scenario: "Scenario", name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} of .* at most 2000"):
        add_upload(scenario.store, facts(**{name: "x" * 2001}), b"bytes")
    assert scenario.files() == {}


def test_the_extension_is_kept_in_lower_case(scenario: "Scenario") -> None:
    assert add_upload(scenario.store, facts(), b"bytes").endswith(".jpg")


def test_the_same_file_lands_once(scenario: "Scenario") -> None:
    first = add_upload(scenario.store, facts(), b"bytes")
    before = scenario.files()
    assert add_upload(scenario.store, facts(), b"bytes") == first
    assert scenario.files() == before


def test_a_file_that_a_power_cut_left_empty_is_written_again(scenario: "Scenario") -> None:
    key = add_upload(scenario.store, facts(), b"bytes")
    scenario.store.write(key, b"")
    add_upload(scenario.store, facts(), b"bytes")
    assert scenario.store.read(key) == b"bytes"


def test_a_sidecar_of_before_it_named_its_file_is_not_touched(scenario: "Scenario") -> None:
    key = add_upload(scenario.store, facts(), b"bytes")
    told_then = {name: value for name, value in told(scenario, key).items() if name != "sidecar_of"}
    scenario.store.write(sidecar_key(key), json.dumps(told_then).encode())
    before = scenario.files()
    add_upload(scenario.store, facts(), b"bytes")
    assert scenario.files() == before


def test_a_file_whose_sidecar_went_gets_it_again_and_is_not_touched(scenario: "Scenario") -> None:
    key = add_upload(scenario.store, facts(), b"bytes")
    before = scenario.files()[key]
    scenario.store.delete(ObjectKey(f"{key}.json"))
    add_upload(scenario.store, facts(), b"bytes")
    assert scenario.store.exists(ObjectKey(f"{key}.json"))
    assert scenario.files()[key] == before


@pytest.mark.parametrize("change", [{"user_id": "berta"}, {"raw_name": "other.jpg"}, {"day": date(2026, 10, 2)}])
def test_another_name_user_or_day_is_another_upload(scenario: "Scenario", change: dict[str, object]) -> None:
    assert add_upload(scenario.store, facts(**change), b"bytes") != add_upload(scenario.store, facts(), b"bytes")


def test_other_bytes_are_another_upload(scenario: "Scenario") -> None:
    assert add_upload(scenario.store, facts(), b"other") != add_upload(scenario.store, facts(), b"bytes")


ODD = ["../../etc/passwd", "..", "", "new\nline", "\N{DRESS}", "a/b", "x" * 300, "nul\0", "_manifests", "a.json"]


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_what_a_user_writes_is_never_a_path(scenario: "Scenario", text: str) -> None:
    key = add_upload(scenario.store, facts(user_id=text, raw_name=f"{text}.jpg"), b"bytes")
    assert SAFE_KEY.fullmatch(key)


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_what_a_user_writes_as_an_extension_is_never_a_path(scenario: "Scenario", text: str) -> None:
    key = add_upload(scenario.store, facts(raw_name=f"photo.{text}"), b"bytes")
    assert SAFE_KEY.fullmatch(key)
    assert not key.endswith(".json")


def test_a_name_that_is_no_text_is_told_as_far_as_it_is(scenario: "Scenario") -> None:
    key = add_upload(scenario.store, facts(user_id="\udcfe", raw_name="dress \udcff.jpg"), b"bytes")
    sidecar = json.loads(scenario.store.read(ObjectKey(f"{key}.json")))
    assert SAFE_KEY.fullmatch(key)
    assert (sidecar["user_id"], sidecar["raw_name"]) == ("?", "dress ?.jpg")


def test_two_names_that_are_no_text_are_two_uploads(scenario: "Scenario") -> None:
    keys = {add_upload(scenario.store, facts(raw_name=name), b"bytes") for name in ("\udcfe.jpg", "\udcff.jpg")}
    assert len(keys) == 2


def test_an_upload_that_is_added_again_keeps_the_instant_of_the_first_time(scenario: "Scenario") -> None:
    key = add_upload(scenario.store, facts(uploaded_at=None), b"bytes")
    before = scenario.files()
    add_upload(scenario.store, facts(uploaded_at=None), b"bytes")
    assert scenario.files() == before
    assert json.loads(scenario.store.read(ObjectKey(f"{key}.json")))["uploaded_at"]


def told(scenario: "Scenario", key: ObjectKey) -> dict[str, object]:
    fields: dict[str, object] = json.loads(scenario.store.read(sidecar_key(key)))
    return fields


def test_what_was_said_stays_when_the_file_is_added_again_without_it(scenario: "Scenario") -> None:
    key = add_upload(scenario.store, facts(label="dress", more={"device": "a phone"}), b"bytes")
    before = scenario.files()
    add_upload(scenario.store, facts(uploaded_at=None), b"bytes")
    assert scenario.files() == before
    assert (told(scenario, key)["label"], told(scenario, key)["device"]) == ("dress", "a phone")


def test_what_is_said_anew_takes_the_place_of_what_was_said(scenario: "Scenario") -> None:
    key = add_upload(scenario.store, facts(label="dress"), b"bytes")
    add_upload(scenario.store, facts(label=" Skirt "), b"bytes")
    assert told(scenario, key)["label"] == "skirt"


def test_a_file_comes_back_with_what_bronze_knows_of_it(scenario: "Scenario", paint: Callable[..., bytes]) -> None:
    key = add_upload(scenario.store, facts(label="dress"), paint())
    scenario.take_in()
    for gone in (key, sidecar_key(key)):
        scenario.store.delete(gone)
    remembered = told_before(scenario.tables, scenario.day)
    add_upload(scenario.store, facts(uploaded_at=None), paint(), remembered)
    assert told(scenario, key)["label"] == "dress"
    assert datetime.fromisoformat(str(told(scenario, key)["uploaded_at"])) == FACTS.uploaded_at


def test_bronze_knows_nothing_of_a_day_that_has_not_run(scenario: "Scenario") -> None:
    assert told_before(scenario.tables, scenario.day) == {}


def test_no_file_lands_without_what_was_said_of_it(scenario: "Scenario", scenarios: ModuleType) -> None:
    mortal = scenarios.MortalStore(scenario.root, [1])
    with pytest.raises(StoreUnavailableError):
        add_upload(mortal, facts(label="dress"), b"bytes")
    assert [key for key in scenario.files() if not key.endswith(".json")] == []
    key = add_upload(scenario.store, facts(), b"bytes")
    assert told(scenario, key)["label"] == "dress"


def test_two_odd_users_do_not_share_a_folder(scenario: "Scenario") -> None:
    folders = {add_upload(scenario.store, facts(user_id=user), b"bytes").split("/")[2] for user in ("a/b", "a\\b", "")}
    assert len(folders) == 3
