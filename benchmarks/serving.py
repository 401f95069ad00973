"""The service over HTTP on a drawn lake: start, lists, facets, records, searches and pages of thumbnails.

    python benchmarks/serving.py [--images 100000] [--days 30] [--rounds 60] [--vectors] [--write FILE]

Each question is asked by one client that keeps its connection. Beside the service stands what bounds it: the same
question answered in this process without HTTP, and for thumbnails a bare application with Starlette's own files.
Uploads are measured by uploads_over_http.py, predictions by inference_over_http.py.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import numpy as np
import polars as pl
import psutil
from gallery import draw_gold, page_of
from page import write_section

from image_assets.ids import ImageId
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_keys import table_key, thumbnail_key
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.checkpoint_description import describe_checkpoint
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.steps.search.gallery import Wanted, open_gallery
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.vector_index import IndexParams, refresh_index
from image_assets.tables.gold import GOLD_IMAGES

CONNECTIONS = 6
FACETS = "label,predicted_label,tag,colour,user,day,state,policy,needs_review"
LABELS = ["dress", "shirt", "hat", "bag", "coat", "skirt", "boot", "scarf"]
TEXTS = ["red dress", "blue shirt", "white shoes", "striped skirt", "black hat", "green bag"]
Ask: TypeAlias = Callable[[int], httpx.Response]
ENCODER = describe_checkpoint(locate_checkpoint("builtin", None))
BARE = """
import sys
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
root = sys.argv[1]
async def one(request):
    return FileResponse(f"{root}/{request.path_params['name']}")
import uvicorn
app = Starlette(routes=[Route("/file/{name:path}", one), Mount("/static", StaticFiles(directory=root))])
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", http="h11")
"""
INTRODUCTION = """Milliseconds of {rounds} questions each, one client, on a machine of 2 cores that has other work: read
ratios. Processor time is the service's. {images:,} images of {days} days; `bound` is the same question answered in one
process without HTTP, and for thumbnails a bare Starlette application (FileResponse / StaticFiles)."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one kind of question took, in milliseconds."""

    name: str
    p50: float
    p95: float
    cpu: float
    bound: str

    def __str__(self) -> str:
        return f"| {self.name} | {self.p50:.3g} | {self.p95:.3g} | {self.cpu:.3g} | {self.bound} |"


def draw_vectors(tables: ParquetTables) -> None:
    """A unit vector of the shipped encoder for every image, near to one of 2,000 centres; and their index."""
    rng, target = np.random.default_rng(7), embedding_target(ENCODER)
    centres = rng.normal(size=(2_000, ENCODER.dimension)).astype(np.float32)
    empty = target.table.schema.create_empty().schema
    for day in tables.days(GOLD_IMAGES.name):
        ids = tables.read_column(GOLD_IMAGES.name, day, "image_id")
        near = centres[rng.integers(0, len(centres), ids.len())]
        vectors = near + 0.6 * rng.normal(size=near.shape).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = pl.DataFrame({"image_id": ids, "embedding": pl.Series(vectors, dtype=empty["embedding"])}).with_columns(
            day=pl.lit(day),
            input_version=pl.lit("i" * 16),
            recipe_version=pl.lit(target.recipe_version),
            processed_at=pl.lit(datetime.now(UTC)),
        )
        with tables.store.writing(table_key(target.table.name, day)) as path:
            rows.select(list(empty)).write_parquet(path)
    report = refresh_index(tables, ENCODER, IndexParams())
    print(f"index of {report.manifest.vectors} vectors, {report.manifest.kind}: {report.seconds:.0f} s", flush=True)


def draw_bronze(tables: ParquetTables) -> None:
    """What a record tells of bronze."""
    for day in tables.days(GOLD_IMAGES.name):
        rows = tables.scan(GOLD_IMAGES, ["image_id", "day", "user_id", "sha256"], [day]).with_columns(
            source_uri=pl.format("landing/{}/{}", pl.lit(str(day)), "image_id"),
            raw_path=pl.format("bronze/{}", "image_id"),
            exif=pl.lit("{}"),
            sidecar_problem=pl.lit(None, dtype=pl.String),
        )
        with tables.store.writing(table_key("bronze_images", day)) as path:
            rows.write_parquet(path)


