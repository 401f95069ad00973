"""What the duplicates of a day depend on: the content of the files of all days until it, digested once.

A small file of the lake remembers the digests, so that a new process does not read all days because of a new one.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import date
from functools import lru_cache

import polars as pl

from image_assets.errors import ObjectNotFoundError, StorageError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

ORIGINAL = ("image_id", "day", "uploaded_at", "sha256", "label")
CLEANSED = ("image_id", "phash", "is_near_uniform")
_VECTOR = ("image_id", "input_version", "recipe_version")
_KEPT = 1 << 15
_SHAPE = pl.Schema({"day": pl.Date, "key": pl.String, "version": pl.String, "digest": pl.String})


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What tells the content of a table's file of a day, as far as it matters here, from another."""

    day: date
    key: ObjectKey
    version: str
    digest: str

    @property
    def word(self) -> str:
        """The same while the content is, whatever wrote the file last."""
        return f"{self.key} {self.digest}"


def file_digests(tables: ParquetTables, embeddings: str, until: date) -> list[FileDigest]:
    """Of the files until a day of originals, cleansed images and these vectors; no image is searched for."""
    known = _remembered(tables)
    read = ((BRONZE_IMAGES.name, ORIGINAL), (SILVER_IMAGES.name, CLEANSED), (embeddings, _VECTOR))
    return [each for table, columns in read for each in _of_table(tables, table, columns, until, known)]


def remember(tables: ParquetTables, digests: Sequence[FileDigest]) -> None:
    """Keep the digests for other processes; where nothing can be written each makes them for itself."""
    known = _remembered(tables)
    found = {**known, **{each.key: each for each in digests}}
    if found == known:
        return
    buffer = io.BytesIO()
    pl.DataFrame([astuple(each) for each in found.values()], schema=_SHAPE, orient="row").write_parquet(buffer)
    with suppress(StorageError):
        tables.store.write(object_keys.DIGESTS, buffer.getvalue())


def _of_table(
    tables: ParquetTables, table: str, columns: tuple[str, ...], until: date, known: Mapping[ObjectKey, FileDigest]
) -> Iterator[FileDigest]:
    for day, files in tables.listed(table).items():
        for file in files if day <= until else ():
            former = known.get(file.key)
            is_as_it_was = former is not None and former.version == file.version
            digest = former.digest if former and is_as_it_was else _digest(tables, file.key, columns, file.version)
            yield FileDigest(day, file.key, file.version, digest)


@lru_cache(maxsize=_KEPT)
def _digest(tables: ParquetTables, key: ObjectKey, columns: tuple[str, ...], _version: str) -> str:
    rows = tables.scan_files([key], columns)
    return hashlib.blake2b(rows.write_csv().encode(), digest_size=8).hexdigest()


def _remembered(tables: ParquetTables) -> Mapping[ObjectKey, FileDigest]:
    """By key; a file that is damaged or of another shape is as good as none."""
    try:
        rows = pl.read_parquet(io.BytesIO(tables.store.read(object_keys.DIGESTS)))
    except (ObjectNotFoundError, pl.exceptions.PolarsError):
        return {}
    if rows.schema != _SHAPE:
        return {}
    return {row[1]: FileDigest(*row) for row in rows.iter_rows()}
