from collections.abc import Callable, Iterable, Iterator, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from image_assets.errors import ModelError, TableError
from image_assets.ids import ObjectKey
from image_assets.imaging.pixels import RgbImage
from image_assets.lake.object_keys import table_key
from image_assets.models.encoders.encoder import Embedding, Embeddings, EncoderDescription, PreparedImage
from image_assets.steps.vectors.embeddings import current_encoder, lake_tables, stored_embeddings, table_of
from image_assets.tables.images import SILVER_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

Paint = Callable[..., bytes]
COLOURS = ("red", "green", "blue", "yellow", "black", "white", "grey")


@pytest.fixture
def coloured(scenario: "Scenario", paint: Paint) -> "Scenario":
    """Seven cleansed pictures, which is two batches and a bit."""
    for colour in COLOURS:
        scenario.land(f"anna/{colour}.png", paint(colour, kind="PNG"))
    scenario.take_in()
    scenario.derive()
    return scenario


class Broken:
    """An encoder whose device is gone."""

    description = EncoderDescription("broken", "1", 4, 1, "none", "made in code")
    logit_scale = 100.0
    load = None

    def knows(self, text: str) -> bool:
        return True

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        raise ModelError("the device is gone")

    def prepare_image(self, image: RgbImage) -> RgbImage:
        return image

    def encode_prepared(self, images: Iterable[PreparedImage]) -> Iterator[Embedding]:
        for image in images:
            yield self.encode_images([image])[0]

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        raise ModelError("the device is gone")


class Zero(Broken):
    """An encoder that maps everything to the origin."""

    description = EncoderDescription("zero", "1", 4, 1, "none", "made in code")

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        return np.zeros((len(images), 4), dtype=np.float32)


def test_every_image_gets_its_own_vector_of_unit_length(coloured: "Scenario", scenarios: ModuleType) -> None:
    report = coloured.embed()
    assert (report.accepted, report.computed) == (7, 7)
    rows = coloured.tables.read(coloured.embeddings, coloured.day)
    vectors = rows.get_column("embedding").to_numpy()
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(7), abs=1e-5)
    silver = {str(row["image_id"]): str(row["cleansed_path"]) for row in coloured.rows(SILVER_IMAGES)}
    from image_assets.imaging.read_back import read_pixels

    pictures = [read_pixels(coloured.store.read(ObjectKey(silver[name]))) for name in rows.get_column("image_id")]
    assert vectors == pytest.approx(scenarios.ColourMeans().encode_images(pictures), abs=2e-3)


def test_an_unchanged_day_is_not_encoded_again(coloured: "Scenario") -> None:
    coloured.embed()
    before = coloured.files()
    assert coloured.embed().is_unchanged
    assert coloured.files() == before


def test_an_unchanged_day_asks_the_encoder_for_nothing_but_its_description(coloured: "Scenario") -> None:
    coloured.embed()
    absent = Broken()
    absent.description = coloured.encoder.description
    assert coloured.embed(absent).is_unchanged


def test_other_measures_of_an_unchanged_picture_make_no_new_vector(coloured: "Scenario") -> None:
    coloured.embed()
    silver = coloured.tables.read(SILVER_IMAGES, coloured.day)
    coloured.tables.replace(SILVER_IMAGES, coloured.day, silver.with_columns(blur=pl.lit(1.0, pl.Float32)))
    assert coloured.embed().is_unchanged


def test_a_damaged_silver_image_is_refused_and_the_rest_is_encoded(coloured: "Scenario") -> None:
    path = coloured.root / str(coloured.rows(SILVER_IMAGES)[3]["cleansed_path"])
    path.write_bytes(path.read_bytes()[:300])
    report = coloured.embed()
    assert (report.accepted, report.rejected) == (6, 1)
    assert set(coloured.reasons(coloured.embeddings).values()) == {"unreadable"}


def test_a_silver_image_that_went_is_unreadable(coloured: "Scenario") -> None:
    row = coloured.rows(SILVER_IMAGES)[0]
    coloured.store.delete(ObjectKey(str(row["cleansed_path"])))
    coloured.embed()
    assert coloured.reasons(coloured.embeddings) == {row["image_id"]: "unreadable"}


def test_two_encoders_live_side_by_side(coloured: "Scenario", scenarios: ModuleType) -> None:
    other = scenarios.ColourMeans("other")
    coloured.embed()
    before = coloured.rows(coloured.embeddings)
    assert coloured.embed(other).computed == 7
    assert coloured.rows(coloured.embeddings) == before
    assert len(coloured.rows(table_of(other.description))) == 7


