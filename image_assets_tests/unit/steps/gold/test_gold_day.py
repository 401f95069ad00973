"""Gold, rejections and the summary: what consumers read of a day."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import TableError
from image_assets.ids import ObjectKey
from image_assets.lake.object_keys import table_key
from image_assets.samples.mishaps import half_jpeg
from image_assets.steps.gold.rejections import read_rejected
from image_assets.steps.images.silver import DERIVED_TABLES
from image_assets.tables.catalogue import TABLES
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS
from image_assets.tables.rejections import REJECTED_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]


@pytest.fixture
def mixed(scenario: "Scenario", paint: Paint) -> "Scenario":
    """Two good images, one that is refused at the door and one that does not decode; every step has run."""
    scenario.land("anna/hat.jpg", paint("red"), label="hat")
    scenario.land("berta/shoe.png", paint("blue", kind="PNG"))
    scenario.land("anna/note.jpg", b"not an image")
    scenario.land("anna/half.jpg", half_jpeg(paint(size=(600, 400))))
    scenario.run()
    return scenario


def counts(scenario: "Scenario", kind: str) -> dict[object, object]:
    return {row["name"]: row["images"] for row in scenario.rows(DAILY_SUMMARY) if row["kind"] == kind}


def test_gold_has_a_row_for_each_image_that_is_fit_for_use(mixed: "Scenario") -> None:
    rows = {row["raw_name"]: row for row in mixed.rows(GOLD_IMAGES)}
    assert set(rows) == {"hat.jpg", "shoe.png"}
    hat = rows["hat.jpg"]
    assert (hat["user_id"], hat["label"], hat["format"], hat["state"]) == ("anna", "hat", "JPEG", "embedded")
    assert (hat["original_width_px"], hat["encoder"]) == (64, "colour-means")


def test_every_path_of_gold_leads_to_a_file(mixed: "Scenario") -> None:
    columns = ("cleansed_path", "thumbnail_path", "preview_path")
    paths = [str(row[column]) for row in mixed.rows(GOLD_IMAGES) for column in columns]
    assert len(set(paths)) == 6
    assert [path for path in paths if not mixed.store.exists(ObjectKey(path))] == []


def test_gold_of_an_unchanged_day_is_not_written_again(mixed: "Scenario") -> None:
    before = mixed.files()
    mixed.run()
    assert mixed.files() == before


def test_a_new_label_makes_one_new_row_of_gold(mixed: "Scenario", paint: Paint) -> None:
    mixed.land("berta/shoe.png", paint("blue", kind="PNG"), label="shoe")
    mixed.take_in()
    report = mixed.curate()
    assert (report.computed, report.reused) == (1, 1)
    assert {row["label"] for row in mixed.rows(GOLD_IMAGES)} == {"hat", "shoe"}


def test_an_image_without_a_vector_is_still_processing(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.derive()
    scenario.curate()
    row = scenario.row(GOLD_IMAGES)
    assert (row["state"], row["encoder"]) == ("processing", None)


def test_gold_keeps_its_encoder_until_another_is_complete(mixed: "Scenario", scenarios: ModuleType) -> None:
    later = replace(mixed, encoder=scenarios.ColourMeans("other"))
    assert later.curate().is_unchanged
    later.embed()
    assert later.curate().computed == 2
    assert {row["encoder"] for row in mixed.rows(GOLD_IMAGES)} == {"other"}


def test_an_image_without_a_thumbnail_is_still_processing(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.derive(wanted=[table for table in DERIVED_TABLES if table is not THUMBNAILS])
    scenario.embed()
    scenario.curate()
    row = scenario.row(GOLD_IMAGES)
    assert (row["state"], row["thumbnail_path"]) == ("processing", None)


def test_an_image_that_a_later_stage_refused_is_in_error(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("anna/a.jpg", paint())
    scenario.take_in()
    scenario.derive()
    scenario.store.delete(ObjectKey(str(scenario.row(SILVER_IMAGES)["cleansed_path"])))
    scenario.embed()
    scenario.gather()
    scenario.curate()
    assert scenario.row(GOLD_IMAGES)["state"] == "error"


def test_gold_before_silver_says_what_to_materialize(scenario: "Scenario") -> None:
    with pytest.raises(TableError, match="materialize silver_images"):
        scenario.curate()


def test_a_file_is_refused_once_at_the_first_stage_that_refused_it(mixed: "Scenario") -> None:
    stages = {row["source_uri"]: row["stage"] for row in mixed.rows(REJECTED_IMAGES)}
    assert len(mixed.rows(REJECTED_IMAGES)) == 2
    assert stages == {mixed.uri("anna/note.jpg"): "bronze_images", mixed.uri("anna/half.jpg"): "silver_images"}


def test_a_refusal_that_is_mended_leaves_the_gathered_table(mixed: "Scenario", paint: Paint) -> None:
    mixed.land("anna/note.jpg", paint("green"))
    mixed.run()
    assert {row["source_uri"] for row in mixed.rows(REJECTED_IMAGES)} == {mixed.uri("anna/half.jpg")}
    assert len(mixed.rows(GOLD_IMAGES)) == 3


def test_gathering_again_writes_nothing(mixed: "Scenario") -> None:
    before = mixed.files()
    assert not mixed.gather()
    assert mixed.files() == before


def test_a_gathered_table_that_was_damaged_is_made_anew(mixed: "Scenario") -> None:
    before = mixed.rows(REJECTED_IMAGES)
    (mixed.root / table_key(REJECTED_IMAGES.name, mixed.day)).write_bytes(b"damaged")
    assert mixed.gather()
    assert mixed.rows(REJECTED_IMAGES) == before


def test_a_stage_that_has_not_run_is_nothing_to_gather(scenario: "Scenario") -> None:
    scenario.land("anna/note.jpg", b"not an image")
    scenario.take_in()
    assert scenario.gather()
    assert len(scenario.rows(REJECTED_IMAGES)) == 1


def test_a_table_of_an_older_release_counts_as_open(mixed: "Scenario") -> None:
    mixed.rewrite(REJECTED_IMAGES, mixed.tables.read(REJECTED_IMAGES, mixed.day).drop("state"))
    assert set(read_rejected(mixed.tables, mixed.day)["state"]) == {"open"}
    mixed.curate()
    mixed.summarise()
    assert counts(mixed, "outcome")["rejected"] == 2


def test_a_label_of_an_older_release_is_curated_in_its_normal_form(mixed: "Scenario") -> None:
    rows = mixed.tables.read(BRONZE_IMAGES, mixed.day)
    mixed.rewrite(BRONZE_IMAGES, rows.with_columns(label=pl.when(pl.col("label") == "hat").then(pl.lit(" Hat\t"))))
    mixed.curate()
    assert {row["label"] for row in mixed.rows(GOLD_IMAGES)} == {"hat", None}


def test_what_operating_systems_leave_is_counted_apart(mixed: "Scenario") -> None:
    for name in (".DS_Store", "anna/._note.jpg", "anna/Thumbs.db"):
        mixed.land(name, b"")
    mixed.run()
    outcome = counts(mixed, "outcome")
    assert (outcome["seen"], outcome["passed_over"]) == (4, 3)


def test_the_day_in_numbers(mixed: "Scenario") -> None:
    outcome = counts(mixed, "outcome")
    assert {name: images for name, images in outcome.items() if images} == {
        "seen": 4,
        "accepted": 2,
        "rejected": 2,
        "gold": 2,
    }
    assert counts(mixed, "reason") == {"not_an_image": 1, "truncated": 1}
    assert counts(mixed, "stage") == {"bronze_images": 1, "silver_images": 1}
    assert counts(mixed, "state") == {"embedded": 2}
    assert counts(mixed, "label") == {"hat": 1, "(none)": 1}
    assert counts(mixed, "format") == {"JPEG": 2, "PNG": 1}


def test_what_was_seen_was_accepted_or_refused_at_whatever_stage(mixed: "Scenario") -> None:
    lost = next(row for row in mixed.rows(SILVER_IMAGES))
    mixed.store.delete(ObjectKey(str(lost["cleansed_path"])))
    mixed.store.delete(table_key(mixed.embeddings.name, mixed.day))
    mixed.embed()
    mixed.gather()
    mixed.curate()
    mixed.summarise()
    outcome = counts(mixed, "outcome")
    assert (outcome["seen"], outcome["accepted"], outcome["rejected"], outcome["gold"]) == (4, 1, 3, 2)
    assert counts(mixed, "state") == {"embedded": 1, "error": 1}


def test_an_unchanged_day_is_not_summarised_again(mixed: "Scenario") -> None:
    before = mixed.files()
    assert not mixed.summarise()
    assert mixed.files() == before


def test_a_day_without_files_has_every_table_empty_and_of_the_right_shape(scenario: "Scenario") -> None:
    scenario.run()
    for table in (*TABLES, scenario.embeddings):
        if table is not DAILY_SUMMARY:
            rows = scenario.tables.read(table, scenario.day)
            assert rows.is_empty()
            assert rows.schema == table.schema.create_empty().schema
    assert set(counts(scenario, "outcome").values()) == {0}


def test_a_day_on_which_every_file_is_bad_is_a_day_like_any_other(scenario: "Scenario") -> None:
    for number in range(3):
        scenario.land(f"anna/{number}.jpg", b"not an image")
    scenario.run()
    assert scenario.rows(GOLD_IMAGES) == []
    assert scenario.rows(BRONZE_IMAGES) == []
    assert counts(scenario, "reason") == {"not_an_image": 3}
