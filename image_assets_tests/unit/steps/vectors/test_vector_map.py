"""A map shows the index in force: drawn once for each build, of a sample that stays, and gone with its index."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from image_assets.ids import Sha256, SourceUri, image_id_of
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_manifest import map_key, read_manifest
from image_assets.steps.vectors.vector_index import IndexParams, refresh_index
from image_assets.steps.vectors.vector_map import MAP_COLUMNS, MapParams, MapReport, draw_map, read_map

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

COUNT = 6
NEXT_DAY = date(2026, 10, 2)


def put(lake: "Scenario", day: date, count: int) -> None:
    """Commit and index a day's vectors, none like another."""
    vectors = np.random.default_rng(day.toordinal()).normal(size=(count, lake.encoder.description.dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = pl.DataFrame({"image_id": [image_id_of(SourceUri(f"{day}/{each}"), Sha256("")) for each in range(count)]})
    rows = rows.with_columns(
        day=pl.lit(day),
        embedding=pl.Series(vectors.astype(np.float32)),
        input_version=pl.lit("1"),
        recipe_version=pl.lit(embedding_target(lake.encoder.description).recipe_version),
        processed_at=pl.lit(datetime.now(UTC)),
    )
    lake.tables.replace(lake.embeddings, day, rows.sort("image_id"))
    refresh_index(lake.tables, lake.encoder.description, IndexParams())


@pytest.fixture
def lake(scenario: "Scenario") -> "Scenario":
    """An index of six images."""
    put(scenario, scenario.day, COUNT)
    return scenario


def draw(lake: "Scenario", max_points: int = 100) -> MapReport:
    report = draw_map(lake.tables, lake.encoder.description, MapParams(max_points))
    assert report is not None
    return report


def points(lake: "Scenario") -> pl.DataFrame:
    manifest = read_manifest(lake.tables.store, lake.encoder.description.name)
    assert manifest is not None
    found = read_map(lake.tables.store, manifest)
    assert found is not None
    return found


def test_every_image_of_the_index_has_a_place(lake: "Scenario") -> None:
    assert draw(lake).points == COUNT
    found = points(lake)
    assert found.schema == MAP_COLUMNS
    assert found.select(pl.concat([found["x"], found["y"]]).is_between(0, 1).all()).item()
    assert found.select("x", "y").is_unique().all()


def test_a_map_is_drawn_once_for_each_build(lake: "Scenario") -> None:
    assert draw(lake).is_new
    before = lake.files()
    assert not draw(lake).is_new
    assert lake.files() == before
    put(lake, NEXT_DAY, 1)
    again = draw(lake)
    assert (again.is_new, again.points) == (True, COUNT + 1)


def test_of_many_images_a_sample_is_shown_that_stays_when_others_come(lake: "Scenario") -> None:
    report = draw(lake, max_points=3)
    assert (report.points, report.vectors) == (3, COUNT)
    first = set(points(lake)["image_id"])
    put(lake, NEXT_DAY, 1)
    draw(lake, max_points=3)
    assert len(first & set(points(lake)["image_id"])) >= 2


def test_without_an_index_there_is_no_map(scenario: "Scenario") -> None:
    assert draw_map(scenario.tables, scenario.encoder.description, MapParams()) is None


def test_a_map_lies_in_the_folder_of_its_build_and_names_its_images(lake: "Scenario") -> None:
    build = draw(lake).build
    manifest = read_manifest(lake.tables.store, lake.encoder.description.name)
    assert manifest is not None
    # An erasure looks into every Parquet file of an index for the image, and removes the whole index that has it.
    assert map_key(manifest) == f"index/{manifest.encoder}/{build}/map.parquet"
    assert "image_id" in lake.tables.file_schema(map_key(manifest))
