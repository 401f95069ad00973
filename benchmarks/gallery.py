"""A page of the gallery, its facets, one image: from the gallery's file, beside gold as it lies.

    python benchmarks/gallery.py [--images 100000] [--days 30] [--rounds 9] [--write FILE]

Gold is drawn: labels, tags, captions, users and colours as a shop has them, one image in twelve a copy of an earlier
one, one in a hundred blocked. Beside it Polars answers the same from gold, as the search did before it had a gallery.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import polars as pl
from page import write_section

from image_assets.ids import ImageId
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import table_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.projection import source_versions
from image_assets.steps.search.conditions import parse_condition
from image_assets.steps.search.gallery import Gallery, Order, Wanted, open_gallery
from image_assets.steps.search.gallery_content import GalleryContent
from image_assets.steps.search.gallery_facets import FACETS, count_facets
from image_assets.tables.gold import GOLD_IMAGES

LAST_DAY = date(2026, 11, 27)
PRODUCTS = [
    "dress",
    "shirt",
    "trousers",
    "shoe",
    "hat",
    "bag",
    "coat",
    "skirt",
    "jacket",
    "sandal",
    "boot",
    "scarf",
    "belt",
    "sock",
    "jumper",
]
COLOURS = ["black", "white", "grey", "red", "pink", "orange", "yellow", "green", "blue", "purple", "brown", "beige"]
PATTERNS = ["plain", "striped", "dotted", "checked", "floral"]
SEASONS = ["summer", "winter"]
PAGE = 60
SHOWN = ("day", "uploaded_at", "state", "label", "predicted_label", "confidence_ratio", "tags", "caption", "width_px")
INTRODUCTION = """Milliseconds, medians of {rounds} rounds, on a machine that has other work: read ratios. In brackets
processor time, that of all threads. `gold` is Polars over the day files in place. Counting without conditions is kept
as long as the gallery; here it is counted each time. A change replaces one day in the middle."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Of some rounds: the median of their wall and processor times, in milliseconds."""

    wall_ms: float
    cpu_ms: float

    def __str__(self) -> str:
        return f"{self.wall_ms:.3g} ({self.cpu_ms:.3g})"


