"""Training, comparing, promoting and going back."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from image_assets.errors import ConfigurationError, ModelError, TableError
from image_assets.lake import object_keys
from image_assets.models.classifiers.classifier_files import version_of_files
from image_assets.models.classifiers.head_trainer import HeadTrainer
from image_assets.models.classifiers.linear_classifier import LinearClassifier
from image_assets.models.classifiers.metrics import Scores, score
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.classification.advice import advise
from image_assets.steps.classification.champion import (
    ClassifierCard,
    digests_of,
    keep_classifier,
    kept_classifiers,
    load_kept,
    promote,
    read_champion,
    roll_back,
    training_instant,
)
from image_assets.steps.classification.training import (
    ClassSelection,
    Comparison,
    compare_with_champion,
    conclude,
    select_classes,
    train_classifier,
)
from image_assets.steps.classification.training_set import build_training_set
from image_assets.steps.classification.unseen import mark_unseen
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.training import CLASSIFIER_EVALUATIONS, TRAINING_SET

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

NOW = datetime(2026, 10, 2, tzinfo=UTC)
LABELS = ("blue", "green", "red")


def keep(scenario: "Scenario", classifier: LinearClassifier, number: int = 1) -> str:
    files, encoder = classifier.files(), scenario.encoder.description
    version = version_of_files("head", files)
    at = NOW.replace(hour=number).isoformat()
    identity = (encoder.name, encoder.revision)
    keep_classifier(
        scenario.store, ClassifierCard(version, "head", identity, at, str(number), digests_of(files)), files
    )
    return version


@pytest.fixture
def good() -> LinearClassifier:
    """Says the colour; the vectors are red, green, blue and a constant."""
    return LinearClassifier(LABELS, np.eye(4, dtype=np.float32)[:, [2, 1, 0]] * 9, np.zeros(3, np.float32))


@pytest.fixture
def bad() -> LinearClassifier:
    """Says blue, whatever it sees."""
    return LinearClassifier(LABELS, np.zeros((4, 3), np.float32), np.array([1, 0, 0], np.float32))


@pytest.fixture
def learnable(taught: "Scenario") -> "Scenario":
    build_training_set(taught.tables)
    return taught


def compete(scenario: "Scenario", challenger: str) -> bool:
    comparison = compare_with_champion(scenario.tables, scenario.encoder.description, challenger, ClassSelection())
    return conclude(scenario.tables, comparison, NOW)


def test_colours_are_learnt(learnable: "Scenario") -> None:
    report = train_classifier(
        learnable.tables, learnable.encoder.description, HeadTrainer(learnable.encoder), ClassSelection()
    )
    assert report.classifier.labels == LABELS
    assert (report.test.accuracy, report.left_out) == (1.0, {})


def test_only_the_wanted_classes_are_taught(learnable: "Scenario") -> None:
    found = select_classes(learnable.tables, ClassSelection(classes=("red", "blue")))
    assert (found.labels, found.left_out) == (("blue", "red"), {})


def test_a_class_with_a_single_image_is_left_out_and_told(taught: "Scenario") -> None:
    rows = taught.tables.read(BRONZE_IMAGES, taught.day)
    labels = rows["label"].to_list()
    labels[0] = "pink"
    taught.tables.replace(BRONZE_IMAGES, taught.day, rows.with_columns(label=np.array(labels)))
    build_training_set(taught.tables)
    assert select_classes(taught.tables, ClassSelection()).left_out["pink"][1] == 1


def test_one_class_is_too_few(learnable: "Scenario") -> None:
    with pytest.raises(ModelError, match=r"two labels or more.*enough: red; too few in the training split: none;"):
        select_classes(learnable.tables, ClassSelection(classes=("red", "teal")))


def test_what_is_too_few_is_told_as_images_in_the_training_split(learnable: "Scenario") -> None:
    taught = learnable.tables.read(TRAINING_SET, None).filter(split="train").group_by("label").len()
    told = ", ".join(f"{label} {count} (of 15)" for label, count in sorted(taught.iter_rows()))
    with pytest.raises(ModelError) as refused:
        select_classes(learnable.tables, ClassSelection(min_images=15))
    assert "each with 15 images in the training split, about 70% of all," in str(refused.value)
    assert f"too few in the training split: {told}" in str(refused.value)


def test_classes_that_no_image_has_are_told(learnable: "Scenario") -> None:
    with pytest.raises(ModelError, match="of IMAGE_ASSETS_CLASSES no image has: teal"):
        select_classes(learnable.tables, ClassSelection(classes=("red", "teal")))


@pytest.mark.parametrize("trained_at", ["2020-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"])
def test_a_new_classifier_is_the_newest_whatever_the_clock_says(
    learnable: "Scenario", good: LinearClassifier, bad: LinearClassifier, trained_at: str
) -> None:
    for version, classifier, at in (("old", bad, trained_at), ("new", good, None)):
        told = at or training_instant(learnable.store, NOW).isoformat()
        card = ClassifierCard(version, "head", ("colour-means", "1"), told, "1", digests_of(classifier.files()))
        keep_classifier(learnable.store, card, classifier.files())
    assert [card.model_version for card in kept_classifiers(learnable.store)] == ["old", "new"]


def test_photos_of_one_user_alone_cannot_be_split(taught: "Scenario") -> None:
    rows = taught.tables.read(BRONZE_IMAGES, taught.day)
    taught.tables.replace(BRONZE_IMAGES, taught.day, rows.with_columns(user_id=np.array(["eva"] * 45)))
    build_training_set(taught.tables)
    with pytest.raises(ModelError, match="label photos of more users"):
        select_classes(taught.tables, ClassSelection())


def test_training_before_there_is_a_training_set_says_what_to_do(taught: "Scenario") -> None:
    with pytest.raises(TableError, match="materialize training_set"):
        select_classes(taught.tables, ClassSelection())


def test_vectors_of_another_revision_are_not_learnt_from(learnable: "Scenario") -> None:
    other = replace(learnable.encoder.description, revision="2")
    with pytest.raises(ModelError, match="run their days first"):
        train_classifier(learnable.tables, other, HeadTrainer(learnable.encoder), ClassSelection())


def test_the_first_classifier_is_the_champion(learnable: "Scenario", bad: LinearClassifier) -> None:
    version = keep(learnable, bad)
    assert compete(learnable, version)
    assert read_champion(learnable.store) is not None


def test_a_better_challenger_is_promoted(learnable: "Scenario", good: LinearClassifier, bad: LinearClassifier) -> None:
    compete(learnable, keep(learnable, bad))
    version = keep(learnable, good, number=2)
    assert compete(learnable, version)
    champion = read_champion(learnable.store)
    assert champion is not None
    assert champion.model_version == version


def test_a_worse_challenger_is_not(learnable: "Scenario", good: LinearClassifier, bad: LinearClassifier) -> None:
    version = keep(learnable, good)
    compete(learnable, version)
    assert not compete(learnable, keep(learnable, bad, number=2))
    champion = read_champion(learnable.store)
    assert champion is not None
    assert champion.model_version == version


def test_a_draw_leaves_the_champion(learnable: "Scenario", good: LinearClassifier) -> None:
    compete(learnable, keep(learnable, good))
    stronger = LinearClassifier(LABELS, good.weights * 2, good.biases)
    assert not compete(learnable, keep(learnable, stronger, number=2))


def test_every_comparison_stays_on_record(learnable: "Scenario", good: LinearClassifier, bad: LinearClassifier) -> None:
    versions = [keep(learnable, classifier, number) for number, classifier in enumerate((bad, good))]
    for version in versions:
        compete(learnable, version)
    rows = learnable.tables.read(CLASSIFIER_EVALUATIONS, None)
    assert sorted(rows.select("challenger", "role").rows()) == sorted(
        [(versions[0], "challenger"), (versions[1], "challenger"), (versions[1], "champion")]
    )


def test_a_champion_of_another_encoder_is_no_opponent(
    learnable: "Scenario", good: LinearClassifier, bad: LinearClassifier
) -> None:
    files = good.files()
    keep_classifier(
        learnable.store, ClassifierCard("old", "head", ("other", "1"), "2026", "1", digests_of(files)), files
    )
    promote(learnable.store, "old")
    assert compete(learnable, keep(learnable, bad))


def test_going_back_puts_the_predecessor_in_charge(
    learnable: "Scenario", good: LinearClassifier, bad: LinearClassifier
) -> None:
    first, second = keep(learnable, bad), keep(learnable, good, number=2)
    promote(learnable.store, first)
    promote(learnable.store, second)
    assert roll_back(learnable.store).model_version == first
    with pytest.raises(ConfigurationError, match="no earlier champion"):
        roll_back(learnable.store)


def test_promoting_the_champion_again_changes_nothing(learnable: "Scenario", good: LinearClassifier) -> None:
    version = keep(learnable, good)
    promote(learnable.store, version)
    promote(learnable.store, version)
    champion = read_champion(learnable.store)
    assert champion is not None
    assert champion.predecessors == ()


def test_a_version_that_is_not_there_is_named(learnable: "Scenario") -> None:
    with pytest.raises(ConfigurationError, match="head-0 is no version"):
        promote(learnable.store, "head-0")


def test_a_damaged_classifier_is_named_and_not_promoted(learnable: "Scenario", good: LinearClassifier) -> None:
    version = keep(learnable, good)
    (weights,) = (learnable.root / object_keys.CLASSIFIERS / version).glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(ModelError, match=f"{weights} is missing or damaged"):
        promote(learnable.store, version)
    assert read_champion(learnable.store) is None


def test_a_half_written_classifier_does_not_exist(learnable: "Scenario", good: LinearClassifier) -> None:
    version = keep(learnable, good)
    (learnable.root / object_keys.CLASSIFIERS / version / "card.json").unlink()
    assert kept_classifiers(learnable.store) == []


def test_a_kept_classifier_says_what_it_said(learnable: "Scenario", good: LinearClassifier) -> None:
    loaded = load_kept(learnable.store, keep(learnable, good))
    inputs = [np.eye(4, dtype=np.float32)[0]]
    np.testing.assert_array_equal(loaded.probabilities(inputs), good.probabilities(inputs))


def encoder_that_learned(scenario: "Scenario", image_ids: list[str]) -> EncoderDescription:
    bronze = scenario.tables.read(BRONZE_IMAGES, scenario.day)
    digests = bronze.filter(pl.col("image_id").is_in(image_ids))["sha256"]
    return replace(scenario.encoder.description, learned_from=frozenset(digests))


def judges(scenario: "Scenario") -> list[str]:
    return scenario.tables.read(TRAINING_SET, None).filter(split="test")["image_id"].to_list()


def test_images_that_the_encoder_has_learned_from_judge_nobody(learnable: "Scenario") -> None:
    learned, *others = judges(learnable)
    encoder = encoder_that_learned(learnable, [learned])
    report = train_classifier(learnable.tables, encoder, HeadTrainer(learnable.encoder), ClassSelection())
    assert (report.test.images, report.forecast.learned_images) == (len(others), 1)
    assert report.held_out.images == 44


def test_a_near_copy_of_what_the_encoder_has_learned_from_is_not_new_to_it(learnable: "Scenario") -> None:
    learned, copy, *_ = judges(learnable)
    with learnable.store.writing(object_keys.table_key("duplicate_images", learnable.day)) as path:
        pl.DataFrame({"image_id": [copy], "canonical_id": [learned], "kind": ["near"]}).write_parquet(path)
    rows = learnable.tables.read(TRAINING_SET, None)
    is_unseen = mark_unseen(learnable.tables, rows, encoder_that_learned(learnable, [learned]))
    assert sorted(rows.filter(~is_unseen)["image_id"]) == sorted([learned, copy])


def test_a_gain_on_what_the_encoder_has_learned_from_promotes_nobody(
    learnable: "Scenario", good: LinearClassifier, bad: LinearClassifier
) -> None:
    compete(learnable, keep(learnable, bad))
    version = keep(learnable, good, number=2)
    encoder = encoder_that_learned(learnable, judges(learnable))
    comparison = compare_with_champion(learnable.tables, encoder, version, ClassSelection())
    assert not conclude(learnable.tables, comparison, NOW)
    assert (
        comparison.basis
        == f"nothing to decide on: the encoder has learned from all {comparison.learned_images} test images"
    )


def test_what_was_decided_on_is_told(learnable: "Scenario", good: LinearClassifier) -> None:
    encoder = encoder_that_learned(learnable, judges(learnable)[:1])
    comparison = compare_with_champion(learnable.tables, encoder, keep(learnable, good), ClassSelection())
    images = comparison.challenger_scores.images
    assert comparison.basis.startswith(f"decided on {images} test images that are new to the encoder; the encoder has")
    assert comparison.answers.height == images


def test_few_test_images_are_no_forecast_and_every_image_new_to_the_encoder_counts(learnable: "Scenario") -> None:
    encoder = learnable.encoder.description
    report = train_classifier(learnable.tables, encoder, HeadTrainer(learnable.encoder), ClassSelection())
    assert (report.forecast.is_cross_validated, report.forecast.images) == (True, 45)
    assert "and 100 are needed; cross-validated accuracy 1.000" in report.forecast.told


def test_where_the_encoder_has_learned_from_everything_there_is_no_forecast(learnable: "Scenario") -> None:
    everything = learnable.tables.read(TRAINING_SET, None)["image_id"].to_list()
    encoder = encoder_that_learned(learnable, everything)
    report = train_classifier(learnable.tables, encoder, HeadTrainer(learnable.encoder), ClassSelection())
    assert (report.forecast.images, report.review) == (0, None)
    assert "no labelled image is new to the encoder" in report.forecast.told


def test_what_is_too_few_is_advised(learnable: "Scenario") -> None:
    encoder = learnable.encoder.description
    report = train_classifier(learnable.tables, encoder, HeadTrainer(learnable.encoder), ClassSelection())
    counted, few, judges = report.advice
    assert counted == f"counted {report.images['train']} images of 3 labels to learn from"
    assert few.startswith("few to learn from, fewer than 20: ")
    assert judges.startswith("only 45 labelled images are new to the encoder, 100 are needed")


def test_a_label_that_is_taken_for_another_is_advised() -> None:
    probabilities = np.eye(2, dtype=np.float32)[[0, 0, 0, 1]]
    scores = score(probabilities, np.array([0, 1, 1, 1]))
    assert "2 of 3 dress are taken for coat: label more of both" in advise({"coat": 50, "dress": 50}, {}, scores)[-1]


def scored(guesses: list[int], targets: list[int]) -> Scores:
    return score(np.eye(2, dtype=np.float32)[guesses], np.array(targets, np.intp))


@pytest.mark.parametrize("champion", ["head-1", None])
def test_one_answer_to_everything_is_put_in_charge_by_no_score(champion: str | None) -> None:
    targets = [0] * 15 + [1] * 10
    one_answer, worse = scored([0] * 25, targets), scored([1] * 25, targets)
    assert not Comparison("head-2", champion, one_answer, worse if champion else None, pl.DataFrame()).challenger_wins
    better = scored([0] * 24 + [1], targets)
    assert Comparison("head-2", champion, better, worse if champion else None, pl.DataFrame()).challenger_wins


def test_whom_no_image_judges_is_not_put_in_charge() -> None:
    nothing = score(np.zeros((0, 2), np.float32), np.zeros(0, np.intp))
    assert not Comparison("head-1", None, nothing, None, pl.DataFrame(), 12).challenger_wins