def draw_thumbnails(tables: ParquetTables, ids: Sequence[str]) -> None:
    """Files of 5.9 kB, the median of real thumbnails."""
    for number, image_id in enumerate(ids):
        tables.store.write(thumbnail_key(ImageId(image_id)), np.random.default_rng(number).bytes(5_900))


@contextmanager
def started(command: Sequence[str], folder: Path, url: str) -> Iterator[tuple[psutil.Process, float]]:
    """A server, and the seconds from its start to its first answer."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("IMAGE_ASSETS_")}
    settings = {"ROOT": str(folder), "RATE_LIMIT": "9999999/second", "RATE_LIMIT_ALL": "9999999/second"}
    began = time.perf_counter()
    with (folder / "serving.log").open("ab") as log:
        process = subprocess.Popen(
            command, env={**own, **{f"IMAGE_ASSETS_{k}": v for k, v in settings.items()}}, stdout=log, stderr=log
        )
    try:
        while True:
            try:
                httpx.get(url, timeout=60)
                break
            except httpx.TransportError:
                time.sleep(0.01)
        yield psutil.Process(process.pid), time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def asked(name: str, process: psutil.Process, rounds: int, ask: Ask, bound: str) -> Row:
    """Ask `rounds` times, after a few that do not count."""
    for number in range(3):
        ask(number).raise_for_status()
    before, took = sum(process.cpu_times()[:2]), []
    for number in range(rounds):
        began = time.perf_counter()
        ask(number).raise_for_status()
        took.append((time.perf_counter() - began) * 1e3)
    cpu = (sum(process.cpu_times()[:2]) - before) / rounds * 1e3
    row = Row(name, statistics.median(took), sorted(took)[int(len(took) * 0.95)], cpu, bound)
    print(row, flush=True)
    return row


def alone(work: Callable[[], object], rounds: int = 9) -> str:
    """Milliseconds of the same in this process: the median."""
    work()
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1e3)
    return f"{statistics.median(took):.3g}"


def questions(client: httpx.Client, ids: Sequence[str], *, has_vectors: bool) -> Iterator[tuple[str, Ask]]:
    """What is asked, and how; the number of the round varies what is asked for."""

    def get(path: str, **query: Any) -> httpx.Response:
        return client.get(path, params=query)

    def some(number: int) -> str:
        return ids[number * 7_919 % len(ids)]

    deep = client.get("/v1/images").json()["next_page_token"]
    for _ in range(4):
        deep = get("/v1/images", page_token=deep, page_size=200).json()["next_page_token"]
    yield "newest page of 60", lambda _: get("/v1/images")
    yield "page of one label", lambda number: get("/v1/images", label=LABELS[number % 8])
    yield "the page behind 860 images", lambda _: get("/v1/images", page_token=deep)
    yield "page with 9 facets", lambda _: get("/v1/images", facets=FACETS)
    yield "page with 9 facets, of a label", lambda number: get("/v1/images", facets=FACETS, label=LABELS[number % 8])
    yield "a record", lambda number: get(f"/v1/images/{some(number)}")
    if has_vectors:
        yield "by text, 20", lambda number: get("/v1/search", text=TEXTS[number % 6], page_size=20)
        yield (
            "by text, looks alone",
            lambda number: get("/v1/search", text=TEXTS[number % 6], page_size=20, words=False),
        )
        yield "like an image, 20", lambda number: get(f"/v1/images/{some(number)}/similar", page_size=20)


def reading_rows(
    url: str, process: psutil.Process, tables: ParquetTables, rounds: int, *, has_vectors: bool
) -> Iterator[Row]:
    """Lists, facets, records, searches."""
    gallery = open_gallery(tables)
    # What is blocked has no record that a list would name.
    ids = gallery.find(Wanted()).get_column("image_id").sort().to_list()
    bounds = {"newest page of 60": alone(lambda: page_of(gallery, Wanted()))}
    with httpx.Client(base_url=url, timeout=60) as client:
        for name, ask in questions(client, ids, has_vectors=has_vectors):
            yield asked(name, process, rounds, ask, bounds.get(name, ""))


def page_of_thumbnails(url: str, paths: Sequence[str], headers: Sequence[dict[str, str]]) -> list[str]:
    """A page over six connections, as browsers have them; the tags of the answers."""

    def some(number: int) -> list[tuple[int, str]]:
        with httpx.Client(base_url=url) as client:
            mine = range(number, len(paths), CONNECTIONS)
            return [(each, client.get(paths[each], headers=headers[each]).headers.get("etag", "")) for each in mine]

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return [tag for _, tag in sorted(pair for part in pool.map(some, range(CONNECTIONS)) for pair in part)]


def thumbnail_row(
    name: str, url: str, process: psutil.Process, paths: Sequence[str], rounds: int, *, again: bool
) -> Row:
    """A page of 60 thumbnails, the first time, or when the browser asks whether they have changed."""
    none = [{} for _ in paths]
    tags = page_of_thumbnails(url, paths, none)
    headers = [{"If-None-Match": tag} for tag in tags] if again else none
    before, took = sum(process.cpu_times()[:2]), []
    for _ in range(rounds):
        began = time.perf_counter()
        page_of_thumbnails(url, paths, headers)
        took.append((time.perf_counter() - began) * 1e3)
    cpu = (sum(process.cpu_times()[:2]) - before) / rounds / len(paths) * 1e3
    row = Row(name, statistics.median(took), sorted(took)[int(len(took) * 0.95)], cpu, "processor time is per picture")
    print(row, flush=True)
    return row


def thumbnail_rows(url: str, process: psutil.Process, tables: ParquetTables, rounds: int) -> Iterator[Row]:
    """Ours beside a bare application, by turns."""
    listed = httpx.get(f"{url}/v1/images", timeout=60).json()["items"]
    draw_thumbnails(tables, [image["image_id"] for image in listed])
    links = [image["links"]["thumbnail"] for image in listed]
    root = Path(tables.store.uri("thumbnail"))
    files = [f"{image['image_id'][:2]}/{image['image_id']}.webp" for image in listed]
    bare = [sys.executable, "-c", BARE, str(root), "8795"]
    static = [f"/static/{each}" for each in files]
    with started(bare, Path(tables.store.uri("x")).parent, "http://127.0.0.1:8795/") as (other, _):
        theirs = "http://127.0.0.1:8795"
        yield thumbnail_row("60 thumbnails", url, process, links, rounds, again=False)
        yield thumbnail_row("… FileResponse", theirs, other, [f"/file/{each}" for each in files], rounds, again=False)
        yield thumbnail_row("… StaticFiles", theirs, other, static, rounds, again=False)
        yield thumbnail_row("60 thumbnails, unchanged", url, process, links, rounds, again=True)
        yield thumbnail_row("… StaticFiles, unchanged", theirs, other, static, rounds, again=True)


def main() -> None:
    """Draw, serve, measure, print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--vectors", action="store_true", help="draw vectors too, and index them")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tables = ParquetTables(LocalObjectStore(Path(folder)))
        draw_gold(tables, given.images, given.days)
        draw_bronze(tables)
        if given.vectors:
            draw_vectors(tables)
        url = "http://127.0.0.1:8794"
        command = [sys.executable, "-m", "image_assets", "serve", "--port", "8794"]
        with started(command, Path(folder), f"{url}/health") as (process, seconds):
            imported = any("libtorch" in each.path for each in process.memory_maps())
            first = (
                f"| start to the first /health, s | {seconds:.2f} | | | torch {'is' if imported else 'is not'} loaded |"
            )
            print(first, flush=True)
            httpx.get(f"{url}/v1/images", timeout=600)
            rows = [
                *reading_rows(url, process, tables, given.rounds, has_vectors=given.vectors),
                *thumbnail_rows(url, process, tables, max(5, given.rounds // 4)),
            ]
            memory = f"| memory of the service, MB | {process.memory_info().rss / 1e6:.0f} | | | |"
    if given.write:
        head = [
            f"## The service over {given.images:,} images",
            "",
            INTRODUCTION.format(rounds=given.rounds, images=given.images, days=given.days),
            "",
            "| | p50 | p95 | CPU | bound |",
            "|---|---:|---:|---:|---:|",
        ]
        name = f"serving {given.images}"
        markers = f"<!-- {name}: written by benchmarks/serving.py -->", f"<!-- /{name} -->"
        write_section(given.write, markers, "\n".join([*head, first, *map(str, rows), memory]))


if __name__ == "__main__":
    main()
