"""Publishing to PostgreSQL: a first publication beside executemany, a rerun, a day into the graph that serves.

    python benchmarks/postgres.py [--rows 10000] [--dimension 768] [--rounds 5] [--kind halfvec] [--write FILE]

A lake is drawn: gold, EXIF, vectors and, or not, four tags an image. What is measured is a day from its Parquet files
to the commit: ours, and psycopg's executemany of the same values into the same tables. The contestants take turns, each
round with empty tables. The server is the one of the tests, with fsync.
"""

import argparse
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import psutil
from page import write_section
from pydantic import SecretStr

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import table_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.publishing.postgres.images_table import IMAGE_COLUMNS, TAG_COLUMNS, replace_day
from image_assets.publishing.postgres.migrations import migrate
from image_assets.publishing.postgres.server import Connection, Postgres
from image_assets.publishing.postgres.vector_column import VectorColumn, build_graph, drop_graph, ensure_column
from image_assets.steps.publishing.published_rows import PublishedDay
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.stored_vectors import vectors_of
from image_assets.tables.enrichment import IMAGE_TAGS
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "image_assets_tests" / "servers"))
from postgres import running_server

TAGGED, PLAIN, SMALL = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
MOST_LIVE, LIVE_ROWS = 3, 1_000
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MARKERS = ("<!-- postgres: written by benchmarks/postgres.py -->", "<!-- /postgres -->")
INTRODUCTION = """Days of {rows:,} images with {kind}s of {dimension} numbers, from their Parquet files to the commit,
on a server of the same machine, with fsync and 1 GB of shared buffers; medians of {rounds} rounds in turns. The graph
of vectors (HNSW) is left out, as a first publication leaves it out; executemany sends the same values into the same
tables. A day into the graph has 1,000 images, and the table {table:,}.

The machine was idle. Client and server work at once while rows are sent; the graph is built by two more processes,
which are not counted."""
CAPTION = "a red cotton dress with long sleeves and a white collar"
EXIF = '{"maker": "Kodak", "model": "DC-40", "iso": 100, "taken_at": "2026-01-01T12:00:00", "raw": {"Flash": "off"}}'
TAGS = ("dress", "red", "cotton", "plain")


