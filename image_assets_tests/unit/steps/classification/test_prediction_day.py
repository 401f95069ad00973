"""Predictions of a day, by the champion or before there is one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from image_assets.errors import ModelError, TableError
from image_assets.lake import object_keys
from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.models.classifiers.review_rule import ReviewRule
from image_assets.steps.classification.champion import (
    ClassifierCard,
    digests_of,
    keep_classifier,
    load_kept,
    promote,
    read_card,
)
from image_assets.steps.classification.predictions import (
    PredictionParams,
    choose_model,
    has_predictions_below,
    predict_day,
    wanted_params,
    wanted_version,
)
from image_assets.steps.classification.training_set import build_training_set
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.predictions import predictions_table

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario


def put_in_charge(
    scenario: "Scenario", version: str = "head-1", encoder: str = "colour-means", number: str = "1"
) -> None:
    """A champion that takes everything for a cherry, and is not quite sure."""
    files = LinearClassifier(("cherry", "sky"), np.zeros((4, 2), np.float32), np.array([0.1, 0], np.float32)).files()
    keep_classifier(
        scenario.store, ClassifierCard(version, "head", (encoder, "1"), "2026", number, digests_of(files)), files
    )
    promote(scenario.store, version)


def with_rule(scenario: "Scenario", threshold: float) -> None:
    """A champion whose training chose a threshold; it is 0.525 sure of everything."""
    put_in_charge(scenario)
    rule = ReviewRule(0.02, threshold, is_shown=True, images=300, decided=200, wrong=1)
    files = load_kept(scenario.store, "head-1").files()
    keep_classifier(scenario.store, replace(read_card(scenario.store, "head-1"), review=rule), files)


@pytest.mark.parametrize(
    ("chosen", "set_by_hand", "is_reviewed"),
    [(0.5, None, False), (0.55, None, True), (0.55, 0.5, False), (0.5, 0.55, True)],
)
def test_the_threshold_of_the_training_counts_unless_a_person_has_set_one(
    taught: "Scenario", chosen: float, set_by_hand: float | None, is_reviewed: bool
) -> None:
    with_rule(taught, chosen)
    params = PredictionParams(set_by_hand)
    model = choose_model(taught.tables, taught.encoder, ())
    predict_day(taught.tables, taught.day, taught.encoder.description, model, params, chunk_size=16)
    assert {row["needs_review"] for row in taught.rows(taught.predictions)} == {is_reviewed}
    assert wanted_params(taught.tables, taught.encoder.description, params) == PredictionParams(model.threshold(params))


@pytest.mark.parametrize("has_champion", [False, True])
def test_all_days_of_a_run_share_one_classifier(taught: "Scenario", has_champion: bool) -> None:
    if has_champion:
        put_in_charge(taught)
    model = choose_model(taught.tables, taught.encoder, ("red", "green"))
    assert model.load() is model.load()


def test_without_a_champion_the_names_of_the_classes_decide(taught: "Scenario") -> None:
    taught.predict()
    rows = taught.rows(taught.predictions)
    assert {row["model_version"].partition("-")[0] for row in rows} == {"zero"}
    assert sorted(row["label"] for row in rows) == ["blue"] * 15 + ["green"] * 15 + ["red"] * 15


def test_the_champion_predicts(taught: "Scenario") -> None:
    put_in_charge(taught)
    taught.predict()
    assert {(row["label"], row["model_version"]) for row in taught.rows(taught.predictions)} == {("cherry", "head-1")}


def test_the_most_probable_labels_come_with_their_confidence(taught: "Scenario") -> None:
    taught.predict()
    row = taught.rows(taught.predictions)[0]
    confidences = [each["confidence_ratio"] for each in row["top_labels"]]
    assert confidences == sorted(confidences, reverse=True)
    assert (row["top_labels"][0]["label"], confidences[0]) == (row["label"], row["confidence_ratio"])


@pytest.mark.parametrize(("threshold", "is_unsure"), [(0.5, False), (0.9, True)])
def test_less_confidence_than_the_threshold_needs_a_review(
    taught: "Scenario", threshold: float, is_unsure: bool
) -> None:
    put_in_charge(taught)
    model = choose_model(taught.tables, taught.encoder, ())
    predict_day(
        taught.tables, taught.day, taught.encoder.description, model, PredictionParams(threshold), chunk_size=16
    )
    assert {row["needs_review"] for row in taught.rows(taught.predictions)} == {is_unsure}


def test_an_unchanged_day_is_not_predicted_again(taught: "Scenario") -> None:
    taught.predict()
    before = taught.files()
    assert taught.predict().is_unchanged
    assert taught.files() == before


def test_a_new_champion_leaves_the_words_of_the_old_one(taught: "Scenario") -> None:
    taught.predict()
    former = taught.predictions
    before = taught.rows(former)
    put_in_charge(taught)
    taught.predict()
    assert taught.rows(former) == before
    assert taught.predictions == predictions_table("head-1")


def test_gold_shows_the_model_in_use(taught: "Scenario") -> None:
    taught.predict()
    put_in_charge(taught)
    taught.predict()
    taught.gather()
    taught.curate()
    shown = {(row["predicted_label"], row["model_version"], row["needs_review"]) for row in taught.rows(GOLD_IMAGES)}
    assert shown == {("cherry", "head-1", True)}


def show_predictions(scenario: "Scenario") -> None:
    scenario.predict()
    scenario.gather()
    scenario.curate()


def test_zero_shot_predictions_are_below_every_version(taught: "Scenario") -> None:
    show_predictions(taught)
    assert has_predictions_below(taught.tables, taught.day, 1)


@pytest.mark.parametrize(("number", "is_below"), [(10, False), (11, True)])
def test_versions_are_compared_as_numbers(taught: "Scenario", number: int, is_below: bool) -> None:
    put_in_charge(taught, "head-ten", number="10")
    show_predictions(taught)
    assert has_predictions_below(taught.tables, taught.day, number) == is_below


def test_the_version_that_gold_shows_counts_whatever_a_later_one_said(taught: "Scenario") -> None:
    for version, number in (("head-2", "2"), ("head-1", "1")):
        put_in_charge(taught, version, number=number)
        show_predictions(taught)
    assert has_predictions_below(taught.tables, taught.day, 2)


def test_a_day_without_predictions_is_below_no_version(taught: "Scenario") -> None:
    assert not has_predictions_below(taught.tables, taught.day, 9)


def test_a_champion_of_another_encoder_is_replaced_by_zero_shot_and_that_is_said(taught: "Scenario") -> None:
    put_in_charge(taught, encoder="other")
    model = choose_model(taught.tables, taught.encoder, ())
    assert model.version.startswith("zero-shot-")
    assert "trained on vectors of" in model.remark


def test_a_damaged_champion_stops_the_run_and_no_table_is_touched(taught: "Scenario") -> None:
    put_in_charge(taught)
    (weights,) = (taught.root / object_keys.CLASSIFIERS / "head-1").glob("*.safetensors")
    weights.write_bytes(b"damaged")
    with pytest.raises(ModelError, match="missing or damaged"):
        taught.predict()
    assert taught.tables.files("image_predictions") == []


def test_classes_come_from_the_training_set_when_nobody_names_them(taught: "Scenario") -> None:
    build_training_set(taught.tables)
    taught.predict(classes=())
    assert {row["label"] for row in taught.rows(taught.predictions)} == {"red", "green", "blue"}


def test_other_classes_are_another_model(taught: "Scenario") -> None:
    versions = {choose_model(taught.tables, taught.encoder, classes).version for classes in (("a", "b"), ("a", "c"))}
    assert len(versions) == 2


def test_a_day_without_images_has_no_predictions(scenario: "Scenario") -> None:
    scenario.take_in()
    scenario.derive()
    scenario.embed()
    scenario.predict()
    assert scenario.rows(scenario.predictions) == []


def test_predicting_before_embedding_says_what_to_materialize(scenario: "Scenario") -> None:
    with pytest.raises(TableError, match="materialize image_embeddings"):
        scenario.predict()


@pytest.fixture
def next_day(taught: "Scenario", paint: Callable[..., bytes]) -> "Scenario":
    """The day after, with one picture."""
    later = replace(taught, day=taught.day + timedelta(days=1))
    later.land("anna/late.png", paint("red", kind="PNG"))
    later.take_in()
    later.derive()
    later.embed()
    later.tables.replace(DUPLICATE_IMAGES, later.day, DUPLICATE_IMAGES.schema.create_empty())
    return later


def shown(scenario: "Scenario") -> set[str]:
    """Whose predictions gold shows after it was made again."""
    scenario.gather()
    scenario.curate()
    return {row["model_version"] for row in scenario.rows(GOLD_IMAGES)}


def test_a_day_keeps_its_predictions_until_the_next_model_has_judged_it(
    taught: "Scenario", next_day: "Scenario"
) -> None:
    show_predictions(taught)
    (former,) = shown(taught)
    put_in_charge(taught)
    show_predictions(next_day)
    assert shown(next_day) == {"head-1"}
    assert shown(taught) == {former}
    taught.predict()
    assert shown(taught) == {"head-1"}


def test_of_former_models_the_newest_that_has_judged_the_whole_day_counts(
    taught: "Scenario", next_day: "Scenario", paint: Callable[..., bytes]
) -> None:
    for version in ("head-1", "head-2"):
        put_in_charge(taught, version)
        taught.predict()
    put_in_charge(taught, "head-3")
    next_day.predict()
    assert shown(taught) == {"head-2"}
    taught.land("user-00/more.png", paint("red", size=(70, 48), kind="PNG"))
    taught.take_in()
    taught.derive()
    taught.embed()
    assert shown(taught) == {"head-2", None}


def test_a_model_that_is_back_in_use_counts_before_those_in_between(taught: "Scenario", next_day: "Scenario") -> None:
    for version in ("head-1", "head-2", "head-1"):
        put_in_charge(taught, version)
        taught.predict()
    put_in_charge(taught, "head-3")
    next_day.predict()
    assert shown(taught) == {"head-1"}


@pytest.mark.parametrize("step", ["predict", "tag", "moderate"])
def test_vectors_of_former_weights_are_not_judged(taught: "Scenario", step: str) -> None:
    retrained = replace(taught, encoder=type(taught.encoder)(revision="2"))
    with pytest.raises(TableError, match="former weights: materialize image_embeddings"):
        getattr(retrained, step)()
    retrained.embed()
    assert getattr(retrained, step)().accepted == 45


@pytest.mark.parametrize("encoder", ["colour-means", "other", None])
def test_the_version_that_is_wanted_is_known_without_loading_anything(taught: "Scenario", encoder: str | None) -> None:
    if encoder:
        put_in_charge(taught, encoder=encoder)
    wanted = wanted_version(taught.tables, taught.encoder.description, ("a", "b"))
    assert wanted == choose_model(taught.tables, taught.encoder, ("a", "b")).version
    assert (wanted == "head-1") == (encoder == "colour-means")
