"""What a classifier learns from, and which of its labels are doubtful."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import TableError
from image_assets.lake.object_keys import table_key
from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.classification.label_issues import find_label_issues
from image_assets.steps.classification.training_set import build_training_set
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.training import TRAINING_SET

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario


def splits(scenario: "Scenario") -> dict[str, str]:
    rows = build_training_set(scenario.tables).rows
    return dict(rows.select("image_id", "split").iter_rows())


def relabel(scenario: "Scenario", name: str, label: str) -> None:
    bronze = scenario.tables.read(BRONZE_IMAGES, scenario.day)
    chosen = pl.when(pl.col("raw_name") == name).then(pl.lit(label)).otherwise("label").alias("label")
    scenario.tables.replace(BRONZE_IMAGES, scenario.day, bronze.with_columns(chosen))


def pair(scenario: "Scenario", first: str, second: str) -> None:
    """Make two images near-duplicates."""
    ids = {row["raw_name"]: row["image_id"] for row in scenario.rows(BRONZE_IMAGES)}
    with scenario.store.writing(table_key("duplicate_images", scenario.day)) as path:
        pl.DataFrame({"image_id": [ids[second]], "canonical_id": [ids[first]], "kind": ["near"]}).write_parquet(path)


def test_no_user_is_in_two_splits(taught: "Scenario") -> None:
    rows = build_training_set(taught.tables).rows
    assert rows.group_by("user_id").agg(pl.col("split").n_unique())["split"].to_list() == [1] * 15


def test_no_near_duplicates_are_in_two_splits(taught: "Scenario") -> None:
    pair(taught, "red-00.png", "red-01.png")
    rows = build_training_set(taught.tables).rows.filter(pl.col("user_id").is_in(["user-00", "user-01"]))
    assert (rows["group_id"].n_unique(), rows["split"].n_unique()) == (1, 1)


def test_pictures_of_like_hashes_stay_together_while_duplicates_were_not_looked_for(taught: "Scenario") -> None:
    silver = taught.tables.read(SILVER_IMAGES, taught.day)
    taught.tables.replace(SILVER_IMAGES, taught.day, silver.with_columns(phash=pl.lit("0123456789abcdef")))
    taught.store.delete(table_key("duplicate_images", taught.day))
    assert build_training_set(taught.tables).rows["group_id"].n_unique() == 1


def test_every_label_is_in_every_split(taught: "Scenario") -> None:
    rows = build_training_set(taught.tables).rows
    assert rows.select("label", "split").n_unique() == 9


def test_building_again_writes_nothing(taught: "Scenario") -> None:
    assert build_training_set(taught.tables).is_changed
    assert not build_training_set(taught.tables).is_changed


def test_the_same_lake_gives_the_same_splits(taught: "Scenario") -> None:
    first = splits(taught)
    taught.store.delete(table_key(TRAINING_SET.name, None))
    assert splits(taught) == first


def test_a_new_label_moves_no_image_to_another_split(taught: "Scenario") -> None:
    before = splits(taught)
    for user in range(6):
        relabel(taught, f"red-{user:02}.png", "crimson")
    assert splits(taught) == before


def test_images_that_turn_out_to_be_one_group_leave_the_test_split(taught: "Scenario") -> None:
    rows = build_training_set(taught.tables).rows
    learnt, judging = (rows.filter(split=split, label="red")["user_id"][0][-2:] for split in ("train", "test"))
    pair(taught, f"red-{learnt}.png", f"red-{judging}.png")
    after = build_training_set(taught.tables).rows.filter(user_id=f"user-{judging}")
    assert after["split"].unique().to_list() == ["train"]


@pytest.mark.parametrize("spelt", ["  Dark \t RED ", "dark\N{NO-BREAK SPACE}red", "d\x00ark red\N{ZERO WIDTH SPACE}"])
def test_blanks_and_capitals_and_what_nobody_sees_make_no_other_label(taught: "Scenario", spelt: str) -> None:
    relabel(taught, "red-00.png", spelt)
    assert "dark red" in build_training_set(taught.tables).rows["label"]


def test_how_accents_are_encoded_makes_no_other_label(taught: "Scenario") -> None:
    relabel(taught, "red-00.png", "H\xf6schen")
    relabel(taught, "red-01.png", "Ho\u0308schen")
    assert build_training_set(taught.tables).rows.filter(label="h\xf6schen").height == 2


def test_a_label_that_nobody_can_see_is_none(taught: "Scenario") -> None:
    relabel(taught, "red-00.png", "\a")
    assert build_training_set(taught.tables).rows.height == 44


def test_a_decision_comes_before_the_supplied_label(taught: "Scenario") -> None:
    record_decisions(taught.tables, [Decision("red-00.png", "Rose")], "eva", datetime(2026, 10, 2, tzinfo=UTC))
    rows = build_training_set(taught.tables).rows.filter(label_source="human")
    assert rows["label"].to_list() == ["rose"]


def test_a_lake_without_images_has_an_empty_training_set(scenario: "Scenario") -> None:
    assert build_training_set(scenario.tables).rows.is_empty()


def test_a_damaged_training_set_is_named_with_what_to_do(taught: "Scenario") -> None:
    build_training_set(taught.tables)
    taught.store.write(table_key(TRAINING_SET.name, None), b"damaged")
    with pytest.raises(TableError, match=r"training_set.*restore the file"):
        build_training_set(taught.tables)


def test_near_duplicates_with_two_labels_are_a_conflict(taught: "Scenario") -> None:
    pair(taught, "red-00.png", "green-00.png")
    build_training_set(taught.tables)
    rows = find_label_issues(taught.tables, taught.encoder.description).rows
    (conflict,) = rows.filter(kind="conflict").to_dicts()
    assert {conflict["label"], conflict["suggested_label"]} == {"red", "green"}
    assert conflict["rank"] == 1


def test_a_label_that_no_classifier_believes_is_noise(taught: "Scenario") -> None:
    relabel(taught, "red-03.png", "blue")
    build_training_set(taught.tables)
    worst = find_label_issues(taught.tables, taught.encoder.description).rows.row(0, named=True)
    assert (worst["kind"], worst["label"], worst["suggested_label"]) == ("noise", "blue", "red")


def test_a_persons_word_is_no_noise(taught: "Scenario") -> None:
    record_decisions(taught.tables, [Decision("red-03.png", "blue")], "eva", datetime(2026, 10, 2, tzinfo=UTC))
    build_training_set(taught.tables)
    assert "red" not in find_label_issues(taught.tables, taught.encoder.description).rows["suggested_label"]
