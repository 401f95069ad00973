"""What a refresh of the vector index costs, and what a query costs then.

    python benchmarks/index_refresh.py FOLDER [--vectors 100000] [--dimension 512] [--day 10000] [--days 1] [--write …]

A lake without photos is made in the folder: days of vectors that are like those of photos, and an index of them. It is
there for the next time. Then days arrive one by one, each followed by a refresh.
"""

import argparse
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from page import write_section
from vectors import CLUSTERS, LATENT, NOISE, Vectors

from image_assets.ids import Sha256, SourceUri, image_id_of
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.search.vector_pool import VectorPool, open_pool
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_manifest import read_manifest
from image_assets.steps.vectors.index_source import LakeIndex
from image_assets.steps.vectors.vector_index import IndexParams, IndexReport, refresh_index

FIRST, SPREAD, QUERIES, COUNT = date(2020, 1, 1), 0.6, 200, 10
COLUMNS = ["vectors", "shards", "wall s", "processor s", "MB written", "recall@10", "p50 ms", "p95 ms", "open s"]


def drawn(rng: np.random.Generator, count: int, dimension: int) -> Vectors:
    """Unit vectors, as `vectors.py` draws them."""
    fixed = np.random.default_rng(7)
    centres = fixed.normal(size=(CLUSTERS, LATENT)).astype(np.float32)
    surface = fixed.normal(size=(LATENT, dimension)).astype(np.float32) / LATENT**0.5
    latent = centres[rng.integers(0, CLUSTERS, count)] + SPREAD * rng.normal(size=(count, LATENT))
    rows = latent.astype(np.float32) @ surface + NOISE * rng.normal(size=(count, dimension)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True)
class SyntheticLake:
    """Days of vectors."""

    tables: ParquetTables
    encoder: EncoderDescription
    per_day: int

    @property
    def days(self) -> list[date]:
        """Those that there are."""
        return self.tables.days(embedding_target(self.encoder).table.name)

    def add_day(self) -> None:
        """One more."""
        day, target = FIRST + timedelta(days=len(self.days)), embedding_target(self.encoder)
        vectors = drawn(np.random.default_rng(day.toordinal()), self.per_day, self.encoder.dimension)
        ids = [image_id_of(SourceUri(f"{day}/{number}"), Sha256("")) for number in range(self.per_day)]
        rows = pl.DataFrame({"image_id": ids}).with_columns(
            day=pl.lit(day),
            embedding=pl.Series(vectors, dtype=pl.Array(pl.Float32, self.encoder.dimension)),
            input_version=pl.lit("0123456789abcdef0123456789abcdef"),
            recipe_version=pl.lit(target.recipe_version),
            processed_at=pl.lit(datetime.now(UTC)),
        )
        self.tables.replace(target.table, day, rows.sort("image_id"))

    def pool(self) -> VectorPool:
        """What a search looks through."""
        return open_pool(self.tables, self.encoder, read_manifest(self.tables.store, self.encoder.name), LakeIndex())


def refreshed(lake: SyntheticLake, queries: Vectors) -> list[float]:
    """A row of the table."""
    wall, processor, written, report = measured_refresh(lake)
    opening = time.perf_counter()
    pool = lake.pool()
    opening = time.perf_counter() - opening
    times, found = answered(pool, queries)
    right = nearest(lake, queries)
    recall = sum(len(mine & its) for mine, its in zip(found, right, strict=True)) / (COUNT * len(queries))
    p50, p95 = statistics.median(times) * 1e3, statistics.quantiles(times, n=20)[-1] * 1e3
    shards = len(report.manifest.shards)
    return [report.manifest.vectors, shards, wall, processor, written, recall, p50, p95, opening]


def measured_refresh(lake: SyntheticLake) -> tuple[float, float, float, IndexReport]:
    """Seconds on the clock and of the processors, MB written, and what was done."""
    before = {info.key for info in lake.tables.store.list("index")}
    wall, processor = time.perf_counter(), time.process_time()
    report = refresh_index(lake.tables, lake.encoder, IndexParams())
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    written = sum(info.size_bytes for info in lake.tables.store.list("index") if info.key not in before) / 1e6
    return wall, processor, written, report


def answered(pool: VectorPool, queries: Vectors) -> tuple[list[float], list[set[str]]]:
    """Seconds of each query, and what it found."""
    pool.nearest(queries[:1], COUNT)
    times, found = [], []
    for query in queries:
        started = time.perf_counter()
        found.append({str(each.image_id) for each in pool.nearest(query[None], COUNT)})
        times.append(time.perf_counter() - started)
    return times, found


def nearest(lake: SyntheticLake, queries: Vectors) -> list[set[str]]:
    """The right answer."""
    best = pl.DataFrame(schema={"query": pl.Int64, "image_id": pl.String, "score": pl.Float32})
    table = embedding_target(lake.encoder).table
    for day in lake.days:
        rows = lake.tables.scan(table, ["image_id", "embedding"], [day])
        scores = queries @ rows.get_column("embedding").to_numpy().T
        top = np.argpartition(-scores, COUNT, axis=1)[:, :COUNT]
        some = pl.DataFrame(
            {
                "query": np.repeat(np.arange(len(queries)), COUNT),
                "image_id": rows.get_column("image_id").gather(top.ravel()),
                "score": np.take_along_axis(scores, top, 1).ravel(),
            }
        )
        best = pl.concat([best, some]).sort("score", descending=True).group_by("query", maintain_order=True).head(COUNT)
    return [{*best.filter(pl.col("query") == number).get_column("image_id")} for number in range(len(queries))]


def main() -> None:
    """Make the lake, let days arrive, print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--day", type=int, default=10_000, help="vectors of a day")
    parser.add_argument("--days", type=int, default=1, help="that arrive")
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    encoder = EncoderDescription("synthetic", "1", asked.dimension, 1, "none", "drawn")
    lake = SyntheticLake(ParquetTables(LocalObjectStore(asked.folder)), encoder, asked.day)
    while len(lake.days) * asked.day < asked.vectors:
        lake.add_day()
    queries = drawn(np.random.default_rng(99), QUERIES, asked.dimension)
    rows = []
    for number in range(asked.days + 1):
        if number:
            lake.add_day()
        rows.append(refreshed(lake, queries))
        print(_line(rows[-1]), flush=True)
    if asked.write:
        name = f"index refresh {asked.vectors}"
        lines = [f"## The index after days of {asked.day:,} more, {asked.dimension} dimensions", ""]
        lines += [f"| {' | '.join(COLUMNS)} |", "|" + "---:|" * len(COLUMNS), *map(_line, rows)]
        marks = f"<!-- {name}: written by benchmarks/index_refresh.py -->", f"<!-- /{name} -->"
        write_section(asked.write, marks, "\n".join(lines))


def _line(values: list[float]) -> str:
    return f"| {' | '.join(map(_cell, values))} |"


def _cell(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}" if value < 10 else f"{value:.0f}"


if __name__ == "__main__":
    main()
