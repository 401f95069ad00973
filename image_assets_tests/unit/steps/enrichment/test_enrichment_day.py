"""What models say of a day's images: a row for each, computed once, and nothing half-written."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from image_assets.compute.engine import Engine, SerialEngine
from image_assets.errors import ModelError, TableError
from image_assets.ids import ObjectKey
from image_assets.imaging.pixels import RgbImage
from image_assets.models.captioning.captioner import CaptionerDescription
from image_assets.models.captioning.text_reader import TextParams
from image_assets.models.moderation.open_nsfw import Scores
from image_assets.models.zero_shot.moderation import Policies, Policy, Thresholds
from image_assets.models.zero_shot.vocabulary import Calibration, Term, Vocabulary
from image_assets.steps.enrichment.image_text import leave_unread, read_day
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_MODERATION, IMAGE_TAGS, IMAGE_TEXT
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import SILVER_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
needs_ocr = pytest.mark.skipif(find_spec("rapidocr") is None, reason="needs the extra image-assets[ocr]")
NO_RED = Policies(neutral=("green",), policies=(Policy(policy="blood", prompts=("red",), review=0.6, blocked=0.9),))
NO_RED_PICTURES = Policies(
    neutral=("green",),
    policies=(
        Policy(
            policy="blood", prompts=("red",), review=0.6, blocked=0.9, open_nsfw=Thresholds(review=0.2, blocked=0.8)
        ),
        Policy(policy="guns", prompts=("gun",), review=0.6, blocked=0.9),
    ),
)


class Redness:
    """Scores a picture by the red in its middle."""

    name = "redness 1"

    def score(self, images: Sequence[RgbImage]) -> Scores:
        return np.array([image[image.shape[0] // 2, image.shape[1] // 2, 0] / 255 for image in images], np.float32)


class Parrot:
    """Says the size of a picture."""

    def __init__(self, revision: str = "1") -> None:
        self.description = CaptionerDescription("parrot", revision)

    def caption_images(self, images: Sequence[RgbImage]) -> list[str]:
        return [f"a picture of {image.shape[1]} columns" for image in images]


class Corrupt(Parrot):
    """Cannot be loaded."""

    def caption_images(self, images: Sequence[RgbImage]) -> list[str]:
        raise ModelError("parrot cannot be loaded")


@pytest.fixture
def embedded(scenario: "Scenario", paint: Paint) -> "Scenario":
    """A red, a blue and a green picture; every step up to the vectors has run."""
    for colour in ("red", "blue", "lime"):
        scenario.land(f"anna/{colour}.jpg", paint(colour))
    scenario.take_in()
    scenario.derive()
    scenario.embed()
    return scenario


def by_name(scenario: "Scenario", column: str) -> dict[str, Any]:
    """A column of gold by the name of the upload."""
    scenario.gather()
    scenario.curate()
    return {row["raw_name"].removesuffix(".jpg"): row[column] for row in scenario.rows(GOLD_IMAGES)}


def test_every_embedded_image_is_tagged_with_what_it_shows(embedded: "Scenario") -> None:
    assert embedded.tag().accepted == 3
    assert by_name(embedded, "tags") == {"red": ["red"], "blue": ["blue"], "lime": []}


def test_a_tag_keeps_its_kind_and_confidence(embedded: "Scenario") -> None:
    embedded.tag()
    tag = next(row["tags"][0] for row in embedded.rows(IMAGE_TAGS) if row["tags"])
    assert tag["kind"] == "colour"
    assert 0.6 <= tag["confidence_ratio"] <= 1.0


def test_a_tagged_day_is_not_tagged_again(embedded: "Scenario") -> None:
    embedded.tag()
    before = embedded.files()
    assert embedded.tag().is_unchanged
    assert embedded.files() == before


def test_a_late_image_is_the_only_one_that_is_tagged(embedded: "Scenario", paint: Paint) -> None:
    embedded.tag()
    embedded.land("berta/late.jpg", paint("red"))
    embedded.take_in()
    embedded.derive()
    embedded.embed()
    report = embedded.tag()
    assert (report.computed, report.reused) == (1, 3)


def with_blue_as_navy(vocabulary: Vocabulary) -> Vocabulary:
    (kind,) = vocabulary.kinds
    return replace(vocabulary, kinds=(replace(kind, terms=(*kind.terms[:1], Term("navy", ("blue",)))),))


def with_another_threshold(vocabulary: Vocabulary) -> Vocabulary:
    return replace(vocabulary, usual=Calibration(temperature=1.0, threshold=0.7))


@pytest.mark.parametrize("change", [with_blue_as_navy, with_another_threshold])
def test_another_vocabulary_tags_every_image_anew(
    embedded: "Scenario", scenarios: Any, change: Callable[[Vocabulary], Vocabulary]
) -> None:
    embedded.tag()
    assert embedded.tag(change(scenarios.RED_OR_BLUE)).computed == 3


def test_other_vectors_are_tagged_anew(embedded: "Scenario", scenarios: Any) -> None:
    embedded.tag()
    other = replace(embedded, encoder=scenarios.ColourMeans(revision="2"))
    other.embed()
    assert other.tag().computed == 3


def test_tags_before_the_vectors_say_what_to_materialize(scenario: "Scenario") -> None:
    with pytest.raises(TableError, match="materialize image_embeddings"):
        scenario.tag()


def test_a_policy_that_the_encoder_has_no_words_for_judges_nothing(embedded: "Scenario") -> None:
    embedded.moderate()
    assert by_name(embedded, "policy") == dict.fromkeys(("red", "blue", "lime"), "unjudged")
    assert set(by_name(embedded, "state").values()) == {"embedded"}


def test_a_blocked_image_is_in_gold_without_any_path(embedded: "Scenario") -> None:
    embedded.moderate(NO_RED)
    assert by_name(embedded, "state") == {"red": "blocked", "blue": "embedded", "lime": "embedded"}
    (blocked,) = (row for row in embedded.rows(GOLD_IMAGES) if row["state"] == "blocked")
    assert (blocked["cleansed_path"], blocked["thumbnail_path"], blocked["preview_path"]) == (None, None, None)
    assert [name for name, path in by_name(embedded, "preview_path").items() if path is None] == ["red"]


def test_a_blocked_image_is_still_accepted(embedded: "Scenario") -> None:
    embedded.moderate(NO_RED)
    by_name(embedded, "state")
    embedded.summarise()
    counted = {(row["kind"], row["name"]): row["images"] for row in embedded.rows(DAILY_SUMMARY)}
    assert (counted["outcome", "accepted"], counted["state", "blocked"]) == (3, 1)


def test_a_held_image_names_its_policy_and_keeps_every_score(embedded: "Scenario") -> None:
    embedded.moderate(NO_RED)
    held = [row for row in embedded.rows(IMAGE_MODERATION) if row["policy"]]
    assert [(row["verdict"], row["policy"]) for row in held] == [("blocked", "blood")]
    assert [score["policy"] for score in held[0]["scores"]] == ["blood"]


def test_other_policies_judge_every_image_anew(embedded: "Scenario") -> None:
    embedded.moderate(NO_RED)
    assert embedded.moderate().computed == 3
    assert set(by_name(embedded, "state").values()) == {"embedded"}


def test_a_picture_that_a_classifier_holds_against_a_policy_is_blocked(embedded: "Scenario") -> None:
    embedded.moderate_pictures(Redness(), NO_RED_PICTURES)
    assert by_name(embedded, "policy") == {"red": "blocked", "blue": "unjudged", "lime": "unjudged"}
    assert {row["encoder"] for row in embedded.rows(IMAGE_MODERATION)} == {"redness 1"}


def test_a_classifier_leaves_policies_that_are_not_its_own_unjudged(embedded: "Scenario") -> None:
    embedded.moderate_pictures(Redness(), NO_RED_PICTURES)
    scores = [row["scores"] for row in embedded.rows(IMAGE_MODERATION)]
    assert sorted(blood["verdict"] for blood, _ in scores) == ["allowed", "allowed", "blocked"]
    assert {(guns["verdict"], guns["confidence_ratio"]) for _, guns in scores} == {("unjudged", None)}


def with_other_words(policies: Policies) -> Policies:
    blood, guns = policies.policies
    return Policies(neutral=("grey",), policies=(blood.model_copy(update={"prompts": ("gore",)}), guns))


def with_another_threshold_for_pictures(policies: Policies) -> Policies:
    blood, guns = policies.policies
    thresholds = Thresholds(review=0.3, blocked=0.8)
    return Policies(neutral=policies.neutral, policies=(blood.model_copy(update={"open_nsfw": thresholds}), guns))


def test_words_decide_nothing_about_pictures_that_a_classifier_judges(embedded: "Scenario") -> None:
    embedded.moderate_pictures(Redness(), NO_RED_PICTURES)
    assert embedded.moderate_pictures(Redness(), with_other_words(NO_RED_PICTURES)).computed == 0
    assert embedded.moderate_pictures(Redness(), with_another_threshold_for_pictures(NO_RED_PICTURES)).computed == 3


def test_thresholds_for_pictures_decide_nothing_about_vectors(embedded: "Scenario") -> None:
    embedded.moderate(NO_RED_PICTURES)
    assert embedded.moderate(with_another_threshold_for_pictures(NO_RED_PICTURES)).computed == 0
    assert embedded.moderate(with_other_words(NO_RED_PICTURES)).computed == 3


def test_another_way_to_moderate_judges_every_image_anew(embedded: "Scenario") -> None:
    embedded.moderate(NO_RED_PICTURES)
    assert embedded.moderate_pictures(Redness(), NO_RED_PICTURES).computed == 3
    assert embedded.moderate(NO_RED_PICTURES).computed == 3


def test_a_caption_from_tags_says_so(embedded: "Scenario") -> None:
    embedded.tag()
    embedded.caption()
    assert by_name(embedded, "caption") == {"red": "a red item", "blue": "a blue item", "lime": None}
    assert {row["source"] for row in embedded.rows(IMAGE_CAPTIONS)} == {"template"}


def test_new_tags_change_only_the_captions_that_say_them(embedded: "Scenario", scenarios: Any) -> None:
    embedded.tag()
    embedded.caption()
    embedded.tag(with_blue_as_navy(scenarios.RED_OR_BLUE))
    assert embedded.caption().computed == 1
    assert by_name(embedded, "caption")["blue"] == "a navy item"


def test_a_captioner_sees_the_cleansed_images(embedded: "Scenario") -> None:
    embedded.caption(Parrot())
    assert set(by_name(embedded, "caption").values()) == {"a picture of 64 columns"}
    assert {row["source"] for row in embedded.rows(IMAGE_CAPTIONS)} == {"parrot"}


def test_another_revision_of_the_captioner_captions_anew(embedded: "Scenario") -> None:
    embedded.caption(Parrot())
    assert embedded.caption(Parrot("2")).computed == 3


def test_a_captioner_that_cannot_be_loaded_leaves_the_table_as_it_was(embedded: "Scenario") -> None:
    embedded.caption(Parrot())
    before = embedded.rows(IMAGE_CAPTIONS)
    with pytest.raises(ModelError, match="cannot be loaded"):
        embedded.caption(Corrupt("2"))
    assert embedded.rows(IMAGE_CAPTIONS) == before


def test_an_image_that_cannot_be_captioned_stays_in_gold(embedded: "Scenario") -> None:
    lost = embedded.rows(SILVER_IMAGES)[0]
    embedded.store.delete(ObjectKey(str(lost["cleansed_path"])))
    assert embedded.caption(Parrot()).rejected == 1
    assert set(by_name(embedded, "state").values()) == {"embedded"}
    assert embedded.rows(REJECTED_IMAGES) == []


def test_text_that_is_not_read_leaves_an_empty_day(embedded: "Scenario") -> None:
    assert leave_unread(embedded.tables, embedded.day) == 0
    assert by_name(embedded, "text") == dict.fromkeys(("red", "blue", "lime"))


def write_word(word: str) -> bytes:
    page = Image.new("RGB", (640, 480), "white")
    ImageDraw.Draw(page).text((64, 200), word, font=ImageFont.load_default(64), fill="black")
    file = io.BytesIO()
    page.save(file, "JPEG")
    return file.getvalue()


def read(scenario: "Scenario", engine: Engine | None = None) -> int:
    return read_day(scenario.tables, scenario.day, TextParams(), engine or SerialEngine(), chunk_size=16).computed


@needs_ocr
def test_text_is_read_by_workers_and_reaches_gold(embedded: "Scenario", workers: Engine) -> None:
    embedded.land("berta/sale.jpg", write_word("SUMMER SALE"))
    embedded.take_in()
    embedded.derive()
    assert read(embedded, workers) == 4
    text = by_name(embedded, "text")
    assert (text["sale"], text["red"]) == ("SUMMER SALE", "")


@needs_ocr
def test_text_that_was_read_stays_when_reading_is_switched_off(embedded: "Scenario") -> None:
    read(embedded)
    before = embedded.rows(IMAGE_TEXT)
    assert leave_unread(embedded.tables, embedded.day) == 3
    assert embedded.rows(IMAGE_TEXT) == before
