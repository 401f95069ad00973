"""Settings over HTTP: seen and changed while service and command line run, by admins, each change one version."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from image_assets_tests.serving.conftest import Lake, Served


@pytest.fixture(scope="module")
def own(copy_lake: Callable[[], "Lake"], serve_for_module: Callable[..., "Served"]) -> "Served":
    """A service of which one setting is the environment's."""
    return serve_for_module(copy_lake(), review_threshold="0.4")


def patch(served: "Served", changes: dict[str, Any], note: str = "", **headers: str) -> "httpx.Response":
    body = {"changes": changes, "note": note}
    return served.ask("/v1/config", "admin", "PATCH", json=body, headers=headers)


def setting(served: "Served", name: str) -> tuple[object, str]:
    told = served.ask("/v1/config", "admin").json()["settings"][name]
    return told["value"], told["source"].split(" at ")[0]


def test_every_setting_is_shown_with_its_source(own: "Served") -> None:
    assert setting(own, "review_threshold") == (0.4, "environment")
    assert setting(own, "max_volume") == (2.0, "default")
    patch(own, {"review_threshold": 0.7})
    value, source = setting(own, "review_threshold")
    assert (value, source.startswith("lake, version "), source.endswith(" by adminer")) == (0.7, True, True)
    patch(own, {"review_threshold": None})
    assert setting(own, "review_threshold") == (0.4, "environment")


def test_the_command_line_sees_what_the_service_changed_and_the_other_way_round(own: "Served") -> None:
    patch(own, {"max_drift": 0.31})
    (line,) = [line for line in own.lake.command("settings").stdout.splitlines() if "IMAGE_ASSETS_MAX_DRIFT" in line]
    assert "0.31" in line
    assert own.lake.command("config", "set", "max_drift", "0.32", "--by", "bo").returncode == 0
    assert setting(own, "max_drift")[0] == 0.32
    assert setting(own, "max_drift")[1].endswith(" by bo")


def test_a_limit_that_is_changed_counts_without_a_restart(own: "Served") -> None:
    assert patch(own, {"rate_limit": "10/minute"}).status_code == 200
    statuses = [own.ask("/v1/config", "admin").status_code for _ in range(15)]
    assert 429 in statuses
    assert own.lake.command("config", "unset", "rate_limit").returncode == 0
    time.sleep(1.1)
    assert own.ask("/v1/config", "admin").status_code == 200


def test_a_change_is_one_version_with_who_and_why(own: "Served") -> None:
    before = own.ask("/v1/config", "admin").json()["version"]
    made = patch(own, {"max_volume": 9, "classes": "hat,dress"}, "spring sale").json()["version"]
    newest = own.ask("/v1/config/history", "admin").json()["items"][0]
    told = {name: newest[name] for name in ("version", "by", "note", "changes")}
    changes = {"max_volume": 9.0, "classes": "hat,dress"}
    assert told == {"version": before + 1, "by": "adminer", "note": "spring sale", "changes": changes}
    assert made == before + 1


def test_of_two_who_looked_at_one_version_the_second_is_told(own: "Served") -> None:
    seen = own.ask("/v1/config", "admin").headers["ETag"]
    first, second = (patch(own, {"max_volume": value}, **{"If-Match": seen}) for value in (8, 9))
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["type"].endswith("changed-since")
    assert setting(own, "max_volume")[0] == 8
    assert patch(own, {"max_volume": 9}, **{"If-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"changes": {}},
        {"changes": {"review_threshold": 2}},
        {"changes": {"review_threshold": True}},
        {"changes": {"root": "/elsewhere"}},
        {"changes": {"max_volume": 3}, "by": "somebody else"},
        {"changes": {"max_volume": 3}, "note": "x" * 501},
        {"changes": {"rate_limit": "as much as I want"}},
    ],
)
def test_a_wrong_change_changes_nothing(served: "Served", body: dict[str, Any]) -> None:
    refused = served.ask("/v1/config", "admin", "PATCH", json=body)
    assert (refused.status_code, refused.headers["Content-Type"]) == (422, "application/problem+json")
    assert served.ask("/v1/config", "admin").json()["version"] == 0


def test_a_name_that_is_no_setting_is_answered_with_those_that_are(served: "Served") -> None:
    refused = served.ask("/v1/config", "admin", "PATCH", json={"changes": {"review_treshold": 0.7}}).json()
    assert refused["errors"] == [{"pointer": "/body/changes", "detail": refused["errors"][0]["detail"]}]
    assert refused["detail"].startswith("/body/changes: IMAGE_ASSETS_REVIEW_TRESHOLD is not a setting")
    assert "review_threshold" in refused["detail"]


def test_pages_of_the_history_follow_each_other(own: "Served") -> None:
    for number in range(3):
        assert patch(own, {"max_volume": 10 + number}).status_code == 200
    whole = own.ask("/v1/config/history", "admin").json()
    versions, token = [], {}
    for _ in whole["items"]:
        page = own.ask("/v1/config/history", "admin", params={"page_size": 1, **token}).json()
        versions += [each["version"] for each in page["items"]]
        token = {"page_token": page["next_page_token"]}
    assert versions == [each["version"] for each in whole["items"]] == sorted(versions, reverse=True)
    assert page["next_page_token"] is whole["next_page_token"] is None


def test_a_mark_that_is_no_version_is_refused(served: "Served") -> None:
    assert patch(served, {"max_volume": 3}, **{"If-Match": '"one"'}).status_code == 400
    assert served.ask("/v1/config", "admin").json()["version"] == 0
