"""A day in PostgreSQL is the day of the lake, and is not written twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.publishing.postgres import images_table
from image_assets.steps.classification.label_decisions import Decision, record_decisions
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario
    from image_assets_tests.unit.steps.publishing.conftest import Shop

Paint = Callable[..., bytes]
UrlOf = Callable[..., str]
LONG = EncoderDescription("long", "1", 1_500, 1, "none", "made in code")
NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


def test_a_day_has_the_rows_of_gold(published: "Shop") -> None:
    gold = published.lake.tables.read(GOLD_IMAGES, published.lake.day).sort("image_id")
    columns = ["image_id", "day", "user_id", "uploaded_at", "raw_name", "label", "caption", "state", "sha256", "phash"]
    there = published.ask(f"SELECT image_id::text, {', '.join(columns[1:])} FROM images ORDER BY image_id")
    assert there == gold.select(columns).with_columns(state=gold["state"].cast(str)).rows()
    sizes = published.ask("SELECT width, height, original_width, original_height FROM images")
    assert sizes == [(64, 48, 64, 48)] * 3


def test_vectors_are_those_of_the_lake_in_half_precision(published: "Shop") -> None:
    stored = {row["image_id"]: row["embedding"] for row in published.lake.rows(published.lake.embeddings)}
    there = published.ask("SELECT image_id::text, embedding::real[] FROM images")
    assert len(there) == 3
    for image_id, vector in there:
        assert vector == pytest.approx(np.asarray(stored[image_id], np.float16).tolist(), rel=1e-6)


def test_whole_precision_is_to_be_had(shop: "Shop") -> None:
    shop.publish(vectors="vector")
    stored = sorted(row["embedding"] for row in shop.lake.rows(shop.lake.embeddings))
    there = sorted(shop.ask("SELECT embedding::real[] FROM images"))
    assert np.asarray(there, np.float32).tolist() == stored


def test_tags_and_captions_are_found_by_their_indexes(published: "Shop") -> None:
    assert published.ask("SELECT tag, kind FROM image_tags ORDER BY tag") == [("blue", "colour"), ("red", "colour")]
    words = "to_tsvector('english', coalesce(caption, '')) @@ websearch_to_tsquery('english', 'red items')"
    assert published.ask(f"SELECT raw_name FROM images WHERE {words}") == ["red.jpg"]
    kinds = published.ask("SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema")
    assert {word for word in ("hnsw", "gin", "tag)") if any(word in kind for kind in kinds)} == {"hnsw", "gin", "tag)"}


@pytest.mark.parametrize(
    ("service", "address"),
    [
        (None, "file://{root}/thumbnail/{id:.2}/{id}.webp"),
        ("https://i.example/", "https://i.example/v1/images/{id}/thumbnail"),
    ],
)
def test_an_address_is_that_of_the_service_or_of_the_lake(shop: "Shop", service: str | None, address: str) -> None:
    shop.publish(service_url=service)
    for image_id, there in shop.ask("SELECT image_id::text, thumbnail_url FROM images"):
        assert there == address.format(root=shop.lake.root, id=image_id)


def test_exif_has_no_place_and_nothing_of_the_camera_that_is_not_known_by_name(shop: "Shop") -> None:
    told = '{"maker": "Kodak", "iso": 100, "latitude": 1.5, "altitude_m": 3, "raw": {"BodySerialNumber": "4711"}}'
    rows = shop.lake.tables.read(BRONZE_IMAGES, shop.lake.day)
    shop.lake.tables.replace(BRONZE_IMAGES, shop.lake.day, rows.with_columns(exif=pl.lit(told)))
    shop.publish()
    assert shop.ask("SELECT exif FROM images") == [{"maker": "Kodak", "iso": 100}] * 3


def test_a_text_with_a_nul_does_not_stop_a_day(shop: "Shop") -> None:
    gold = shop.lake.tables.read(GOLD_IMAGES, shop.lake.day)
    shop.lake.tables.replace(GOLD_IMAGES, shop.lake.day, gold.with_columns(raw_name=pl.lit("a\0b")))
    shop.publish()
    assert shop.ask("SELECT DISTINCT raw_name FROM images") == ["a\N{REPLACEMENT CHARACTER}b"]


def test_the_same_day_again_writes_nothing_and_locks_nothing(published: "Shop") -> None:
    before = published.writes()
    report = published.publish()
    assert (report.outcome, published.writes()) == ("unchanged", before)


def test_of_a_day_that_changed_only_what_changed_is_written(published: "Shop") -> None:
    before = dict(published.ask("SELECT raw_name, xmin::text FROM images"))
    record_decisions(published.lake.tables, [Decision("red.jpg", "ruby")], "ann", NOON)
    published.curate()
    assert published.publish().outcome == "0 added, 1 changed, 0 removed"
    after = dict(published.ask("SELECT raw_name, xmin::text FROM images"))
    assert {name for name in after if after[name] != before[name]} == {"red.jpg"}
    assert published.ask("SELECT label, label_source FROM images WHERE raw_name = 'red.jpg'") == [("ruby", "human")]


@dataclass(frozen=True)
class Described:
    """An encoder whose vectors are there already."""

    description: EncoderDescription


@pytest.fixture
def long(shop: "Shop") -> "Shop":
    """Vectors so long that PostgreSQL puts them beside their rows."""
    described, tables, day = LONG, shop.lake.tables, shop.lake.day
    target, stored = embedding_target(described), tables.read(shop.lake.embeddings, day)
    vectors = np.random.default_rng(0).normal(size=(stored.height, described.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = stored.with_columns(
        embedding=pl.Series(vectors, dtype=pl.Array(pl.Float32, described.dimension)),
        recipe_version=pl.lit(target.recipe_version),
    )
    tables.replace(target.table, day, rows)
    made = shop.of(replace(shop.lake, encoder=Described(described)))  # type: ignore[arg-type]
    made.curate()
    made.publish()
    return made


def test_a_label_is_changed_without_a_new_place_in_the_graph_of_vectors(long: "Shop") -> None:
    record_decisions(long.lake.tables, [Decision("red.jpg", "ruby")], "ann", NOON)
    long.curate()
    long.publish()
    told = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'images'::regclass"
    assert (long.ask(told), long.ask("SELECT count(embedding) FROM images")) == ([(1, 1)], [3])


def test_a_late_image_comes_and_one_that_went_goes_with_its_tags(published: "Shop", paint: Paint) -> None:
    published.lake.land("berta/late.jpg", paint("blue", size=(80, 60)))
    published.lake.run()
    gold = published.lake.tables.read(GOLD_IMAGES, published.lake.day)
    published.lake.rewrite(GOLD_IMAGES, gold.filter(pl.col("raw_name") != "red.jpg"))
    assert published.publish().outcome == "1 added, 0 changed, 1 removed"
    assert sorted(published.ask("SELECT raw_name FROM images")) == ["blue.jpg", "green.jpg", "late.jpg"]
    assert published.ask("SELECT DISTINCT tag FROM image_tags") == ["blue"]


def test_a_tag_that_is_not_seen_any_more_goes(published: "Shop") -> None:
    published.ask("INSERT INTO image_tags SELECT image_id, 'wrong', 'colour', 0.5 FROM images")
    published.ask("UPDATE images SET version = 'older'")
    published.publish()
    assert sorted(published.ask("SELECT tag FROM image_tags")) == ["blue", "red"]


def test_what_somebody_deleted_there_is_put_back(published: "Shop") -> None:
    published.ask("DELETE FROM images WHERE raw_name = 'red.jpg'")
    assert published.problems() == [
        f"{what}: run postgres_gold of {published.lake.day}"
        for what in ("2 images there, 3 in the lake", "2 vectors there, 3 in the lake", "1 tags there, 2 in the lake")
    ]
    assert published.publish().outcome == "1 added, 0 changed, 0 removed"
    assert published.problems() == []


def test_a_day_without_images_is_published_too(scenario: "Scenario", shop: "Shop") -> None:
    scenario.run()
    empty = shop.of(scenario)
    assert (empty.publish().outcome, empty.ask("SELECT images FROM published_days")) == ("unchanged", [0])


def test_the_graph_goes_for_many_and_stays_for_few(published: "Shop") -> None:
    graph = "SELECT to_regclass('images_embedding')::oid"
    publication = published.publication()
    before = published.ask(graph)
    publication.begin([published.lake.day])
    assert published.ask(graph) == before
    published.ask("DELETE FROM published_days")
    publication.begin([published.lake.day])
    assert published.ask(graph) == [None]
    assert (publication.finish(), publication.finish()) == (True, False)


def test_columns_that_are_put_in_are_those_of_the_tables(published: "Shop") -> None:
    found = published.ask(
        "SELECT attname, typname FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid "
        "WHERE attrelid = 'images'::regclass AND attnum > 0 ORDER BY attnum"
    )
    own = ["created_at", "updated_at", "vector_key", "embedding"]
    assert [(name, kind) for name, kind in found if name not in own] == list(images_table.IMAGE_COLUMNS.items())
