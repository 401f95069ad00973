"""A refresh may end between any two of its writes: what is there can be searched, and the next one ends it."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from image_assets.errors import StoreUnavailableError
from image_assets.ids import Sha256, SourceUri, image_id_of
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.usearch_index import UsearchParams
from image_assets.steps.audits.index_audits import audit_coverage
from image_assets.steps.search.vector_pool import open_pool
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_manifest import read_manifest
from image_assets.steps.vectors.index_source import LakeIndex
from image_assets.steps.vectors.index_tiers import TierParams
from image_assets.steps.vectors.vector_index import IndexParams, refresh_index

ENCODER = EncoderDescription("e", "1", 8, 1, "none", "made in code")
DAYS = [date(2026, 10, 1) + timedelta(days=number) for number in range(4)]
EVER = datetime.max.replace(tzinfo=UTC)
GRAPH = UsearchParams(threads=1)
PARAMS = IndexParams(exact_below=0, usearch=GRAPH, tiers=TierParams(largest=6, of_one_size=2))


def put(tables: ParquetTables, day: date, numbers: range, version: str = "1") -> None:
    """Commit a day's vectors, which are others for another version."""
    ids = [image_id_of(SourceUri(f"{day}/{number}"), Sha256("")) for number in numbers]
    drawn = np.random.default_rng([day.day, int(version)]).normal(size=(len(ids), ENCODER.dimension))
    vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    rows = pl.DataFrame({"image_id": ids}, schema={"image_id": pl.String}).with_columns(
        day=pl.lit(day),
        embedding=pl.Series(vectors, dtype=pl.Array(pl.Float32, ENCODER.dimension)),
        input_version=pl.lit(version),
        recipe_version=pl.lit(embedding_target(ENCODER).recipe_version),
        processed_at=pl.lit(datetime.now(UTC)),
    )
    tables.replace(embedding_target(ENCODER).table, day, rows.sort("image_id"))


def a_new_day(tables: ParquetTables) -> None:
    put(tables, DAYS[2], range(3))


def a_large_day(tables: ParquetTables) -> None:
    """More than fits in a shard, and what is there is moved too."""
    put(tables, DAYS[2], range(14))


def a_day_that_is_another(tables: ParquetTables) -> None:
    put(tables, DAYS[1], range(2, 6), version="2")


def a_day_that_is_empty(tables: ParquetTables) -> None:
    put(tables, DAYS[0], range(0))


CHANGES = [a_new_day, a_large_day, a_day_that_is_another, a_day_that_is_empty]


def check_searchable(tables: ParquetTables) -> None:
    """Every current vector is found as the nearest to itself, and nothing else is found."""
    pool = open_pool(tables, ENCODER, read_manifest(tables.store, "e"), LakeIndex(GRAPH))
    rows = tables.scan(embedding_target(ENCODER).table, ["image_id", "embedding"])
    assert {*pool.images.get_column("image_id")} == {*rows.get_column("image_id")}
    for image_id, vector in rows.iter_rows():
        found = pool.nearest(np.array([vector], np.float32), 99)
        assert (found[0].image_id, {each.image_id for each in found}) == (image_id, {*rows.get_column("image_id")})


def check_complete(tables: ParquetTables, root: Path) -> None:
    """Nothing is missing, and an hour later nothing is there that was never in force."""
    for path in (root / "index").rglob("*"):
        os.utime(path, (0, 0))
    manifest = refresh_index(tables, ENCODER, PARAMS).manifest
    known = {shard.name for shard in manifest.shards} | manifest.retired.keys()
    assert {path.parent.name for path in (root / "index").rglob("vectors")} <= known
    assert audit_coverage(tables, ENCODER, GRAPH, EVER).problems == ()
    check_searchable(tables)


@pytest.mark.parametrize("change", CHANGES)
def test_a_refresh_that_ends_at_any_write_leaves_an_index_and_the_next_one_ends_it(
    tmp_path: Path, scenarios: ModuleType, change: Callable[[ParquetTables], None]
) -> None:
    for writes in range(99):
        root, left = tmp_path / str(writes), [writes]
        tables = ParquetTables(LocalObjectStore(root))
        for day in DAYS[:2]:
            put(tables, day, range(5))
            refresh_index(tables, ENCODER, PARAMS)
        change(tables)
        is_cut_off = False
        try:
            refresh_index(ParquetTables(scenarios.MortalStore(root, left)), ENCODER, PARAMS)
        except StoreUnavailableError:
            is_cut_off = True
        check_searchable(tables)
        check_complete(tables, root)
        if not is_cut_off:
            break
    assert 0 < writes < 99