def test_another_revision_encodes_again_in_place(coloured: "Scenario", scenarios: ModuleType) -> None:
    coloured.embed()
    report = coloured.embed(scenarios.ColourMeans(revision="2"))
    assert (report.computed, report.accepted) == (7, 7)


def test_a_day_changes_to_another_encoder_when_that_has_done_all_of_it(
    coloured: "Scenario", scenarios: ModuleType, paint: Paint
) -> None:
    coloured.run()
    assert current_encoder(coloured.tables, coloured.day, "other") == "colour-means"
    coloured.embed(scenarios.ColourMeans("other"))
    assert current_encoder(coloured.tables, coloured.day, "other") == "other"


def test_a_day_with_a_new_image_keeps_its_encoder(coloured: "Scenario", scenarios: ModuleType, paint: Paint) -> None:
    coloured.run()
    coloured.embed(scenarios.ColourMeans("other"))
    coloured.land("anna/late.jpg", paint("pink"))
    coloured.take_in()
    coloured.derive()
    assert current_encoder(coloured.tables, coloured.day, "other") == "colour-means"


def test_an_image_without_hope_does_not_hold_the_change_up(coloured: "Scenario", scenarios: ModuleType) -> None:
    coloured.run()
    coloured.store.delete(ObjectKey(str(coloured.rows(SILVER_IMAGES)[0]["cleansed_path"])))
    coloured.embed(scenarios.ColourMeans("other"))
    assert current_encoder(coloured.tables, coloured.day, "other") == "other"


def test_a_day_that_no_gold_was_made_of_has_the_encoder_that_is_asked_for(coloured: "Scenario") -> None:
    assert current_encoder(coloured.tables, coloured.day, "other") == "other"


def test_an_encoder_whose_vectors_were_deleted_is_not_kept(coloured: "Scenario") -> None:
    coloured.run()
    coloured.store.delete(table_key(coloured.embeddings.name, coloured.day))
    assert current_encoder(coloured.tables, coloured.day, "other") == "other"


def test_an_encoder_of_another_dimension_under_the_same_name_is_refused(coloured: "Scenario") -> None:
    coloured.embed()
    before = coloured.files()
    wider = Broken()
    wider.description = EncoderDescription("colour-means", "2", 5, 1, "none", "elsewhere")
    with pytest.raises(TableError, match="another dimension than the 5 of elsewhere: give the checkpoint another name"):
        coloured.embed(wider)
    assert coloured.files() == before


def test_an_encoder_that_fails_stops_the_run_and_refuses_no_image(coloured: "Scenario") -> None:
    with pytest.raises(ModelError, match="device is gone"):
        coloured.embed(Broken())
    assert coloured.tables.days("_rejections/image_embeddings/broken") == []


def test_an_encoder_that_makes_no_unit_vectors_stops_the_run(coloured: "Scenario") -> None:
    with pytest.raises(TableError, match="is_finite_and_of_unit_length"):
        coloured.embed(Zero())
    assert not coloured.tables.exists(table_of(Zero.description), coloured.day)


def test_a_day_without_images_has_an_empty_table_of_the_right_dimension(scenario: "Scenario") -> None:
    scenario.take_in()
    scenario.derive()
    scenario.embed()
    assert scenario.tables.read(scenario.embeddings, scenario.day).schema["embedding"] == pl.Array(pl.Float32, 4)


def test_the_stored_dimension_is_found_without_the_encoder(coloured: "Scenario") -> None:
    coloured.embed()
    found = stored_embeddings(coloured.tables, coloured.encoder.description.name)
    assert found == coloured.embeddings


def test_a_damaged_file_of_vectors_is_named_with_what_to_do(coloured: "Scenario") -> None:
    coloured.embed()
    file = coloured.root / table_key(coloured.embeddings.name, coloured.day)
    file.write_bytes(b"damaged")
    with pytest.raises(TableError, match=rf"{file}.*restore the file or delete it"):
        stored_embeddings(coloured.tables, coloured.encoder.description.name)


def test_no_vectors_are_no_table(scenario: "Scenario") -> None:
    assert stored_embeddings(scenario.tables, "builtin") is None
    assert [table.name for table in lake_tables(scenario.tables, "builtin") if "embeddings" in table.name] == []


def test_vectors_are_one_table_more(coloured: "Scenario") -> None:
    coloured.embed()
    assert coloured.embeddings in lake_tables(coloured.tables, "colour-means")
