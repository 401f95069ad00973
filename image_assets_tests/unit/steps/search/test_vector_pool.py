"""The index and what is newer than it are searched as one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from image_assets.errors import ObjectChangedError
from image_assets.ids import ImageId, Sha256, SourceUri, image_id_of
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.usearch_index import UsearchParams
from image_assets.search.vector_index import Vectors
from image_assets.steps.search.vector_pool import HELD_BYTES, Mask, Neighbour, Question, VectorPool, open_pool
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_manifest import read_manifest
from image_assets.steps.vectors.index_source import LakeIndex
from image_assets.steps.vectors.vector_index import IndexParams, refresh_index

ENCODER = EncoderDescription("e", "1", 8, 1, "none", "made in code")
FIRST, SECOND, THIRD = (date(2026, 10, 1) + timedelta(days=number) for number in range(3))
SOURCE = LakeIndex(UsearchParams(threads=1))
Known = dict[ImageId, Vectors]


def id_of(number: int) -> ImageId:
    return image_id_of(SourceUri(str(number)), Sha256(""))


def vector_of(number: int) -> Vectors:
    """A unit vector, 1 x dimension, always the same one of a number."""
    row = np.random.default_rng(number).normal(size=(1, ENCODER.dimension))
    return np.asarray(row / np.linalg.norm(row), dtype=np.float32)


@pytest.fixture
def tables(tmp_path: Path) -> ParquetTables:
    return ParquetTables(LocalObjectStore(tmp_path))


def put(tables: ParquetTables, day: date, vectors: dict[int, int], version: str = "1") -> None:
    """Commit a day's vectors: number of the image, and of its vector."""
    target = embedding_target(ENCODER)
    embeddings = np.concatenate([np.empty((0, ENCODER.dimension), np.float32), *map(vector_of, vectors.values())])
    rows = pl.DataFrame({"image_id": [id_of(number) for number in vectors]}, schema={"image_id": pl.String})
    rows = rows.with_columns(
        day=pl.lit(day),
        embedding=pl.Series(embeddings, dtype=pl.Array(pl.Float32, ENCODER.dimension)),
        input_version=pl.lit(version),
        recipe_version=pl.lit(target.recipe_version),
        processed_at=pl.lit(datetime.now(UTC)),
    )
    tables.replace(target.table, day, rows.sort("image_id"))


def opened(tables: ParquetTables, held_bytes: int = HELD_BYTES) -> VectorPool:
    return open_pool(tables, ENCODER, read_manifest(tables.store, "e"), SOURCE, held_bytes=held_bytes)


def compared(known: Known, query: Vectors) -> dict[ImageId, float]:
    """The right answer: every image, best first."""
    scores = {name: round(float(vector[0] @ query[0]), 4) for name, vector in known.items()}
    return dict(sorted(scores.items(), key=lambda each: (-each[1], each[0])))


def scores_of(found: Sequence[Neighbour]) -> dict[ImageId, float]:
    return {each.image_id: each.score for each in found}


def mask_of(pool: VectorPool, *numbers: int) -> Mask:
    return pool.images.get_column("image_id").is_in([id_of(number) for number in numbers]).to_numpy()


SOME_HELD = 11 * ENCODER.dimension * 4


@pytest.mark.parametrize("held_bytes", [HELD_BYTES, SOME_HELD, 0], ids=["all held", "some held", "none held"])
@pytest.mark.parametrize("is_indexed", [False, True], ids=["no index", "index"])
def test_the_nearest_of_all_are_found_wherever_they_are(
    tables: ParquetTables, held_bytes: int, is_indexed: bool
) -> None:
    put(tables, FIRST, {number: number for number in range(20)})
    put(tables, SECOND, {number: number for number in range(20, 30)})
    if is_indexed:
        refresh_index(tables, ENCODER, IndexParams())
    put(tables, SECOND, {number: number + 100 for number in range(20, 28)}, version="2")
    put(tables, THIRD, {number: number for number in range(40, 50)})
    numbers = {number: number for number in (*range(20), *range(40, 50))}
    numbers |= {number: number + 100 for number in range(20, 28)}
    known = {id_of(image): vector_of(number) for image, number in numbers.items()}
    pool = opened(tables, held_bytes)
    assert {*pool.images.get_column("image_id")} == known.keys()
    for number in range(5):
        right = compared(known, vector_of(number))
        assert scores_of(pool.nearest(vector_of(number), 10)) == dict([*right.items()][:10])
        assert scores_of(pool.nearest(vector_of(number), 99)) == right


