"""What the duplicates of a day depend on: the content of the files of all days until it, looked at once.

A file of the lake remembers it, so that a new process does not read all days because of a new one: of each file the
digest of what matters here, and the numbers by which its images are sought.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import lru_cache
from typing import Final

import polars as pl

from image_assets.errors import ObjectNotFoundError, StorageError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

ORIGINAL = ("image_id", "day", "uploaded_at", "sha256", "label")
CLEANSED = ("image_id", "phash", "is_near_uniform")
_VECTOR = ("image_id", "input_version", "recipe_version")

HASH: Final = pl.col("phash").str.to_integer(base=16, dtype=pl.UInt64)
"""A hash as the number by which a cleansed image is sought."""
SHOWS: Final = ~pl.col("is_near_uniform")
"""Whether it is sought at all: a picture that shows next to nothing is like every other one."""
BYTES: Final = pl.col("sha256").str.head(16).str.to_integer(base=16, dtype=pl.UInt64)
"""The number by which an original is sought: files of other bytes may share it."""

_READ: Final[Mapping[str, tuple[tuple[str, ...], pl.Expr]]] = {
    BRONZE_IMAGES.name: (ORIGINAL, BYTES),
    SILVER_IMAGES.name: (CLEANSED, HASH.filter(SHOWS)),
}
_KEPT = 1 << 15
_FILE = pl.Schema({"day": pl.Date, "key": pl.String, "version": pl.String})
_SHAPE = pl.Schema([*_FILE.items(), ("digest", pl.String()), ("sought", pl.List(pl.UInt64))])


def file_words(tables: ParquetTables, embeddings: str, until: date) -> pl.DataFrame:
    """`day` and `word` of the files until a day of originals, cleansed images and these vectors.

    A word is the same while the content is, whatever wrote the file last.
    """
    contents = _contents(tables, _names(embeddings), until, ["digest"])
    return contents.select("day", word=pl.format("{} {}", "key", "digest"))


def sought_files(tables: ParquetTables, table: str, until: date) -> pl.DataFrame:
    """`day`, `key` and `sought` of the files until a day of originals or of cleansed images."""
    return _contents(tables, [table], until, ["sought"])


def remember(tables: ParquetTables, embeddings: str, until: date) -> None:
    """Keep it for other processes; where nothing can be written each looks for itself.

    What is kept was there after the former memory was read, so that nothing stays of what an erasure has removed.
    """

    def attempt() -> None:
        version = tables.store.version(object_keys.DIGESTS)
        known = _remembered(tables, list(_SHAPE))
        found = _contents(tables, _names(embeddings), until, ["digest", "sought"])
        if not found.join(known, on=["key", "version"], how="anti").is_empty():
            kept = pl.concat([known.join(found, on="key", how="anti"), found])
            tables.store.write(object_keys.DIGESTS, _as_bytes(kept), over=version)

    with suppress(StorageError):
        until_first(attempt)


def forget(store: ObjectStore) -> None:
    """Begin anew: whoever remembers what was there before has another version in hand, and looks again."""
    store.write(object_keys.DIGESTS, _as_bytes(_SHAPE.to_frame()))


def _as_bytes(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()


def _names(embeddings: str) -> Sequence[str]:
    return BRONZE_IMAGES.name, SILVER_IMAGES.name, embeddings


def _contents(tables: ParquetTables, names: Sequence[str], until: date, columns: list[str]) -> pl.DataFrame:
    """Day, key, version and the wanted columns of each file, in the order of the tables and of their days."""
    days = [(day, files) for name in names for day, files in tables.listed(name).items() if day <= until]
    rows = [(day, each.key, each.version) for day, files in days for each in files]
    found = pl.DataFrame(rows, schema=_FILE, orient="row")
    known = _remembered(tables, [*_FILE, *columns])
    made = _made(tables, found.join(known, on=["key", "version"], how="anti")).select(known.columns)
    both = pl.concat([known, made]).drop("day").unique(["key", "version"])
    return found.join(both, on=["key", "version"], how="left", maintain_order="left")


def _made(tables: ParquetTables, files: pl.DataFrame) -> pl.DataFrame:
    contents = [_content(tables, ObjectKey(key), version) for _, key, version in files.iter_rows()]
    digests, sought = ([each[number] for each in contents] for number in (0, 1))
    return files.with_columns(pl.Series("digest", digests, pl.String), pl.Series("sought", sought, _SHAPE["sought"]))


@lru_cache(maxsize=_KEPT)
def _content(tables: ParquetTables, key: ObjectKey, _version: str) -> tuple[str, pl.Series]:
    columns, number = _READ.get(object_keys.table_of(key), (_VECTOR, None))
    rows = tables.scan_files([key], columns)
    digest = hashlib.blake2b(rows.write_csv().encode(), digest_size=8).hexdigest()
    numbers = rows.select(number.unique()).to_series() if number is not None else pl.Series([], dtype=pl.UInt64)
    return digest, numbers


def _remembered(tables: ParquetTables, columns: list[str]) -> pl.DataFrame:
    """A file that is damaged or of another shape is as good as none."""
    none = _SHAPE.to_frame().select(columns)
    try:
        rows = tables.scan_files([object_keys.DIGESTS], columns)
    except (ObjectNotFoundError, TableError):
        return none
    return rows if rows.schema == none.schema else none
