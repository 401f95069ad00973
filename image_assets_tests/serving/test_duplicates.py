"""Groups of duplicates over HTTP, and what people say of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.steps.duplicates.pair_decisions import read_pair_decisions
from image_assets.tables.duplicates import DUPLICATE_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served


def test_a_group_is_shown_decided_on_and_not_asked_about_again(
    own_lake: "Lake", serve_lake: Callable[..., "Served"]
) -> None:
    first, second = own_lake.ids_of("anna")[:2]
    for day in own_lake.tables.days(DUPLICATE_IMAGES.name):
        rows = own_lake.tables.read(DUPLICATE_IMAGES, day)
        is_second = pl.col("image_id") == second
        kind = pl.when(is_second).then(pl.lit("decided")).otherwise("kind").cast(rows.schema["kind"])
        stands_for = pl.when(is_second).then(pl.lit(first)).otherwise("canonical_id")
        own_lake.tables.replace(DUPLICATE_IMAGES, day, rows.with_columns(kind=kind, canonical_id=stands_for))
    served = serve_lake(own_lake)
    (group,) = served.ask("/v1/duplicates", "review").json()["items"]
    assert [each["image_id"] for each in group["images"]] == [first, second]
    assert group["keeper_id"] in {first, second}
    pair = {"pairs": [{"one": second[:8], "other": first, "verdict": "different"}]}
    (kept,) = served.ask("/v1/duplicates", "review", "POST", json=pair).json()["results"]
    assert ({kept["first_id"], kept["second_id"]}, kept["decided_by"]) == ({first, second}, "reviewer")
    assert served.ask("/v1/duplicates", "review").json()["total"] == 0
    assert served.ask("/v1/duplicates", "review", params={"decided": True}).json()["total"] == 1
    (word,) = read_pair_decisions(LocalObjectStore(own_lake.root), own_lake.tables.days(DUPLICATE_IMAGES.name)[-1])
    assert word.verdict == "different"
    same = {"pairs": [{"one": first, "other": first, "verdict": "same"}]}
    assert served.ask("/v1/duplicates", "review", "POST", json=same).status_code == 422
