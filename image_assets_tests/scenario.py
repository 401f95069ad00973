"""A lake with one day in it: files land under plain names, steps run by plain calls, rows come back as dictionaries.

Test modules reach it through the fixture `scenario` and import its name for annotations only, because a file
that pytest imports by its path cannot import its neighbours.
"""

import io
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from image_assets.compute.engine import Engine, SerialEngine
from image_assets.ids import ObjectKey
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.object_keys import landing_prefix, source_uri_of, table_key
from image_assets.lake.object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoder import Embeddings, EncoderDescription, ImageEncoder, RgbImage
from image_assets.steps.bronze import take_in_day
from image_assets.steps.embeddings import embed_day, table_of
from image_assets.steps.gold import curate_day
from image_assets.steps.increment import IncrementReport
from image_assets.steps.rejections import gather_rejections
from image_assets.steps.silver import DERIVED_TABLES, derive_day
from image_assets.steps.summary import summarise_day
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

DAY = date(2026, 10, 1)
CHUNK_SIZE = 16
COLOURS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "blue": (0.0, 0.0, 1.0)}

Row = dict[str, Any]


class ColourMeans:
    """Encodes a picture as its mean colour, and the name of a colour as that colour."""

    def __init__(self, name: str = "colour-means", revision: str = "1") -> None:
        self.description = EncoderDescription(name, revision, 4, 1, "none", "made in code")

    def encode_images(self, images: Sequence[RgbImage]) -> Embeddings:
        return _unit([(*image.mean(axis=(0, 1)) / 255, 0.1) for image in images])

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        return _unit([(*COLOURS[text], 0.1) for text in texts])


def _unit(rows: Sequence[Sequence[float]]) -> Embeddings:
    vectors = np.array(rows, dtype=np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


class HastyStore(LocalObjectStore):
    """A local store that does not wait for the disk: no test cuts the power."""

    __slots__ = ()

    def flush(self) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One day of a lake of its own."""

    root: Path
    day: date = DAY
    encoder: ImageEncoder = ColourMeans()

    @property
    def store(self) -> LocalObjectStore:
        return HastyStore(self.root)

    @property
    def tables(self) -> ParquetTables:
        return ParquetTables(self.store)

    def path(self, name: str) -> Path:
        """Where the upload of this name (`anna/dress.jpg`) lies; its folder is there."""
        path = self.root / landing_prefix(self.day) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def uri(self, name: str) -> str:
        return source_uri_of(ObjectKey(f"{landing_prefix(self.day)}/{name}"))

    def land(self, name: str, data: bytes, **sidecar: object) -> Path:
        """An upload, with a sidecar if there is something to say."""
        path = self.path(name)
        path.write_bytes(data)
        if sidecar:
            self.path(f"{name}.json").write_text(json.dumps(sidecar))
        return path

    def take_in(self, engine: Engine | None = None, limits: InspectParams | None = None) -> IncrementReport:
        limits = limits or InspectParams()
        return take_in_day(self.tables, self.day, limits, engine or SerialEngine(), chunk_size=CHUNK_SIZE)

    def derive(
        self,
        params: DerivativeParams | None = None,
        wanted: Collection[Table] = DERIVED_TABLES,
        engine: Engine | None = None,
    ) -> dict[str, IncrementReport]:
        reports = derive_day(
            self.tables,
            self.day,
            params or DerivativeParams(),
            engine or SerialEngine(),
            wanted=wanted,
            chunk_size=CHUNK_SIZE,
        )
        return {report.table: report for report in reports}

    def embed(self, encoder: ImageEncoder | None = None) -> IncrementReport:
        return embed_day(self.tables, self.day, encoder or self.encoder, batch_size=3, chunk_size=CHUNK_SIZE)

    @property
    def embeddings(self) -> Table:
        return table_of(self.encoder.description)

    def gather(self) -> bool:
        stages = [BRONZE_IMAGES.name, *(table.name for table in DERIVED_TABLES), self.embeddings.name]
        return gather_rejections(self.tables, self.day, stages)

    def curate(self) -> IncrementReport:
        return curate_day(self.tables, self.day, self.encoder.description.name, chunk_size=CHUNK_SIZE)

    def summarise(self) -> bool:
        return summarise_day(self.tables, self.day)

    def run(self, engine: Engine | None = None) -> None:
        """Every step of the day, in order."""
        self.take_in(engine)
        self.derive(engine=engine)
        self.embed()
        self.gather()
        self.curate()
        self.summarise()

    def rows(self, table: Table) -> list[Row]:
        return self.tables.read(table, self.day).to_dicts()

    def row(self, table: Table) -> Row:
        """The one row that there is."""
        (row,) = self.rows(table)
        return row

    def reasons(self, table: Table = BRONZE_IMAGES) -> dict[object, object]:
        """Why which item has no row in the table."""
        return {row["item"]: row["reason"] for row in self.rows(rejections_of(table))}

    def rewrite(self, table: Table, rows: pl.DataFrame) -> None:
        """Replace the day's file by hand, without any check."""
        with self.store.writing(table_key(table.name, self.day)) as path:
            rows.write_parquet(path)

    def files(self) -> dict[str, tuple[int, int]]:
        """Time and inode of every object, which change when one is written again."""
        found = [path for path in self.root.rglob("*") if path.is_file() and ".staging" not in path.parts]
        return {os.fspath(path.relative_to(self.root)): _stamp(path) for path in found}


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_ino


def paint(colour: str = "red", size: tuple[int, int] = (64, 48), kind: str = "JPEG", **options: object) -> bytes:
    """A picture of one colour with a white stripe on top, as a file."""
    image = Image.new("RGB", size, colour)
    image.paste("white", (0, 0, size[0], max(1, size[1] // 8)))
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