def draw_day(tables: ParquetTables, encoder: EncoderDescription, day: date, rows: int, tags: int) -> None:
    """Commit a day of the tables that are published."""
    ids = sorted(str(uuid.uuid5(uuid.NAMESPACE_URL, f"{day}/{number}")) for number in range(rows))
    sides = {"width_px": 384, "height_px": 512, "original_width_px": 3000, "original_height_px": 4000}
    made = {"input_version": "1", "recipe_version": "1", "processed_at": NOON, "day": day}
    said = {"caption": CAPTION, "text": "", "label": "1", "predicted_label": "dress", "model_version": "1"}
    where = {
        "cleansed_path": f"silver/{day}/x.jpg",
        "thumbnail_path": "thumbnail/xx/x.webp",
        "preview_path": "watermarked/x",
    }
    known = {"user_id": "ann", "raw_name": "photo.jpg", "sha256": "a" * 64, "phash": "b" * 16, "format": "JPEG"}
    measured = {"blur": 812.5, "brightness_ratio": 0.5, "original_size_bytes": 3_500_000, "uploaded_at": NOON}
    gold = {**sides, **made, **said, **where, **known, **measured, "encoder": encoder.name, "state": "embedded"}
    images = pl.DataFrame({"image_id": ids})
    _write(tables, GOLD_IMAGES, day, images.with_columns(canonical_id="image_id", is_duplicate=False), gold)
    _write(tables, BRONZE_IMAGES, day, images, {**made, "exif": EXIF, "raw_path": "x", "source_uri": "x"})
    terms = [{"tag": each, "kind": "product", "confidence_ratio": 0.9} for each in TAGS[:tags]]
    of_images = images.with_columns(
        tags=pl.Series([terms] * rows, dtype=IMAGE_TAGS.schema.create_empty()["tags"].dtype)
    )
    _write(tables, IMAGE_TAGS, day, of_images, {**made, "encoder": encoder.name})
    target, random = embedding_target(encoder), np.random.default_rng(day.toordinal())
    vectors = random.normal(size=(rows, encoder.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    embedded = images.with_columns(embedding=pl.Series(vectors, dtype=pl.Array(pl.Float32, encoder.dimension)))
    _write(tables, target.table, day, embedded, {**made, "recipe_version": target.recipe_version})


def _write(tables: ParquetTables, table: Table, day: date, rows: pl.DataFrame, values: dict[str, object]) -> None:
    """Rows with these values in all of them, and whatever a column takes in those that nobody looks at."""
    wanted = table.schema.create_empty().schema
    numeric = {name: 1 for name, kind in wanted.items() if kind.is_numeric()}
    texts = {name: "x" for name, kind in wanted.items() if kind == pl.String}
    filled = {"is_near_uniform": False, "ingested_at": NOON, "dominant_colours": [], **numeric, **texts, **values}
    given = {name: pl.lit(filled.get(name), dtype=kind) for name, kind in wanted.items() if name not in rows.columns}
    with tables.store.writing(table_key(table.name, day)) as path:
        rows.with_columns(**given).select(list(wanted)).cast(wanted).write_parquet(path)


def executemany(connection: Connection, day: PublishedDay) -> None:
    """The same rows by psycopg's own means, which sends them in batches."""
    names = [*IMAGE_COLUMNS, "embedding"]
    images = f"INSERT INTO images ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
    tags = f"INSERT INTO image_tags ({', '.join(TAG_COLUMNS)}) VALUES (%s, %s, %s, %s)"
    rows = day.rows
    vectors = vectors_of(day.tables, day.encoder).read_whole(rows.select("image_id", "day"))
    joined = rows.join(vectors.select("image_id", "embedding"), on="image_id", how="left", maintain_order="left")
    of_images = joined.select("image_id", "tags_of").explode("tags_of").unnest("tags_of").drop_nulls("tag")
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(images, ((*row[:-1], str(row[-1])) for row in joined.select(names).iter_rows()))  # type: ignore[arg-type]
        cursor.executemany(tags, of_images.select(list(TAG_COLUMNS)).iter_rows())  # type: ignore[arg-type]


class Cost(NamedTuple):
    """Seconds by the clock, and of the processors: in this process and in the server's that serves it."""

    seconds: float
    client: float
    server: float


class Contest:
    """A lake, a database and what it takes to get from one to the other."""

    def __init__(self, connection: Connection, tables: ParquetTables, column: VectorColumn) -> None:
        self.connection, self.tables, self.column = connection, tables, column
        self.encoder = EncoderDescription("drawn", "1", column.dimension, 1, "none", "made in code")

    def draw(self, day: date, rows: int, tags: int) -> None:
        """See `draw_day`."""
        draw_day(self.tables, self.encoder, day, rows, tags)

    def ours(self, day: date) -> Cost:
        """Of our way."""
        return self.cost_of(lambda: replace_day(self.connection, self.column, self._offered(day)))

    def theirs(self, day: date) -> Cost:
        """Of executemany."""
        return self.cost_of(lambda: executemany(self.connection, self._offered(day)))

    def cost_of(self, work: Callable[[], object]) -> Cost:
        """What work costs this process and the one that serves it."""
        server = psutil.Process(self.connection.info.backend_pid)
        before = time.perf_counter(), time.process_time(), sum(server.cpu_times()[:2])
        work()
        after = time.perf_counter(), time.process_time(), sum(server.cpu_times()[:2])
        return Cost(*(now - then for now, then in zip(after, before, strict=True)))

    def empty(self) -> None:
        """Have no row, and nothing to clean up."""
        self.connection.execute("TRUNCATE images, published_days CASCADE")
        self.connection.execute("CHECKPOINT")

    def _offered(self, day: date) -> PublishedDay:
        return PublishedDay(self.tables, day, self.encoder, self.column)


def first_publications(contest: Contest, rows: int, rounds: int) -> list[str]:
    """Lines of the table: into empty tables, ours and executemany in turns."""
    contest.draw(PLAIN, rows, 0)
    contest.draw(TAGGED, rows, len(TAGS))
    ways = {"first publication": contest.ours, "executemany": contest.theirs}
    taken = {(way, day): [] for day in (PLAIN, TAGGED) for way in ways}
    for _ in range(rounds + 1):
        for way, day in taken:
            contest.empty()
            taken[way, day].append(ways[way](day))
    words = {PLAIN: "no tags", TAGGED: "four tags each"}
    # The first round warms files and server up.
    return [_line(f"{way}, {words[day]}", rows, costs[1:]) for (way, day), costs in taken.items()]


def later_publications(contest: Contest, rows: int, rounds: int) -> list[str]:
    """Lines of the table: what a day costs when it is there already, and with the graph that serves."""
    contest.empty()
    for day in (PLAIN, TAGGED):
        contest.ours(day)
    again = [contest.ours(TAGGED) for _ in range(rounds)]
    built = contest.cost_of(lambda: build_graph(contest.connection, contest.column))
    contest.connection.execute("VACUUM ANALYZE images, image_tags")
    days = [SMALL + timedelta(number) for number in range(min(rounds, MOST_LIVE))]
    for day in days:
        contest.draw(day, LIVE_ROWS, len(TAGS))
    live = [contest.ours(day) for day in days]
    some, all_of_it = (_relabelled(contest, days, each) for each in (LIVE_ROWS // 20, LIVE_ROWS))
    return [
        _line("the same day again, four tags each", rows, again),
        _line("a new day into the live graph", LIVE_ROWS, live),
        _line("other labels for one image in twenty of it, the graph live", LIVE_ROWS // 20, some),
        _line("other labels for all of it, the graph live", LIVE_ROWS, all_of_it),
        _line("building the graph", 2 * rows, [built]),
    ]


def _relabelled(contest: Contest, days: Sequence[date], changed: int) -> list[Cost]:
    """What each day costs when so many of its images have another label."""
    for day in days:
        gold = contest.tables.read(GOLD_IMAGES, day)
        is_changed = pl.int_range(pl.len()) % (gold.height // changed) == 0
        version = pl.when(is_changed).then(pl.lit(f"after {changed}")).otherwise("input_version")
        contest.tables.replace(GOLD_IMAGES, day, gold.with_columns(label=version, input_version=version))
    return [contest.ours(day) for day in days]


def _line(name: str, rows: int, costs: Sequence[Cost]) -> str:
    seconds, *cpu = (statistics.median(each) for each in zip(*costs, strict=True))
    best = rows / min(each.seconds for each in costs)
    milliseconds = " | ".join(f"{each / rows * 1e6:,.0f}" for each in cpu)
    line = f"| {name} | {rows / seconds:,.0f} | {best:,.0f} | {milliseconds} |"
    print(line, flush=True)
    return line


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dimension", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kind", choices=["halfvec", "vector"], default="halfvec")
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    column = VectorColumn(asked.kind, asked.dimension)
    configuration = {"fsync": "on", "shared_buffers": "1GB", "max_wal_size": "8GB"}
    with tempfile.TemporaryDirectory() as folder, running_server(**configuration) as server:
        server.execute("CREATE EXTENSION vector")
        with Postgres(SecretStr(server.url())).connected() as connection:
            migrate(connection)
            ensure_column(connection, column)
            drop_graph(connection)
            contest = Contest(connection, ParquetTables(LocalObjectStore(Path(folder))), column)
            lines = first_publications(contest, asked.rows, asked.rounds)
            lines += later_publications(contest, asked.rows, asked.rounds)
    head = ["| | rows/s | best round | client µs/row | server µs/row |", "|---|---:|---:|---:|---:|"]
    table = "\n".join([*head, *lines])
    if asked.write:
        told = INTRODUCTION.format(**vars(asked), table=2 * asked.rows)
        write_section(asked.write, MARKERS, f"## Publishing to PostgreSQL\n\n{told}\n\n{table}\n")


if __name__ == "__main__":
    main()
