"""Deciding over HTTP: the same decisions as on the command line, by several people and several services."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import httpx
import pytest

from image_assets.access.keys import add_key
from image_assets.access.roles import Role
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.steps.classification.opinions import read_opinions

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

Serve = Callable[..., "Served"]


@pytest.fixture
def reviewed(own_lake: "Lake", serve_lake: Serve) -> "Served":
    """A lake of one's own, four images of which are unsure to every model, with three reviewers."""
    store, now = LocalObjectStore(own_lake.root), datetime.now(UTC)
    names = ("ann", "bob", "cy")
    keys = {name: add_key(store, name, [Role.REVIEW], now)[1] for name in names}
    lake = type(own_lake)(own_lake.folder, {**own_lake.keys, **keys})
    return serve_lake(lake, audit_share="0")


def decide(served: "Served", who: str, image_id: str | None, label: str = "", kind: str = "label", **more: Any) -> Any:
    one = {"image_id": image_id, "label": label, "kind": kind, **more}
    return served.ask("/v1/reviews", who, "POST", json={"decisions": [one]})


def items(served: "Served", who: str, count: int = 20) -> list[dict[str, Any]]:
    answer = served.ask("/v1/reviews", who, params={"count": count})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_a_copy_of_the_lake_is_free_of_what_readers_of_the_first_have_in_hand(
    served: "Served", copy_lake: "Callable[[], Lake]"
) -> None:
    # Where another reader has them all in hand, those are his.
    items(served, "review")
    assert list(LocalObjectStore(served.lake.root).list(object_keys.LEASES))
    assert list(LocalObjectStore(copy_lake().root).list(object_keys.LEASES)) == []


def test_nobody_is_given_what_another_has_by_whichever_service_and_after_a_restart(
    reviewed: "Served", serve_lake: Serve
) -> None:
    mine = items(reviewed, "ann", 1)
    assert mine
    other = serve_lake(reviewed.lake, audit_share="0")
    theirs = items(other, "bob")
    assert {each["image_id"] for each in mine}.isdisjoint(each["image_id"] for each in theirs)
    reviewed.process.kill()
    assert [each["image_id"] for each in items(other, "ann", 1)] == [mine[0]["image_id"]]


def test_a_decision_is_kept_under_the_keys_name_and_the_next_image_is_another(reviewed: "Served") -> None:
    (first,) = items(reviewed, "ann", 1)
    (result,) = decide(reviewed, "ann", first["image_id"], " Straw  Hat ", id="a-1").json()["results"]
    assert (result["label"], result["decided_by"], result["outcome"]["is_conflict"]) == ("straw hat", "ann", False)
    again = decide(reviewed, "ann", first["image_id"], "straw hat", id="a-1").json()["results"]
    assert again[0]["decided_at"] == result["decided_at"]
    assert decide(reviewed, "ann", first["image_id"], "cap", id="a-1").status_code == 422
    (word,) = read_opinions(LocalObjectStore(reviewed.lake.root))
    assert (word.predicted_label, word.model_version) != (None, None)
    assert first["image_id"] not in [each["image_id"] for each in items(reviewed, "ann", 1)]


def test_a_conflict_names_both_and_a_third_settles_it_for_the_command_line_too(reviewed: "Served") -> None:
    image_id = reviewed.lake.ids_of("anna")[0]
    decide(reviewed, "ann", image_id, "hat")
    told = reviewed.lake.command("label", image_id, "cap", "--by", "bob").stdout
    assert "ann: hat; bob: cap" in told
    conflicts = reviewed.ask("/v1/reviews/conflicts", "cy").json()
    assert [each["sides"] for each in conflicts["items"]] == [{"ann": "hat", "bob": "cap"}]
    assert items(reviewed, "cy", 1)[0]["why"] == "conflict"
    (settled,) = decide(reviewed, "cy", image_id, "cap").json()["results"]
    assert settled["outcome"]["settled_by"] == "cy"
    assert reviewed.ask("/v1/reviews/conflicts", "ann").json()["total"] == 0


