"""One room for every search: what is found, in which order, and what is said when nothing can be."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import AmbiguousImageError, ImageError, SearchError, TableError, UnknownWordsError
from image_assets.ids import ImageId
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.object_store import ANY_VERSION
from image_assets.search.usearch_index import UsearchParams
from image_assets.steps.search.conditions import Condition
from image_assets.steps.search.image_search import ImageSearch
from image_assets.steps.search.requests import SearchPage, SearchRequest
from image_assets.steps.vectors.index_manifest import put_in_force, read_manifest
from image_assets.steps.vectors.index_source import LakeIndex
from image_assets.steps.vectors.vector_index import IndexParams, refresh_index
from image_assets.tables.gold import GOLD_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
DAYS = date(2026, 10, 1), date(2026, 10, 2)
UPLOADS = {
    DAYS[0]: [("anna/red.png", "red", "shirt"), ("bob/blue.png", "blue", "hat")],
    DAYS[1]: [("anna/green.png", "green", None), ("carl/red again.png", "red", "shirt")],
}
WORDS = {"red.png": "a sandal", "blue.png": "a green sandal on the beach", "green.png": None, "red again.png": None}


def enrich(rows: pl.DataFrame, canonical: str | None) -> pl.DataFrame:
    """What later stages add to gold, by hand: captions, and which image is a copy of which."""
    is_copy = pl.col("raw_name") == "red again.png"
    return rows.with_columns(
        caption=pl.col("raw_name").replace_strict(WORDS, return_dtype=pl.String),
        canonical_id=pl.when(is_copy).then(pl.lit(canonical)).otherwise("image_id"),
        tags=pl.lit([], dtype=pl.List(pl.String)),
    )


@pytest.fixture(scope="module")
def made(scenarios: ModuleType, paint: Paint, tmp_path_factory: pytest.TempPathFactory) -> "Scenario":
    """Two days: red and blue, then green and a copy of red."""
    root = tmp_path_factory.mktemp("searched") / "lake"
    red: str | None = None
    for day, uploads in UPLOADS.items():
        scenario = scenarios.Scenario(root, day)
        for name, colour, label in uploads:
            scenario.land(name, paint(colour, size=(64, 64), kind="PNG"), label=label)
        scenario.run()
        rows = scenario.tables.read(GOLD_IMAGES, day)
        red = red or rows.filter(pl.col("raw_name") == "red.png").get_column("image_id")[0]
        scenario.rewrite(GOLD_IMAGES, enrich(rows, red))
    first: Scenario = scenarios.Scenario(root, DAYS[0])
    return first


@pytest.fixture
def lake(made: "Scenario", tmp_path: Path) -> "Scenario":
    """A copy of it to change."""
    shutil.copytree(made.root, tmp_path / "copy")
    return replace(made, root=tmp_path / "copy")


def search_of(lake: "Scenario") -> ImageSearch:
    return ImageSearch(lake.tables, lake.encoder, limits=InspectParams(), source=LakeIndex(UsearchParams(threads=1)))


def find(lake: "Scenario", **request: object) -> SearchPage:
    return search_of(lake).search(SearchRequest(**request))


def names(page: SearchPage) -> list[str]:
    return page.rows.get_column("raw_name").to_list()


def id_of(lake: "Scenario", name: str) -> ImageId:
    rows = find(lake, with_duplicates=True).rows
    return ImageId(rows.filter(pl.col("raw_name") == name).get_column("image_id")[0])


def where(column: str, *values: str, comparison: str = "=") -> tuple[Condition, ...]:
    return (Condition(column, comparison, values),)


def index(lake: "Scenario", exact_below: int) -> None:
    refresh_index(lake.tables, lake.encoder.description, IndexParams(exact_below=exact_below))


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_the_image_that_shows_what_the_text_says_comes_first(made: "Scenario", colour: str) -> None:
    assert names(find(made, text=colour, with_words=False))[0] == f"{colour}.png"


def test_scores_fall_and_are_cosines(made: "Scenario") -> None:
    scores = find(made, text="red", with_words=False).rows.get_column("score").to_list()
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1 for score in scores)


def test_a_hit_has_the_columns_of_gold(made: "Scenario") -> None:
    (hit,) = find(made, text="green", count=1, with_words=False).rows.to_dicts()
    assert (hit["day"], hit["user_id"], hit["raw_name"]) == (DAYS[1], "anna", "green.png")
    assert made.store.exists(hit["thumbnail_path"])


def test_a_picture_finds_what_looks_like_it(made: "Scenario", paint: Paint) -> None:
    assert names(find(made, image=paint("blue", size=(300, 200))))[0] == "blue.png"


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xe0 half of one"], ids=["empty", "text", "half"])
def test_a_picture_that_cannot_be_used_is_refused_with_the_reason(made: "Scenario", data: bytes) -> None:
    with pytest.raises(ImageError):
        find(made, image=data)


def test_more_like_an_image_finds_others_but_not_itself(made: "Scenario") -> None:
    found = names(find(made, image_id=id_of(made, "red.png"), with_duplicates=True))
    assert (found[0], "red.png" in found) == ("red again.png", False)


def test_more_like_an_image_does_not_find_its_copies(made: "Scenario") -> None:
    assert set(names(find(made, image_id=id_of(made, "red again.png")))) == {"blue.png", "green.png"}


@pytest.mark.parametrize("length", [1.0, 20.0, 1e-30, 1e30])
def test_what_a_vector_points_to_is_found_whatever_its_length(made: "Scenario", length: float) -> None:
    vector = made.encoder.encode_texts(["red"])[0]
    page = find(made, vector=[float(number) * length for number in vector], count=2)
    assert page.rows.equals(find(made, text="red", with_words=False, count=2).rows)
    assert names(find(made, vector=vector, after=page.after)) == ["blue.png"]


def test_conditions_hold_for_what_a_vector_finds(made: "Scenario") -> None:
    vector = made.encoder.encode_texts(["red"])[0]
    assert names(find(made, vector=vector, conditions=where("label", "hat"))) == ["blue.png"]


@pytest.mark.parametrize(
    ("vector", "problem"),
    [
        ([1.0, 0.0, 0.0], r"colour-means makes vectors of 4 numbers, not of shape \(3,\)"),
        ([[1.0, 0.0, 0.0, 0.0]], r"makes vectors of 4 numbers, not of shape \(1, 4\)"),
        ([0.0, 0.0, 0.0, 0.0], "must have a length: finite numbers, not all of them 0"),
        ([1.0, float("nan"), 0.0, 0.0], "must have a length: finite numbers"),
        ([1.0, float("inf"), 0.0, 0.0], "must have a length: finite numbers"),
        ([10**400, 1, 1, 1], "a vector is a list of numbers, not of object"),
        ([1j, 0, 0, 0], "a vector is a list of numbers, not of complex128"),
        (["red"] * 4, "a vector is a list of numbers"),
        ([[1.0], [1.0, 2.0]], "a vector is a list of numbers"),
    ],
    ids=str,
)
def test_a_vector_that_points_nowhere_is_refused(made: "Scenario", vector: object, problem: str) -> None:
    with pytest.raises(SearchError, match=problem):
        find(made, vector=vector)


def test_the_beginning_of_an_id_will_do(made: "Scenario") -> None:
    whole = id_of(made, "blue.png")
    assert names(find(made, image_id=ImageId(whole[:13]))) == names(find(made, image_id=whole))


def test_looks_are_compared_with_the_words_that_are_known(made: "Scenario") -> None:
    page = find(made, text="red wombat", with_words=False)
    assert (page.unknown, page.nearest_to) == (("wombat",), "red")
    assert page.rows.equals(find(made, text="red", with_words=False).rows)


def test_where_no_word_is_known_only_words_find_images(made: "Scenario") -> None:
    page = find(made, text="beach sandal")
    assert (page.nearest_to, names(page)) == (None, ["blue.png", "red.png"])
    assert page.rows.get_column("score").to_list() == [None, None]
    assert names(find(made, text="beach sandal", with_words=False)) == []


def test_a_strict_search_refuses_words_that_are_not_known(made: "Scenario") -> None:
    with pytest.raises(UnknownWordsError, match=r"knows no “wombat”: use other words, leave .* nearest to “red”"):
        find(made, text="red wombat", strict=True)
    assert names(find(made, text="red", strict=True, with_words=False))[0] == "red.png"


@pytest.mark.parametrize("text", ["👗", "!!!", "- ?"])
def test_signs_without_a_word_are_not_known(made: "Scenario", text: str) -> None:
    page = find(made, text=text, with_words=False)
    assert (page.nearest_to, names(page)) == (None, [])
    with pytest.raises(UnknownWordsError):
        find(made, text=text, strict=True)


def test_an_unknown_id_is_an_error(made: "Scenario") -> None:
    with pytest.raises(SearchError, match="there is no image nothing with a vector"):
        find(made, image_id=ImageId("nothing"))


def test_an_id_that_may_be_several_is_an_error(made: "Scenario") -> None:
    with pytest.raises(AmbiguousImageError, match="the ids of 4 images begin with : write more of it"):
        find(made, image_id=ImageId(""))


def test_without_a_query_the_newest_come_first(made: "Scenario") -> None:
    page = find(made, with_duplicates=True)
    assert page.rows.get_column("day").to_list() == [DAYS[1], DAYS[1], DAYS[0], DAYS[0]]
    assert page.rows.get_column("score").null_count() == 4


@pytest.mark.parametrize("request_", [{"text": "red"}, {}], ids=["text", "no query"])
def test_of_copies_one_is_found(made: "Scenario", request_: dict[str, str]) -> None:
    assert "red again.png" not in names(find(made, **request_))
    assert "red again.png" in names(find(made, **request_, with_duplicates=True))


def test_a_copy_stands_for_an_image_that_the_conditions_leave_out(made: "Scenario") -> None:
    assert names(find(made, text="red", conditions=where("user_id", "carl"))) == ["red again.png"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (where("label", "hat"), ["blue.png"]),
        (where("label", "hat", "SHIRT"), ["blue.png", "red.png"]),
        (where("label", "shirt", comparison="!="), ["blue.png", "green.png"]),
        (where("label", ""), ["green.png"]),
        (where("day", "2026-10-02", comparison=">="), ["green.png", "red again.png"]),
        (where("day", "2026-10-01", comparison="<="), ["blue.png", "red.png"]),
        (where("state", "embedded"), ["blue.png", "green.png", "red.png"]),
        (where("dominant_colours", "green"), ["green.png"]),
        (where("dominant_colours", "#0000ff"), ["blue.png"]),
        (where("is_near_uniform", "false", comparison="!="), []),
        (where("width_px", "65", comparison=">="), []),
        ((*where("user_id", "anna"), *where("label", "shirt")), ["red.png"]),
    ],
    ids=str,
)
def test_only_what_meets_the_conditions_is_found(
    made: "Scenario", conditions: tuple[Condition, ...], expected: list[str]
) -> None:
    for query in ({"text": "red"}, {}):
        assert sorted(set(names(find(made, **query, conditions=conditions)))) == expected


def test_a_condition_on_a_column_that_is_not_there_names_those_that_are(made: "Scenario") -> None:
    with pytest.raises(SearchError, match="gold_images has no column 'price': it has image_id, day, user_id"):
        find(made, conditions=where("price", "3"))


def test_images_below_the_least_score_are_not_found(made: "Scenario") -> None:
    assert names(find(made, text="red", min_score=0.9)) == ["red.png"]


def test_words_that_describe_an_image_count_beside_its_looks(made: "Scenario") -> None:
    page = find(made, text="green")
    assert names(page)[:2] == ["blue.png", "green.png"]
    assert page.rows.get_column("words").to_list()[:2] == [["green"], []]


def test_words_can_be_left_out_of_account(made: "Scenario") -> None:
    assert names(find(made, text="green", with_words=False))[0] == "green.png"


def test_pages_follow_each_other_without_gap_or_repetition(made: "Scenario") -> None:
    for query in ({"text": "red"}, {"text": "red", "with_words": False}, {}):
        seen, after = [], None
        for _ in range(4):
            page = find(made, **query, count=1, after=after, with_duplicates=True)
            seen, after = [*seen, *names(page)], page.after
        assert (seen, after) == (names(find(made, **query, with_duplicates=True)), None)


@pytest.mark.parametrize("mark", ["", "x", "0.5", "nan_x", "_x"])
def test_a_mark_that_no_page_gave_is_an_error(made: "Scenario", mark: str) -> None:
    with pytest.raises(SearchError, match="is no mark of a page"):
        find(made, after=mark)


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({"text": "  "}, "the text is empty"),
        ({"text": "red", "image": b""}, "one of them, not several"),
        ({"text": "red", "vector": [1.0]}, "one of them, not several"),
        ({"count": 0}, "ask for at least 1"),
    ],
)
def test_a_request_that_makes_no_sense_is_an_error(made: "Scenario", request_: dict[str, object], problem: str) -> None:
    with pytest.raises(SearchError, match=problem):
        find(made, **request_)


@pytest.mark.parametrize("exact_below", [1_000, 0], ids=["exact", "usearch"])
def test_with_an_index_the_same_is_found(lake: "Scenario", exact_below: int) -> None:
    requests: list[dict[str, object]] = [
        {"text": "red", "with_duplicates": True},
        {"text": "green", "conditions": where("label", "shirt")},
        {"image_id": id_of(lake, "blue.png")},
    ]
    before = [find(lake, **each).rows for each in requests]
    index(lake, exact_below)
    for each, rows in zip(requests, before, strict=True):
        found = find(lake, **each).rows
        assert found.get_column("image_id").to_list() == rows.get_column("image_id").to_list()
        assert found.get_column("score").to_list() == pytest.approx(rows.get_column("score").to_list(), abs=2e-3)


@pytest.mark.parametrize("exact_below", [1_000, 0], ids=["exact", "usearch"])
def test_a_day_is_found_before_the_index_has_it(
    lake: "Scenario", scenarios: ModuleType, paint: Paint, exact_below: int
) -> None:
    index(lake, exact_below)
    search = search_of(lake)
    search.search(SearchRequest(text="red"))
    later = scenarios.Scenario(lake.root, date(2026, 10, 3))
    later.land("anna/new.png", paint("red", size=(64, 64), kind="PNG"))
    later.run()
    found = names(search.search(SearchRequest(text="red", with_words=False, with_duplicates=True)))
    assert set(found[:3]) == {"red.png", "red again.png", "new.png"}


def test_an_image_that_went_is_not_found_before_the_index_knows(lake: "Scenario") -> None:
    index(lake, 0)
    rows = lake.tables.read(lake.embeddings, lake.day)
    lake.rewrite(lake.embeddings, rows.filter(pl.col("image_id") != id_of(lake, "red.png")))
    assert set(names(find(lake, text="red"))) == {"blue.png", "green.png"}


def test_what_gold_does_not_show_is_not_found(lake: "Scenario") -> None:
    lake.rewrite(GOLD_IMAGES, pl.read_parquet(lake.root / f"tables/gold_images/{lake.day}.parquet").clear())
    assert set(names(find(lake, text="red", with_duplicates=True))) == {"green.png", "red again.png"}


def test_what_is_blocked_is_found_only_by_those_who_ask_for_the_state(lake: "Scenario") -> None:
    rows = pl.read_parquet(lake.root / f"tables/gold_images/{lake.day}.parquet")
    lake.rewrite(GOLD_IMAGES, rows.with_columns(state=pl.lit("blocked")))
    for query in ({"text": "red"}, {}):
        assert set(names(find(lake, **query, with_duplicates=True))) == {"green.png", "red again.png"}
        assert set(names(find(lake, **query, conditions=where("state", "blocked")))) == {"red.png", "blue.png"}


def test_days_of_an_older_shape_are_searched_too(lake: "Scenario") -> None:
    file = lake.root / f"tables/gold_images/{lake.day}.parquet"
    former = pl.Enum(["processing", "embedded"])
    lake.rewrite(GOLD_IMAGES, pl.read_parquet(file).drop("caption", "label").with_columns(pl.col("state").cast(former)))
    assert set(names(find(lake, text="red"))) == {"red.png", "blue.png", "green.png"}
    assert names(find(lake, conditions=where("label", "shirt"))) == ["red again.png"]


def test_an_index_of_another_dimension_is_refused_with_the_way_out(lake: "Scenario") -> None:
    index(lake, 0)
    manifest = read_manifest(lake.store, "colour-means")
    assert manifest
    put_in_force(lake.store, replace(manifest, dimension=3), ANY_VERSION)
    way_out = "has 3 dimensions, the encoder 4; materialize vector_index, or delete index/colour-means"
    with pytest.raises(SearchError, match=way_out):
        find(lake, text="red")


def test_an_index_of_former_weights_is_passed_over(lake: "Scenario", scenarios: ModuleType) -> None:
    index(lake, 0)
    renewed = replace(lake, encoder=scenarios.ColourMeans(revision="2"))
    renewed.embed()
    assert set(names(find(renewed, text="red"))) == {"red.png", "blue.png"}


def test_vectors_of_former_weights_alone_are_not_compared(made: "Scenario", scenarios: ModuleType) -> None:
    renewed = replace(made, encoder=scenarios.ColourMeans(revision="2"))
    with pytest.raises(TableError, match=r"vectors of other weights only, .* run --from 2026-10-01 --to 2026-10-02"):
        find(renewed, text="red")


def test_a_damaged_index_is_an_error_with_the_way_out(lake: "Scenario") -> None:
    index(lake, 0)
    (file,) = (lake.root / "index").rglob("vectors")
    file.unlink()
    with pytest.raises(SearchError, match=r"is damaged: .*; materialize vector_index"):
        find(lake, text="red")


def test_a_lake_without_images_has_nothing_to_find(scenario: "Scenario") -> None:
    scenario.run()
    assert find(scenario, text="red").rows.is_empty()
    assert find(scenario).rows.is_empty()


def test_without_vectors_it_says_what_is_missing(scenario: "Scenario") -> None:
    with pytest.raises(TableError, match="has no day yet: image-assets run"):
        find(scenario, text="red")


def test_without_gold_it_says_what_is_missing(scenario: "Scenario") -> None:
    with pytest.raises(TableError, match="gold_images has no day yet: image-assets run"):
        find(scenario)


def test_a_gallery_that_is_found_to_be_damaged_is_made_anew(lake: "Scenario") -> None:
    search = search_of(lake)
    expected = names(search.search(SearchRequest()))
    file = lake.root / "gallery.duckdb"
    known = file.stat()
    file.write_bytes(file.read_bytes()[: 3 * 4096] + os.urandom(known.st_size - 3 * 4096))
    for other in (search, search_of(lake)):
        assert names(other.search(SearchRequest())) == expected


def test_what_has_come_is_found_by_who_asks_again(lake: "Scenario", scenarios: ModuleType, paint: Paint) -> None:
    search = ImageSearch(lake.tables, lake.encoder, limits=InspectParams(), source=LakeIndex(), patience_s=0.05)
    assert len(names(search.search(SearchRequest()))) == 3
    later = scenarios.Scenario(lake.root, date(2026, 10, 3))
    later.land("anna/new.png", paint("yellow", size=(64, 64), kind="PNG"))
    later.run()
    give_up_at = time.monotonic() + 60
    while len(found := names(search.search(SearchRequest()))) == 3 and time.monotonic() < give_up_at:
        time.sleep(0.05)
    assert (len(found), found[0]) == (4, "new.png")


def test_only_wanted_columns_are_given(made: "Scenario") -> None:
    for columns in (("raw_name", "state"), ("raw_name", "sha256")):
        assert find(made, columns=columns).rows.columns == ["score", "words", *columns]


def test_of_an_owner_nothing_but_the_own_images_is_found(made: "Scenario") -> None:
    for query in ({"text": "red"}, {}):
        assert set(names(find(made, **query, owner="anna"))) == {"red.png", "green.png"}
    with pytest.raises(SearchError, match="there is no image"):
        find(made, image_id=id_of(made, "blue.png"), owner="anna")