def draw_gold(tables: ParquetTables, images: int, days: int) -> None:
    """Gold of so many days, the last of them `LAST_DAY`; bronze says whose each image is."""
    rng, earlier = np.random.default_rng(7), np.empty(0, object)
    for number in range(days):
        day = LAST_DAY - timedelta(days=days - 1 - number)
        rows = _day(rng, day, images // days, earlier)
        for name, part in ((GOLD_IMAGES.name, rows), ("bronze_images", rows.select("image_id", "user_id"))):
            with tables.store.writing(table_key(name, day)) as path:
                part.write_parquet(path)
        earlier = np.concatenate([earlier, rows.filter(~pl.col("is_duplicate")).get_column("image_id").to_numpy()])[
            -20_000:
        ]


def _day(rng: np.random.Generator, day: date, count: int, earlier: Any) -> pl.DataFrame:
    names = np.array(sorted(str(UUID(bytes=rng.bytes(16), version=5)) for _ in range(count)), object)
    product, colour = rng.integers(0, 15, count), rng.zipf(1.6, count) % 12
    pattern, season = rng.zipf(2.0, count) % 5, rng.integers(0, 2, count)
    is_copy = (rng.random(count) < 1 / 12) & (len(earlier) > 0)
    originals = earlier[rng.integers(0, len(earlier), count)] if len(earlier) else names
    is_labelled, is_blocked = rng.random(count) < 0.6, rng.random(count) < 0.01
    sure = rng.beta(6, 1.5, count)
    said = [
        (COLOURS[c], PATTERNS[p], PRODUCTS[n], SEASONS[s])
        for c, p, n, s in zip(colour, pattern, product, season, strict=True)
    ]
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    drawn = {
        "image_id": names,
        "day": [day] * count,
        "user_id": [f"user-{user:05}" for user in rng.zipf(1.3, count) % 5_000],
        "uploaded_at": [start + timedelta(seconds=int(second)) for second in rng.integers(0, 86_400, count)],
        "processed_at": [start] * count,
        "raw_name": [f"IMG_{number:07}.jpg" for number in rng.integers(0, 10**7, count)],
        "label": [PRODUCTS[n] if has else None for n, has in zip(product, is_labelled, strict=True)],
        "label_source": ["supplied" if has else None for has in is_labelled],
        "dominant_colours": [
            [f"#{value:06x}" for value in three] for three in rng.integers(0, 2**24, (count, 3)).tolist()
        ],
        "width_px": rng.integers(300, 513, count),
        "height_px": rng.integers(300, 513, count),
        "thumbnail_path": [f"thumbnail/{name[:2]}/{name}.webp" for name in names],
        "canonical_id": np.where(is_copy, originals, names),
        "is_duplicate": is_copy,
        "tags": [[product, colour, pattern, season] for colour, pattern, product, season in said],
        "caption": [f"a {colour} {pattern} {product} for {season}" for colour, pattern, product, season in said],
        "text": [f"SALE {number}" if number < 20_000 else "" for number in rng.integers(0, 200_000, count)],
        "predicted_label": [
            PRODUCTS[number] for number in np.where(rng.random(count) < 0.9, product, rng.integers(0, 15, count))
        ],
        "confidence_ratio": sure,
        "needs_review": (sure < 0.6) & ~is_labelled,
        "policy": np.where(is_blocked, "blocked", "allowed").tolist(),
        "state": np.where(is_blocked, "blocked", "embedded").tolist(),
        "sha256": [rng.bytes(32).hex() for _ in range(count)],
        "phash": [rng.bytes(8).hex() for _ in range(count)],
    }
    types = GOLD_IMAGES.schema.create_empty().schema
    every = {name: pl.Series(drawn[name], dtype=types[name]) for name in drawn}
    usual = {
        "format": "JPEG",
        "encoder": "builtin",
        "model_version": "head-1",
        "recipe_version": "r",
        "input_version": "i",
    }
    rows = pl.DataFrame(every).with_columns(**{name: pl.lit(value) for name, value in usual.items()})
    rest = [pl.lit(None, dtype=types[name]).alias(name) for name in types if name not in rows.columns]
    return rows.with_columns(rest).select(list(types))


def _scan(tables: ParquetTables) -> pl.LazyFrame:
    return pl.scan_parquet([tables.store.uri(key) for key in tables.files(GOLD_IMAGES.name)])


def newest_of_gold(tables: ParquetTables) -> pl.DataFrame:
    """The newest page: every image that is shown, in order, and the rows of the first."""
    canonical = pl.coalesce("canonical_id", "image_id")
    found = _scan(tables).select("image_id", "uploaded_at", "canonical_id", "state").collect(engine="streaming")
    found = found.filter(pl.col("state") != "blocked").with_columns(canonical=canonical)
    found = found.sort(pl.col("canonical") != pl.col("image_id"), "image_id").unique(
        "canonical", keep="first", maintain_order=True
    )
    ids = found.sort("uploaded_at", "image_id", descending=[True, False]).head(PAGE).get_column("image_id")
    return (
        _scan(tables)
        .filter(pl.col("image_id").is_in(ids.implode()))
        .select("image_id", *SHOWN)
        .collect(engine="streaming")
    )


def facets_of_gold(tables: ParquetTables) -> list[pl.DataFrame]:
    """Every facet, of copies and originals together."""
    columns = [name for name in FACETS if name not in {"tags", "dominant_colours"}]
    rows = _scan(tables).filter(pl.col("state") != "blocked").select(*columns, "tags").collect(engine="streaming")
    return [
        rows.explode(name).group_by(name).len() if name == "tags" else rows.group_by(name).len()
        for name in (*columns, "tags")
    ]


def record_of_gold(tables: ParquetTables, image_id: str) -> pl.DataFrame:
    """One image by its id."""
    return _scan(tables).filter(pl.col("image_id") == image_id).collect(engine="streaming")


def counted(gallery: Gallery, wanted: Wanted) -> object:
    """All facets, counted anew."""
    return count_facets(Gallery(gallery.tables, gallery.projection), wanted, FACETS, budget_s=60)


def page_of(gallery: Gallery, wanted: Wanted, order: Order = Order.NEWEST, after: str | None = None) -> object:
    """A page with its rows."""
    hits, _ = gallery.page(wanted, order, PAGE, after)
    return gallery.rows([hit.image_id for hit in hits], SHOWN)


def works(
    tables: ParquetTables, gallery: Gallery
) -> Iterator[tuple[str, Callable[[], object], Callable[[], object] | None]]:
    """What is measured: its name, by the gallery, and over gold."""
    every, dresses = Wanted(), Wanted((parse_condition("label=dress"),))
    mixed = Wanted(
        (parse_condition("tags=red"), parse_condition("dominant_colours=blue"), parse_condition("label!=hat"))
    )
    shown = gallery.find(every).sort("day", "image_id", descending=[True, False])
    image_id, day = shown.row(min(4_999 * PAGE, shown.height // 2))
    deep = f"{datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1e6!r}_{image_id}"
    yield "newest page", lambda: page_of(gallery, every), lambda: newest_of_gold(tables)
    yield f"page {min(5_000, shown.height // 2 // PAGE):,}", lambda: page_of(gallery, every, after=deep), None
    yield "least sure page", lambda: page_of(gallery, every, Order.LEAST_SURE), None
    yield "newest page, one label", lambda: page_of(gallery, dresses), None
    yield "newest page, tag, colour and not a label", lambda: page_of(gallery, mixed), None
    yield f"{len(FACETS)} facets", lambda: counted(gallery, every), lambda: facets_of_gold(tables)
    yield f"{len(FACETS)} facets, one label", lambda: counted(gallery, dresses), None
    yield f"{len(FACETS)} facets, tag, colour and not a label", lambda: counted(gallery, mixed), None
    yield "where an image is", lambda: gallery.locate(ImageId(image_id)), lambda: record_of_gold(tables, image_id)
    yield "whether anything has changed", lambda: source_versions(tables, GalleryContent()), None
    yield "after a changed day", lambda: _changed(tables), None


def _changed(tables: ParquetTables) -> object:
    days = tables.days(GOLD_IMAGES.name)
    Path(tables.store.uri(table_key(GOLD_IMAGES.name, days[len(days) // 2]))).touch()
    return open_gallery(tables)


def timed(rounds: int, work: Callable[[], object]) -> Timing:
    """After one round that does not count."""
    work()
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Timing(statistics.median(walls) * 1e3, statistics.median(cpus) * 1e3)


def measured(tables: ParquetTables, rounds: int) -> list[str]:
    """The lines of the table."""
    wall, cpu = time.perf_counter(), time.process_time()
    gallery = open_gallery(tables)
    first = Timing((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3)
    size_mb = gallery.projection.path.stat().st_size / 1e6
    lines = [f"| first of all, {size_mb:.0f} MB | {first} | |"]
    for name, ours, theirs in works(tables, gallery):
        # A change is a second's work: a third of the rounds will do.
        ours_took = timed(max(1, rounds // 3) if name == "after a changed day" else rounds, ours)
        lines.append(f"| {name} | {ours_took} | {timed(max(1, rounds // 3), theirs) if theirs else ''} |")
        print(lines[-1], flush=True)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return [*lines, f"| most memory of the process, MB | {peak_mb:.0f} | |"]


def main() -> None:
    """Draw, measure, print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tables = ParquetTables(LocalObjectStore(Path(folder)))
        draw_gold(tables, asked.images, asked.days)
        lines = measured(tables, asked.rounds)
    if asked.write:
        head = [
            f"## The gallery of {asked.images:,} images of {asked.days} days",
            "",
            INTRODUCTION.format(rounds=asked.rounds),
        ]
        name = f"gallery {asked.images}"
        markers = f"<!-- {name}: written by benchmarks/gallery.py -->", f"<!-- /{name} -->"
        write_section(asked.write, markers, "\n".join([*head, "", "| | gallery | gold |", "|---|---:|---:|", *lines]))


if __name__ == "__main__":
    main()