def test_pages_of_conflicts_follow_each_other(reviewed: "Served") -> None:
    ids = [*reviewed.lake.ids_of("anna"), *reviewed.lake.ids_of("bo")][:3]
    for image_id in ids:
        decide(reviewed, "ann", image_id, "hat")
        decide(reviewed, "bob", image_id, "cap")
    seen, token = [], None
    for _ in range(3):
        page = reviewed.ask(
            "/v1/reviews/conflicts", "cy", params={"page_size": 1} | ({"page_token": token} if token else {})
        ).json()
        seen += [each["image_id"] for each in page["items"]]
        token = page["next_page_token"]
    assert (seen, token) == (ids, None)
    assert reviewed.ask("/v1/reviews/conflicts", "cy", params={"page_token": "x"}).status_code == 422


def test_of_several_decisions_each_is_kept_or_says_why_not(reviewed: "Served") -> None:
    known = reviewed.lake.ids_of("anna")[0]
    unknown = str(uuid5(NAMESPACE_URL, "nothing"))
    body = {"decisions": [{"image_id": known, "label": "hat"}, {"image_id": unknown, "label": "hat"}]}
    results = reviewed.ask("/v1/reviews", "ann", "POST", json=body).json()["results"]
    assert [each["is_kept"] for each in results] == [True, False]
    assert results[1]["problem"]["status"] == 404
    assert decide(reviewed, "ann", unknown, "hat").status_code == 404


def test_undo_without_an_image_takes_back_the_last_one_and_progress_follows(reviewed: "Served") -> None:
    first, second = reviewed.lake.ids_of("anna")[:2]
    for image_id in (first, second):
        decide(reviewed, "ann", image_id, "hat")
    assert reviewed.ask("/v1/reviews/progress", "ann").json()["done_today"] == 2
    (result,) = decide(reviewed, "ann", None, kind="undo").json()["results"]
    assert result["image_id"] == second
    assert reviewed.ask("/v1/reviews/progress", "ann").json()["done_today"] == 1
    assert decide(reviewed, "bob", None, kind="undo").status_code == 422


def test_what_is_not_the_callers_to_say_is_refused(reviewed: "Served") -> None:
    image_id = reviewed.lake.ids_of("anna")[0]
    for field in ("label_source", "user_id", "state", "decided_by", "is_audit"):
        assert decide(reviewed, "ann", image_id, "hat", **{field: "x"}).status_code == 422


def test_the_models_answer_is_kept_back_in_audits_and_cannot_be_accepted_there(
    own_lake: "Lake", serve_lake: Serve
) -> None:
    served = serve_lake(own_lake, audit_share="0.5")
    blind = [each for each in items(served, "review") if each["answer"] is None]
    assert blind
    assert "audit" not in served.ask("/v1/reviews", "review").text
    refused = decide(served, "review", blind[0]["image_id"], kind="accept")
    assert refused.status_code == 422
    assert "without the model's answer" in refused.json()["detail"]


def test_only_an_undo_can_do_without_an_image(reviewed: "Served") -> None:
    refused = decide(reviewed, "ann", None, "hat")
    assert refused.status_code == 422
    assert "/decisions/0" in refused.text


def test_a_decision_that_is_sent_twelve_times_at_once_is_one(reviewed: "Served") -> None:
    image_id = reviewed.lake.ids_of("anna")[0]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: decide(reviewed, "ann", image_id, "hat", id="once"), range(12)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(read_opinions(LocalObjectStore(reviewed.lake.root))) == 1


def test_the_same_decisions_under_an_idempotency_key_are_made_once_and_answered_alike(reviewed: "Served") -> None:
    first, second = reviewed.lake.ids_of("anna")[:2]
    body = {"decisions": [{"image_id": first, "label": "hat"}, {"image_id": second, "kind": "skip"}]}

    def decide_under_key(body: dict[str, Any]) -> httpx.Response:
        return reviewed.ask("/v1/reviews", "ann", "POST", json=body, headers={"Idempotency-Key": "batch 7"})

    once, again = decide_under_key(body), decide_under_key(body)
    assert (once.status_code, again.content) == (200, once.content)
    assert ("idempotent-replayed" in once.headers, again.headers["idempotent-replayed"]) == (False, "true")
    other = decide_under_key({"decisions": body["decisions"][:1]})
    assert (other.status_code, other.json()["type"]) == (422, "urn:image-assets:problem:idempotency-key-reused")
    # As after a kill between the decisions and the answer.
    (kept,) = (reviewed.lake.root / object_keys.ANSWERS).rglob("*.json")
    kept.unlink()
    assert decide_under_key(body).content == once.content
    assert len(read_opinions(LocalObjectStore(reviewed.lake.root))) == 2