def test_only_what_may_be_found_is_found_old_or_new(tables: ParquetTables) -> None:
    put(tables, FIRST, {number: number for number in range(6)})
    refresh_index(tables, ENCODER, IndexParams())
    put(tables, SECOND, {number: number for number in range(6, 12)})
    pool = opened(tables, held_bytes=2 * ENCODER.dimension * 4)
    allowed = mask_of(pool, 1, 7, 11)
    assert scores_of(pool.nearest(vector_of(7), 9, allowed)).keys() == {id_of(number) for number in (1, 7, 11)}
    question = Question(pool, vector_of(7), allowed)
    assert [*scores_of(question.nearest(1))] == [id_of(7)]
    assert [*scores_of(question.nearest(9, mask_of(pool, 1, 2)))] == [id_of(1)]


def test_what_one_question_may_find_is_not_what_the_next_one_may(tables: ParquetTables) -> None:
    put(tables, FIRST, {number: number for number in range(6)})
    refresh_index(tables, ENCODER, IndexParams())
    pool = opened(tables)
    first, second = mask_of(pool, 1, 2), mask_of(pool, 3)
    found = [len(pool.nearest(vector_of(1), 9, among)) for among in (first, second, None, first, first)]
    assert found == [2, 1, 6, 2, 2]


def test_what_is_found_says_its_place(tables: ParquetTables) -> None:
    put(tables, FIRST, {number: number for number in range(6)})
    refresh_index(tables, ENCODER, IndexParams())
    put(tables, FIRST, {number: number + 50 for number in range(3)}, version="2")
    put(tables, SECOND, {number: number for number in range(6, 12)})
    pool = opened(tables, held_bytes=2 * ENCODER.dimension * 4)
    ids = pool.images.get_column("image_id")
    assert [each.image_id for each in pool.nearest(vector_of(7), 99)] == [
        ids[each.place] for each in pool.nearest(vector_of(7), 99)
    ]


def test_equals_come_in_the_order_of_their_ids(tables: ParquetTables) -> None:
    put(tables, FIRST, dict.fromkeys((3, 1, 2), 7))
    refresh_index(tables, ENCODER, IndexParams())
    put(tables, SECOND, dict.fromkeys((5, 4), 7))
    assert [*scores_of(opened(tables).nearest(vector_of(7), 5))] == sorted(id_of(number) for number in (1, 2, 3, 4, 5))


def test_a_score_is_a_plain_number(tables: ParquetTables) -> None:
    put(tables, FIRST, {1: 1})
    assert type(opened(tables).nearest(vector_of(1), 1)[0].score) is float


def test_new_vectors_are_read_once(tables: ParquetTables) -> None:
    put(tables, FIRST, {1: 1})
    pool = opened(tables)
    (file,) = tables.files("image_embeddings/e")
    tables.store.delete(file)
    assert [*scores_of(pool.nearest(vector_of(1), 1))] == [id_of(1)]


def test_the_vector_of_an_image_is_the_one_of_its_table(tables: ParquetTables) -> None:
    put(tables, FIRST, {1: 1, 2: 2})
    assert opened(tables).vector_of(id_of(2)).tolist() == vector_of(2).tolist()


def test_a_vector_that_went_since_the_pool_was_opened_is_said_to_have_gone(tables: ParquetTables) -> None:
    put(tables, FIRST, {1: 1, 2: 2})
    pool = opened(tables)
    put(tables, FIRST, {2: 2})
    with pytest.raises(ObjectChangedError, match=f"the vector of {id_of(1)} has gone meanwhile: search again"):
        pool.vector_of(id_of(1))
