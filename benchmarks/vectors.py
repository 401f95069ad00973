"""Finding the 10 nearest of many vectors: our indexes, brute force and the peers that are installed.

    python benchmarks/vectors.py [--vectors 100000] [--dimension 768] [--spread 1] [--only NAME …] [--write FILE]

Vectors are made to be like those of photos: they lie in clusters on a surface of few dimensions. Queries are drawn like
the vectors and are not among them. Each contestant has a process of its own, so that its memory is its own.
"""

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from page import write_section
from vectors_contestants import CONTESTANTS, Vectors, is_installed, seconds_of, title

COUNT, QUERIES, BLOCK = 10, 200, 50_000
LATENT, CLUSTERS, NOISE = 48, 2_000, 0.02
INTRODUCTION = """One process per contestant, on a machine that has other work: read ratios, and of those large ones.
pgvector is at its defaults (ef_search 40) with 4 GB of shared buffers; its memory is its server's and not counted.
1 % more: with saving, but for pgvector."""
COLUMNS = ["build s", "file MB", "memory MB", "p50 ms", "p95 ms", "recall@10", "among 10 % ms", "1 % more s"]


def draw(path: Path, rows: int, dimension: int, spread: float) -> None:
    """Unit vectors as one .npy file, a block at a time."""
    rng = np.random.default_rng(7)
    centres = rng.normal(size=(CLUSTERS, LATENT)).astype(np.float32)
    surface = rng.normal(size=(LATENT, dimension)).astype(np.float32) / LATENT**0.5
    target = np.lib.format.open_memmap(path, "w+", np.float32, (rows, dimension))
    for start in range(0, rows, BLOCK):
        count = min(BLOCK, rows - start)
        latent = centres[rng.integers(0, CLUSTERS, count)] + spread * rng.normal(size=(count, LATENT))
        block = latent.astype(np.float32) @ surface + NOISE * rng.normal(size=(count, dimension)).astype(np.float32)
        target[start : start + count] = block / np.linalg.norm(block, axis=1, keepdims=True)
    target.flush()


def nearest(vectors: Vectors, queries: Vectors, allowed: npt.NDArray[np.uint64] | None = None) -> list[set[int]]:
    """The right answer: keys of the nearest of each query, among the allowed ones."""
    best = np.full((len(queries), COUNT), -np.inf, np.float32)
    keys = np.zeros((len(queries), COUNT), np.int64)
    numbers = np.arange(len(vectors)) if allowed is None else allowed.astype(np.int64)
    for start in range(0, len(numbers), BLOCK):
        part = numbers[start : start + BLOCK]
        scores = np.concatenate([best, queries @ vectors[part].T], axis=1)
        names = np.concatenate([keys, np.broadcast_to(part, (len(queries), len(part)))], axis=1)
        top = np.argpartition(-scores, COUNT, axis=1)[:, :COUNT]
        best, keys = np.take_along_axis(scores, top, 1), np.take_along_axis(names, top, 1)
    return [set(row) for row in keys.tolist()]


def measured(name: str, file: Path, rows: int, dimension: int) -> list[float | None]:
    """A row of the table; runs in a process of its own."""
    everything = np.load(file, mmap_mode="r")
    vectors, more, queries = everything[:rows], everything[rows:-QUERIES], np.array(everything[-QUERIES:])
    allowed = np.arange(0, rows, 10, dtype=np.uint64)
    with tempfile.TemporaryDirectory() as folder:
        contestant = CONTESTANTS[name](Path(folder), dimension)
        build = seconds_of(lambda: contestant.build(vectors))
        file_mb, before = contestant.file_mb, _resident_mb()
        contestant.open()
        contestant.search(queries[0], COUNT)
        times, found = _timed(lambda query: contestant.search(query, COUNT), queries)
        memory = _resident_mb() - before
        right = nearest(vectors, queries)
        recall = sum(len(set(keys) & answer) for keys, answer in zip(found, right, strict=True)) / (COUNT * QUERIES)
        among = _optional(lambda: statistics.median(_timed(lambda q: contestant.among(q, COUNT, allowed), queries)[0]))
        added = _optional(lambda: seconds_of(lambda: contestant.add(np.array(more), rows)))
        contestant.close()
    p50, p95 = statistics.median(times), statistics.quantiles(times, n=20)[-1]
    return [build, file_mb, memory, p50 * 1e3, p95 * 1e3, recall, among and among * 1e3, added]


def _timed(search: Callable[[Vectors], list[int]], queries: Vectors) -> tuple[list[float], list[list[int]]]:
    times, found = [], []
    for query in queries:
        started = time.perf_counter()
        found.append(search(query))
        times.append(time.perf_counter() - started)
    return times, found


def _optional(work: Callable[[], float]) -> float | None:
    try:
        return work()
    except NotImplementedError:
        return None


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    """Draw, measure, print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=768)
    parser.add_argument("--spread", type=float, default=1.0, help="width of the clusters; wider is harder")
    parser.add_argument("--only", nargs="*", choices=CONTESTANTS)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    rows: dict[str, list[float | None]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vectors.npy"
        draw(file, asked.vectors + asked.vectors // 100 + QUERIES, asked.dimension, asked.spread)
        for name in asked.only or CONTESTANTS:
            if not is_installed(name):
                print(f"{name} is left out: it is not installed")
                continue
            with multiprocessing.get_context("spawn").Pool(1) as process:
                rows[name] = process.apply(measured, (name, file, asked.vectors, asked.dimension))
            print(_line(name, rows[name]), flush=True)
    if asked.write:
        section = _section(asked.vectors, f"{asked.dimension} dimensions, spread {asked.spread}", rows)
        name = f"vectors {asked.vectors}"
        write_section(asked.write, (f"<!-- {name}: written by benchmarks/vectors.py -->", f"<!-- /{name} -->"), section)


def _line(name: str, values: list[float | None]) -> str:
    cells = ["" if value is None else f"{value:.3f}" if value < 10 else f"{value:.0f}" for value in values]
    return f"| {name} | {' | '.join(cells)} |"


def _section(vectors: int, kind: str, rows: dict[str, list[float | None]]) -> str:
    head = [f"## The 10 nearest of {vectors:,} vectors of {kind}", "", INTRODUCTION, ""]
    table = [f"| | {' | '.join(COLUMNS)} |", "|---|" + "---:|" * len(COLUMNS)]
    return "\n".join([*head, *table, *(_line(title(name), values) for name, values in rows.items())])


if __name__ == "__main__":
    main()
