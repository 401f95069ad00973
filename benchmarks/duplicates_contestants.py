"""How near each image is to each original, by our steps and by imagededup."""

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from image_assets.compute.engine import SerialEngine
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import ImageEncoder
from image_assets.steps.duplicates.links import DuplicateParams, find_links
from image_assets.steps.duplicates.pair_decisions import as_photos, read_pair_decisions
from image_assets.steps.duplicates.pool import open_duplicate_pool
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.silver import derive_day
from image_assets.steps.vectors.embeddings import embed_day, embedding_target
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

Nearness = npt.NDArray[np.float32]
"""float32, files x originals: the larger, the more alike; minus infinity where they are not compared."""

PEER = Path(__file__).with_name("duplicates_imagededup.py")
DEFAULTS = DuplicateParams()
WIDEST_BITS = 14
# What is less alike is not looked at close up, which would take most of the time.
LEAST_LIKENESS = 0.5


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to tell copies.

    Attributes:
        name: of the way and of what is turned up and down.
        nearness: of each file to each original.
        default: nearness from which on they count as one photo, unless a user says otherwise.
    """

    name: str
    nearness: Nearness
    default: float


def clean(root: Path, days: Sequence[date], encoder: ImageEncoder) -> ParquetTables:
    """The lake with all that comparing needs."""
    tables = ParquetTables(LocalObjectStore(root))
    for day in days:
        take_in_day(tables, day, InspectParams(), SerialEngine(), chunk_size=512)
        derive_day(tables, day, DerivativeParams(), SerialEngine(), wanted=[SILVER_IMAGES], chunk_size=512)
        embed_day(tables, day, encoder, chunk_size=512)
    return tables


def ours(
    tables: ParquetTables, encoder: ImageEncoder, days: Sequence[date], files: Sequence[str], originals: int
) -> list[Contestant]:
    """Our steps, once with the distance of hashes turned up and down, once with the likeness."""
    links = _links(tables, encoder, days, replace(DEFAULTS, max_bits=WIDEST_BITS, min_likeness=LEAST_LIKENESS))
    is_like, is_near = pl.col("likeness") >= DEFAULTS.min_likeness, pl.col("distance_bits") <= DEFAULTS.max_bits
    by_bits = links.filter(is_like).select("file", "original", nearness=-pl.col("distance_bits").cast(pl.Float32))
    by_likeness = links.filter(is_near).select("file", "original", nearness="likeness")
    return [
        Contestant("ours, by bits", _matrix(by_bits, files, originals), -DEFAULTS.max_bits),
        Contestant("ours, by likeness", _matrix(by_likeness, files, originals), DEFAULTS.min_likeness),
    ]


def _links(tables: ParquetTables, encoder: ImageEncoder, days: Sequence[date], params: DuplicateParams) -> pl.DataFrame:
    """All pairs of a file and an original that come to a comparison of pixels."""
    images = pl.concat([tables.read(BRONZE_IMAGES, day).select("sha256", file="source_uri") for day in days])
    pool = open_duplicate_pool(tables, embedding_target(encoder.description), days[-1], params.max_bits)
    decisions = as_photos(read_pair_decisions(tables.store, days[-1]))
    _, links = find_links(pool, images["sha256"].unique(), decisions, params)
    originals = images.rename({"file": "original"})
    links = links.join(images, left_on="photo", right_on="sha256").join(originals, left_on="other", right_on="sha256")
    return links.with_columns(pl.col("file", "original").str.split("/").list.tail(3).list.join("/"))


def _matrix(links: pl.DataFrame, files: Sequence[str], originals: int) -> Nearness:
    place = {name: number for number, name in enumerate(files)}
    nearness = np.full((len(files), len(files)), -np.inf, dtype=np.float32)
    for file, other, value in links.iter_rows():
        # Links lead from later to earlier, and which of two originals is the later one is told by their ids.
        nearness[place[file], place[other]] = nearness[place[other], place[file]] = value
    return nearness[:, :originals]


def imagededup(python: str, landing: Path, files: Sequence[str], originals: int) -> list[Contestant]:
    """Its PHash and its CNN on the files below `landing`."""
    with tempfile.TemporaryDirectory() as folder:
        names, out = Path(folder) / "files.txt", Path(folder) / "codes.npz"
        names.write_text("\n".join(files))
        subprocess.run([python, str(PEER), "codes", str(landing), str(names), str(out)], check=True)
        codes = np.load(out)
        hashes, vectors = codes["hashes"], codes["vectors"]
    bits = np.bitwise_count(hashes[:, None] ^ hashes[:originals])
    return [
        Contestant("imagededup PHash", -bits.astype(np.float32), -10.0),
        Contestant("imagededup CNN", vectors @ vectors[:originals].T, 0.9),
    ]
