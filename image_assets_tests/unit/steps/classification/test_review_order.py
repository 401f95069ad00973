"""What is asked about first: doubtful images that are unlike each other, and few vectors are read for it."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import polars as pl
import pytest

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.classification.review_order import DOUBT, ReviewOrder
from image_assets.tables.gold import GOLD_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

RED, NEAR_RED, BLUE = (1, 0, 0, 0), (0.999, 0.0447, 0, 0), (0, 0, 1, 0)

NOBODY = pl.DataFrame(schema={"image_id": pl.String, "day": pl.Date, "encoder": pl.String})


def name_of(number: int) -> str:
    return str(UUID(int=number, version=5))


def embed(scenario: "Scenario", vectors: list[tuple[float, ...]], recipe: str = "r") -> None:
    rows = pl.DataFrame(
        {
            "image_id": [name_of(number) for number in range(len(vectors))],
            "recipe_version": recipe,
            "embedding": pl.Series([list(each) for each in vectors], dtype=pl.Array(pl.Float32, 4)),
        }
    )
    scenario.rewrite(scenario.embeddings, rows)


def unsure(scenario: "Scenario", doubts: list[float | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "image_id": [name_of(number) for number in range(len(doubts))],
            "day": scenario.day,
            "doubt": pl.Series(doubts, dtype=pl.Float32),
            "encoder": scenario.encoder.description.name,
        }
    )


def ordered(scenario: "Scenario", doubts: list[float | None]) -> list[int]:
    found = ReviewOrder(scenario.tables).order(unsure(scenario, doubts), NOBODY)
    return [UUID(image_id).int & 0xFFFF for image_id in found["image_id"]]


def test_what_is_like_the_one_before_waits(scenario: "Scenario") -> None:
    embed(scenario, [RED, NEAR_RED, BLUE])
    assert ordered(scenario, [0.9, 0.8, 0.5]) == [0, 2, 1]


def test_what_is_like_a_decided_one_waits(scenario: "Scenario") -> None:
    embed(scenario, [RED, BLUE, NEAR_RED])
    decided = unsure(scenario, [None, None, None])[2:].drop("doubt")
    found = ReviewOrder(scenario.tables).order(unsure(scenario, [0.9, 0.5]), decided)
    assert found["image_id"].to_list() == [name_of(1), name_of(0)]


def test_without_vectors_the_most_doubtful_comes_first(scenario: "Scenario") -> None:
    assert ordered(scenario, [0.5, 0.9, 0.7]) == [1, 2, 0]


def test_what_has_no_vector_waits_for_those_that_have_one(scenario: "Scenario") -> None:
    embed(scenario, [RED, BLUE])
    assert ordered(scenario, [0.5, 0.4, 0.9]) == [0, 1, 2]


def test_what_no_model_has_judged_comes_last_and_what_is_like_a_judged_one_last_of_all(scenario: "Scenario") -> None:
    embed(scenario, [BLUE, RED, NEAR_RED, BLUE])
    first, second, *others = ordered(scenario, [None, None, None, 0.1])
    assert (first, second in {1, 2}) == (3, True)
    assert others[-1] == 0


def test_vectors_of_another_recipe_are_not_compared(scenario: "Scenario") -> None:
    embed(scenario, [RED, NEAR_RED, BLUE])
    rows = pl.read_parquet(scenario.root / "tables" / scenario.embeddings.name / f"{scenario.day}.parquet")
    is_last = pl.int_range(pl.len()) == 2
    scenario.rewrite(
        scenario.embeddings,
        rows.with_columns(recipe_version=pl.when(is_last).then(pl.lit("old")).otherwise("recipe_version")),
    )
    assert ordered(scenario, [0.9, 0.8, 0.5]) == [0, 1, 2]


def test_beyond_the_pool_doubt_alone_counts(scenario: "Scenario") -> None:
    embed(scenario, [RED, NEAR_RED, BLUE, BLUE])
    found = ReviewOrder(scenario.tables, pool=2).order(unsure(scenario, [0.9, 0.8, 0.5, 0.6]), NOBODY)
    assert found["doubt"].to_list() == pytest.approx([0.9, 0.8, 0.6, 0.5])


class CountingTables(ParquetTables):
    """Counts how often files are read."""

    reads = 0

    def scan_files(self, *asked: Any, **more: Any) -> pl.DataFrame:
        type(self).reads += 1
        return super().scan_files(*asked, **more)


def test_a_file_of_vectors_is_not_read_again_while_it_stays(scenario: "Scenario") -> None:
    embed(scenario, [RED, NEAR_RED, BLUE])
    order = ReviewOrder(CountingTables(scenario.store))
    for doubts, reads in (([0.9, 0.8, 0.5], 1), ([0.9, 0.8], 1)):
        order.order(unsure(scenario, [*doubts]), NOBODY)
        assert CountingTables.reads == reads
    embed(scenario, [BLUE, NEAR_RED, RED])
    order.order(unsure(scenario, [0.9, 0.8]), NOBODY)
    assert CountingTables.reads == 2


def test_days_whose_vectors_are_too_much_to_read_wait(scenario: "Scenario") -> None:
    embed(scenario, [RED, NEAR_RED, BLUE])
    later = scenario.day + timedelta(days=1)
    rows = unsure(scenario, [0.9, 0.8, 0.5])
    rows = pl.concat(
        [rows, rows[:1].with_columns(image_id=pl.lit(name_of(7)), day=later, doubt=pl.lit(0.85, pl.Float32))]
    )
    found = ReviewOrder(scenario.tables, most_bytes=1).order(rows, NOBODY)
    assert found["image_id"].to_list() == [name_of(number) for number in (0, 2, 1, 7)]


def test_doubt_is_how_close_the_second_label_comes_to_the_first() -> None:
    said = [[0.6, 0.3], [0.5, 0.5], [1.0], None]
    dtype = GOLD_IMAGES.schema.create_empty().schema["top_labels"]
    tops = [each and [{"label": "x", "confidence_ratio": ratio} for ratio in each] for each in said]
    doubts = pl.DataFrame({"top_labels": pl.Series(tops, dtype=dtype)}).select(DOUBT).to_series().to_list()
    np.testing.assert_allclose(doubts[:3], [0.7, 1.0, 0.0], atol=1e-6)
    assert doubts[3] is None
