"""What is read of an encoder's vectors: those of one recipe, some at a time."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from image_assets.ids import ImageId
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import table_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.vectors.stored_vectors import StoredVectors
from image_assets.tables.embeddings import embeddings_table

DAYS = [date(2026, 10, number) for number in (1, 2, 3)]
IDS = [ImageId(f"{number:08x}-0000-5000-8000-000000000000") for number in range(12)]
TABLE = embeddings_table("e", 2)


def put(vectors: StoredVectors, day: date, ids: list[ImageId], recipe: str = "now", dimension: int = 2) -> None:
    """A file of the day: the vector of each image points where its number says."""
    numbers = np.array([IDS.index(name) for name in ids], dtype=np.float32)
    rows = np.zeros((len(ids), dimension), dtype=np.float32)
    rows[:, 0], rows[:, 1] = np.cos(numbers), np.sin(numbers)
    frame = pl.DataFrame({"image_id": ids, "embedding": pl.Series(rows, dtype=pl.Array(pl.Float32, dimension))})
    frame = frame.with_columns(
        day=pl.lit(day),
        input_version=pl.lit("1"),
        recipe_version=pl.lit(recipe),
        processed_at=pl.lit(datetime.now(UTC)),
    )
    with vectors.tables.store.writing(table_key(TABLE.name, day)) as path:
        frame.write_parquet(path)


@pytest.fixture
def vectors(tmp_path_factory: pytest.TempPathFactory) -> StoredVectors:
    """Six vectors of the first day, two of the second, none of the third, which is not there."""
    tables = ParquetTables(LocalObjectStore(tmp_path_factory.mktemp("lake")))
    stored = StoredVectors(tables, TABLE, "now")
    put(stored, DAYS[0], IDS[:6])
    put(stored, DAYS[1], IDS[6:8])
    return stored


def images(*wanted: tuple[int, date]) -> pl.DataFrame:
    ids = [IDS[number] for number, _ in wanted]
    return pl.DataFrame({"image_id": ids, "day": [day for _, day in wanted]}, schema={"image_id": str, "day": pl.Date})


EVERY = images(*((number, DAYS[0]) for number in range(6)), (7, DAYS[1]), (6, DAYS[1]))


def numbers(rows: pl.DataFrame) -> list[int]:
    return [IDS.index(name) for name in rows.get_column("image_id")]


def test_the_vectors_of_images_are_read_by_day_and_id(vectors: StoredVectors) -> None:
    rows = vectors.read_whole(images((7, DAYS[1]), (3, DAYS[0]), (6, DAYS[1]), (1, DAYS[0])))
    assert (numbers(rows), rows.get_column("day").to_list()) == ([6, 7, 1, 3], [DAYS[1]] * 2 + [DAYS[0]] * 2)
    assert rows.get_column("embedding").to_numpy()[:, 0] == pytest.approx(np.cos([6, 7, 1, 3]))


def test_a_bounded_number_comes_at_a_time_and_small_days_together(vectors: StoredVectors) -> None:
    assert [numbers(part) for part in replace(vectors, at_once=4).read(EVERY)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [numbers(part) for part in vectors.read(EVERY)] == [[*range(8)]]


@pytest.mark.parametrize(
    "wanted", [images(), images((0, DAYS[2])), images((9, DAYS[0])), images((0, DAYS[1]))], ids=lambda _: ""
)
def test_images_without_a_vector_have_none(vectors: StoredVectors, wanted: pl.DataFrame) -> None:
    rows = vectors.read_whole(wanted)
    assert (rows.height, rows.schema["embedding"]) == (0, pl.Array(pl.Float32, 2))


@pytest.mark.parametrize("dimension", [2, 3], ids=["of the same dimension", "of another"])
def test_vectors_of_another_recipe_are_passed_over(vectors: StoredVectors, dimension: int) -> None:
    put(vectors, DAYS[1], IDS[6:8], recipe="former", dimension=dimension)
    assert numbers(vectors.read_whole(EVERY)) == [*range(6)]
    assert vectors.identities(DAYS[1]).is_empty()
    assert (vectors.is_whole(DAYS[0]), vectors.is_whole(DAYS[1])) == (True, False)


def test_a_day_tells_its_images_and_the_inputs_of_their_vectors(vectors: StoredVectors) -> None:
    assert vectors.identities(DAYS[1]).rows() == [(IDS[6], "1"), (IDS[7], "1")]
    assert vectors.identities(DAYS[2]).is_empty()


def test_the_version_of_a_day_changes_with_its_file(vectors: StoredVectors) -> None:
    before = vectors.versions
    put(vectors, DAYS[1], IDS[6:7])
    assert [day for day in before if vectors.versions[day] != before[day]] == ["2026-10-02"]
