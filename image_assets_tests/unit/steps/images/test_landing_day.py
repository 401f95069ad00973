import os
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import pytest

from image_assets.steps.images.landing import LandingFile, landing_days, list_landing

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario


def listed(scenario: "Scenario") -> dict[str, LandingFile]:
    return {file.source_uri: file for file in list_landing(scenario.store, scenario.day).files}


def test_a_day_without_a_folder_has_no_files(scenario: "Scenario") -> None:
    assert list_landing(scenario.store, scenario.day).files == ()


def test_a_file_is_told_with_its_user_and_name(scenario: "Scenario") -> None:
    scenario.land("anna/my dress.jpg", b"12345")
    file = listed(scenario)["landing/2026-10-01/anna/my%20dress.jpg"]
    assert (file.folder_user, file.name, file.size_bytes, file.sidecar_uri) == ("anna", "my dress.jpg", 5, None)


def test_a_file_deeper_down_belongs_to_the_first_folder(scenario: "Scenario") -> None:
    scenario.land("anna/autumn/dress.jpg", b"")
    file = listed(scenario)[scenario.uri("anna/autumn/dress.jpg")]
    assert (file.folder_user, file.name) == ("anna", "dress.jpg")


def test_a_file_right_below_the_day_has_no_user(scenario: "Scenario") -> None:
    scenario.land("dress.jpg", b"")
    assert listed(scenario)[scenario.uri("dress.jpg")].folder_user is None


def test_a_sidecar_is_no_upload(scenario: "Scenario") -> None:
    scenario.land("anna/a.jpg", b"", label="dress")
    files = listed(scenario)
    assert list(files) == [scenario.uri("anna/a.jpg")]
    assert files[scenario.uri("anna/a.jpg")].sidecar_uri == scenario.uri("anna/a.jpg.json")


def test_json_without_its_image_is_an_upload(scenario: "Scenario") -> None:
    scenario.land("anna/a.jpg.json", b"{}")
    assert list(listed(scenario)) == [scenario.uri("anna/a.jpg.json")]


def test_a_sidecar_of_a_sidecar_is_an_upload(scenario: "Scenario") -> None:
    for name in ("a.jpg", "a.jpg.json", "a.jpg.json.json"):
        scenario.land(f"anna/{name}", b"")
    assert set(listed(scenario)) == {scenario.uri("anna/a.jpg"), scenario.uri("anna/a.jpg.json.json")}


def test_manifests_are_no_uploads(scenario: "Scenario") -> None:
    scenario.land("_manifests/.DS_Store", b"")
    scenario.land("anna/_manifests", b"")
    assert list(listed(scenario)) == [scenario.uri("anna/_manifests")]


GROESSE = "gr\xf6\xdfe.jpg"
LITTER = [
    ".DS_Store",
    "anna/._a.jpg",
    "anna/Thumbs.db",
    "anna/desktop.ini",
    "anna/THUMBS.DB",
    "__MACOSX/anna/a.jpg",
    "anna/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
]


@pytest.mark.parametrize("name", LITTER)
def test_what_operating_systems_leave_is_passed_over(scenario: "Scenario", name: str) -> None:
    scenario.land(name, b"bytes")
    found = list_landing(scenario.store, scenario.day)
    assert (found.files, found.passed_over) == ((), {scenario.uri(name)})
    assert landing_days(scenario.store) == set()


@pytest.mark.parametrize("name", ["anna/DS_Store.jpg", "anna/.hidden.jpg", "anna/_a.jpg", "anna/thumbs.jpg"])
def test_a_name_that_only_looks_like_that_is_an_upload(scenario: "Scenario", name: str) -> None:
    scenario.land(name, b"bytes")
    assert list(listed(scenario)) == [scenario.uri(name)]


@pytest.mark.parametrize(("of_file", "of_sidecar"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_sidecar_is_found_however_accents_are_encoded(
    scenario: "Scenario", of_file: Literal["NFC", "NFD"], of_sidecar: Literal["NFC", "NFD"]
) -> None:
    name, sidecar = ("anna/" + unicodedata.normalize(form, GROESSE) for form in (of_file, of_sidecar))
    scenario.land(name, b"")
    scenario.land(f"{sidecar}.json", b"{}")
    files = listed(scenario)
    assert {uri: file.sidecar_uri for uri, file in files.items()} == {
        scenario.uri(name): scenario.uri(f"{sidecar}.json")
    }


def test_of_two_files_of_one_name_each_has_the_sidecar_that_is_spelt_like_it(scenario: "Scenario") -> None:
    for name in (GROESSE, unicodedata.normalize("NFD", GROESSE)):
        scenario.land(f"anna/{name}", b"", label="hat")
    assert all(file.sidecar_uri == f"{uri}.json" for uri, file in listed(scenario).items())
    assert len(listed(scenario)) == 2


def test_another_day_is_not_listed(scenario: "Scenario") -> None:
    other = scenario.root / "landing" / "2026-10-01-copy" / "anna" / "a.jpg"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"")
    assert listed(scenario) == {}


@pytest.mark.parametrize("change", ["file", "sidecar", "no sidecar"])
def test_the_version_moves_with_the_file_and_with_its_sidecar(scenario: "Scenario", change: str) -> None:
    path = scenario.land("anna/a.jpg", b"before", label="dress")
    before = listed(scenario)[scenario.uri("anna/a.jpg")].version
    sidecar = path.with_name("a.jpg.json")
    if change == "file":
        path.write_bytes(b"and after")
    elif change == "sidecar":
        sidecar.write_bytes(b'{"label": "a hat"}')
    else:
        sidecar.unlink()
    assert listed(scenario)[scenario.uri("anna/a.jpg")].version != before


def test_an_upload_has_arrived_when_its_sidecar_is_there_too(scenario: "Scenario") -> None:
    path = scenario.land("anna/a.jpg", b"bytes")
    uri = scenario.uri("anna/a.jpg")
    before = listed(scenario)[uri].arrived_at
    while listed(scenario)[uri].arrived_at == before:
        path.with_name("a.jpg.json").write_bytes(b"{}")
    assert listed(scenario)[uri].arrived_at > before


def test_an_old_file_that_is_copied_with_its_time_has_arrived_today(scenario: "Scenario") -> None:
    os.utime(scenario.land("anna/a.jpg", b"bytes"), (1, 1))
    (file,) = listed(scenario).values()
    assert (file.modified_at.year, file.arrived_at.date()) == (1970, datetime.now(UTC).date())


def test_a_name_that_is_no_text_is_shown_as_far_as_it_is(scenario: "Scenario") -> None:
    scenario.land("anna/\udcff.jpg", b"")
    (file,) = listed(scenario).values()
    assert (file.name, file.source_uri) == ("\N{REPLACEMENT CHARACTER}.jpg", "landing/2026-10-01/anna/%FF.jpg")
