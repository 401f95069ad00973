"""Lists of images over HTTP: the same as on the command line, by pages, with facets, and to whom."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from image_assets_tests.serving.conftest import drawn_photo

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

EVERY = {"all_duplicates": True}


def ask(served: "Served", path: str, key: str = "admin", **params: Any) -> dict[str, Any]:
    answer = served.ask(path, key, params=params)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def ids(told: dict[str, Any]) -> list[str]:
    return [image["image_id"] for image in told["items"]]


def pages(served: "Served", path: str, **params: Any) -> list[str]:
    """The ids of all pages of one image each."""
    seen, token = [], None
    while True:
        told = ask(served, path, page_size=1, **params, **({"page_token": token} if token else {}))
        assert len(told["items"]) == 1
        seen += ids(told)
        token = told["next_page_token"]
        if token is None:
            return seen


def test_the_newest_come_first_with_links_that_are_followed_without_a_key(served: "Served") -> None:
    told = ask(served, "/v1/images", **EVERY)
    days = [image["day"] for image in told["items"]]
    assert (days, told["estimated_total"]) == (sorted(days, reverse=True), 5)
    for image in told["items"]:
        assert served.ask(image["links"]["thumbnail"]).status_code == 200
        assert image["uploaded_at"].endswith("Z")


@pytest.mark.parametrize("order", ["newest", "least_sure"])
def test_pages_follow_each_other_without_gap_or_repetition(served: "Served", order: str) -> None:
    whole = ids(ask(served, "/v1/images", order=order, **EVERY))
    assert pages(served, "/v1/images", order=order, **EVERY) == whole


def test_the_least_sure_come_first_when_asked_for(served: "Served") -> None:
    told = ask(served, "/v1/images", order="least_sure", **EVERY)
    sure = [image["confidence_ratio"] for image in told["items"]]
    assert sure == sorted(sure)


@pytest.mark.parametrize("text", ["red dress", "a yellow hat", "dress shirt"])
@pytest.mark.parametrize("condition", [[], ["label=dress"]])
def test_a_text_finds_the_same_as_on_the_command_line(served: "Served", text: str, condition: list[str]) -> None:
    told = ask(served, "/v1/search", text=text, where=condition, **EVERY)
    options = [option for each in condition for option in ("--where", each)]
    shown = served.lake.command("search", text, "--all-duplicates", *options).stdout
    scores_and_ids = re.findall(r"│ +(-?\d\.\d{3}) │.*│ ([0-9a-f]{8}) │", shown)
    assert [(f"{image['score']:.3f}", image["image_id"][:8]) for image in told["items"]] == scores_and_ids
    assert len(scores_and_ids) == (1 if condition else 5)
    assert told["encoder"] == "builtin"


def test_an_image_finds_others_a_vector_and_a_picture_find_what_they_show(served: "Served") -> None:
    (first, *_) = ids(ask(served, "/v1/search", text="yellow", **EVERY))
    assert first not in ids(ask(served, "/v1/search", image_id=first, **EVERY))
    picture = drawn_photo("yellow", 4)
    by_picture = served.ask(
        "/v1/search", "read", "POST", content=picture, headers={"Content-Type": "image/jpeg"}, params=EVERY
    ).json()
    form = served.ask("/v1/search", "read", "POST", files={"file": ("a.jpg", picture)}, params=EVERY).json()
    vector = served.ask("/v1/encode", "read", "POST", content=picture, headers={"Content-Type": "image/jpeg"})
    by_vector = served.ask("/v1/search", "read", "POST", json={"vector": vector.json()["vectors"][0], **EVERY}).json()
    assert by_picture["items"][0]["score"] > 0.99
    assert ids(by_picture) == ids(form) == ids(by_vector)


def test_what_is_searched_comes_in_pages(served: "Served") -> None:
    whole = ids(ask(served, "/v1/search", text="red", **EVERY))
    assert pages(served, "/v1/search", text="red", **EVERY) == whole


def test_a_token_is_for_its_question_and_its_caller(served: "Served") -> None:
    token = ask(served, "/v1/images", page_size=1, **EVERY)["next_page_token"]
    others = {"page_token": token}, {"page_token": token, "label": "hat", **EVERY}, {"page_token": token + "x", **EVERY}
    for params in others:
        refused = served.ask("/v1/images", "admin", params=params)
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:image-assets:problem:wrong-page-token")
    assert served.ask("/v1/images", "anna", params={"page_token": token, **EVERY}).status_code == 422


def test_facets_count_what_a_click_shows(served: "Served") -> None:
    told = ask(served, "/v1/images", facets="label,user,colour,day,state", label="hat", **EVERY)
    assert {each["value"]: each["images"] for each in told["facets"]["label"]["values"]} == {
        None: 2,
        "dress": 1,
        "hat": 1,
        "shirt": 1,
    }
    for name, parameter in (("user", "user"), ("colour", "colour"), ("day", "day"), ("state", "state")):
        for each in told["facets"][name]["values"]:
            clicked = ask(served, "/v1/images", label="hat", **{parameter: each["value"]}, **EVERY)
            assert clicked["estimated_total"] == each["images"] == len(clicked["items"]), (name, each)


def test_who_only_uploads_finds_the_own_images_alone(served: "Served") -> None:
    own, others = served.lake.ids_of("anna"), served.lake.ids_of("bo")
    for path, params in (("/v1/images", {"facets": "user,day"}), ("/v1/search", {"text": "yellow"})):
        told = ask(served, path, "anna", **params, **EVERY)
        assert set(ids(told)) == set(own)
    facets = ask(served, "/v1/images", "anna", facets="user,label", **EVERY)["facets"]
    assert [each["value"] for each in facets["user"]["values"]] == ["anna"]
    assert "shirt" not in {each["value"] for each in facets["label"]["values"]}
    refused = [served.ask("/v1/search", "anna", params={"image_id": each}) for each in (others[0], "0000")]
    assert [each.status_code for each in refused] == [422, 422]
    assert {each.json()["detail"].replace(others[0], "0000") for each in refused} == {refused[1].json()["detail"]}


def test_whose_images_they_are_is_not_told_to_readers(served: "Served") -> None:
    for key, sees in (("read", False), ("review", True), ("anna", True)):
        told = ask(served, "/v1/images", key, **EVERY)["items"]
        assert all((image["user_id"] is not None) == (image["raw_name"] is not None) == sees for image in told)
    for params in ({"user": "anna"}, {"where": "raw_name=red.jpg"}, {"where": "sha256=x"}, {"facets": "user"}):
        assert served.ask("/v1/images", "read", params=params).status_code == 422


def test_a_column_that_is_not_there_is_refused_with_those_that_are(served: "Served") -> None:
    for key, known in (("admin", "processed_at"), ("read", "confidence_ratio")):
        refused = served.ask("/v1/images", key, params={"where": "price=3"})
        assert refused.status_code == 422
        assert "'price'" in refused.json()["detail"]
        assert known in refused.json()["detail"]
        assert ("processed_at" in refused.json()["detail"]) == (key == "admin")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/images", {"where": "nothing"}),
        ("/v1/images", {"where": "width_px=" + "9" * 400}),
        ("/v1/images", {"page_size": 0}),
        ("/v1/images", {"facets": "price"}),
        ("/v1/images", {"colour": "teal"}),
        ("/v1/images", {"nonsense": 1}),
        ("/v1/images", {"page_token": "Ю"}),
        ("/v1/search", {"text": "x" * 501}),
        ("/v1/search", {"text": "red", "image_id": "abcd"}),
        ("/v1/search", {"min_score": 2}),
    ],
    ids=str,
)
def test_a_question_without_sense_is_refused(served: "Served", path: str, params: dict[str, Any]) -> None:
    assert served.ask(path, "admin", params=params).status_code == 422


def test_a_larger_page_than_there_is_is_cut(served: "Served") -> None:
    assert len(ask(served, "/v1/images", page_size=10**12, **EVERY)["items"]) == 5


def test_what_the_encoder_does_not_know_is_told_and_what_was_compared_instead(served: "Served") -> None:
    told = ask(served, "/v1/search", text="red xylophone", words=False, **EVERY)
    assert (told["unknown"], told["nearest_to"]) == (["xylophone"], "red")
    assert ids(told) == ids(ask(served, "/v1/search", text="red", words=False, **EVERY))


def test_of_words_that_are_all_unknown_no_image_is_the_nearest(served: "Served") -> None:
    told = ask(served, "/v1/search", text="xylophone zzz", **EVERY)
    assert (told["unknown"], told["nearest_to"], told["items"]) == (["xylophone", "zzz"], None, [])


def test_a_strict_search_refuses_words_that_the_encoder_does_not_know(served: "Served") -> None:
    refused = served.ask("/v1/search", "admin", params={"text": "red xylophone", "strict": True})
    assert refused.status_code == 422
    assert "knows no “xylophone”: use other words, leave strict out" in refused.json()["detail"]


def test_who_waits_for_the_model_takes_nobody_elses_thread(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    served, begun = serve_lake(own_lake), re.compile(r"\nimage_assets_http_requests_in_progress 13\.0\n")
    with ThreadPoolExecutor(12) as clients:
        searches = [clients.submit(served.ask, f"/v1/search?text=red dress {number}", "read") for number in range(12)]
        while not begun.search(served.ask("/metrics", "admin").text):
            assert not any(search.done() for search in searches)
        assert served.ask("/v1/images", "admin").status_code == 200
        assert not any(search.done() for search in searches)
        assert {search.result().status_code for search in searches} == {200}
