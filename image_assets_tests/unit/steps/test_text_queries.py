from collections.abc import Callable
from datetime import date
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from image_assets.errors import TableError
from image_assets.steps.text_search import search_text

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


@pytest.fixture(scope="module")
def searchable(scenarios: ModuleType, paint: Paint, tmp_path_factory: pytest.TempPathFactory) -> "Scenario":
    """Two days: red and blue on the first, green on the second."""
    scenario: Scenario = scenarios.Scenario(tmp_path_factory.mktemp("searchable") / "lake")
    later = scenarios.Scenario(scenario.root, date(2026, 10, 2))
    for each, colours in ((scenario, ("red", "blue")), (later, ("green",))):
        for colour in colours:
            each.land(f"anna/{colour}.png", paint(colour, size=(64, 64), kind="PNG"), label=colour)
        each.run()
    return scenario


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_the_image_that_shows_what_the_text_says_comes_first(searchable: "Scenario", colour: str) -> None:
    found = search_text(searchable.tables, searchable.encoder, colour, 3)
    assert found.get_column("label")[0] == colour
    assert found.height == 3


def test_scores_fall_and_are_cosines(searchable: "Scenario") -> None:
    scores = search_text(searchable.tables, searchable.encoder, "red", 3).get_column("score").to_list()
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1.0001 for score in scores)


def test_no_more_are_found_than_asked_for(searchable: "Scenario") -> None:
    assert search_text(searchable.tables, searchable.encoder, "red", 2).height == 2


def test_a_hit_says_which_image_it_is_and_where_its_thumbnail_lies(searchable: "Scenario") -> None:
    (hit,) = search_text(searchable.tables, searchable.encoder, "green", 1).to_dicts()
    assert (hit["day"], hit["user_id"], hit["raw_name"]) == (date(2026, 10, 2), "anna", "green.png")
    assert searchable.store.exists(hit["thumbnail_path"])


def test_a_day_without_images_is_passed_over(searchable: "Scenario", scenarios: ModuleType) -> None:
    scenarios.Scenario(searchable.root, date(2026, 10, 3)).run()
    assert search_text(searchable.tables, searchable.encoder, "red", 9).height == 3


def test_a_lake_without_images_has_nothing_to_find(scenario: "Scenario") -> None:
    scenario.run()
    assert search_text(scenario.tables, scenario.encoder, "red", 3).is_empty()


def test_without_vectors_it_says_what_is_missing(scenario: "Scenario") -> None:
    with pytest.raises(TableError, match="image_embeddings/colour-means has no day yet: image-assets run"):
        search_text(scenario.tables, scenario.encoder, "red", 3)


def test_without_gold_it_says_what_is_missing(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.derive()
    scenario.embed()
    with pytest.raises(TableError, match="gold_images has no day yet: image-assets run"):
        search_text(scenario.tables, scenario.encoder, "red", 3)


def test_vectors_of_another_encoder_are_not_searched(searchable: "Scenario", scenarios: ModuleType) -> None:
    with pytest.raises(TableError, match="image_embeddings/other has no day yet"):
        search_text(searchable.tables, scenarios.ColourMeans("other"), "red", 3)
