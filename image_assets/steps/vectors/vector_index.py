"""Bring the vector index in line with the embeddings: only days whose file changed are read."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import uuid4

import numpy as np
import polars as pl

from image_assets.errors import SearchError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectInfo
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoder import EncoderDescription
from image_assets.search.usearch_index import UsearchParams
from image_assets.search.vector_index import Keys
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_store import (
    MEMBER_COLUMNS,
    IndexKind,
    IndexManifest,
    StoredIndex,
    empty_index,
    open_index,
    put_in_force,
    read_manifest,
    write_build,
)
from image_assets.tables.embeddings import embeddings_name

_AT_ONCE = 50_000
"""Vectors in memory beside the index."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IndexParams:
    """Which index is built.

    Attributes:
        exact_below: smaller pools are compared one by one, which is never wrong (measured: docs/benchmarks.md).
        usearch: for larger pools.
        min_recall: share of the nearest that the index should find, 0 to 1.
        recall_queries: over how many images that is measured.
    """

    exact_below: int = 100_000
    usearch: UsearchParams = field(default_factory=UsearchParams)
    min_recall: float = 0.98
    recall_queries: int = 100


@dataclass(frozen=True, slots=True)
class DayChange:
    """How a day's embeddings differ from what an index has of the day.

    Attributes:
        day: the day.
        missing: ids of images whose vector the index lacks, or has of another input.
        ghosts: sorted keys that the index should not have.
    """

    day: date
    missing: pl.Series
    ghosts: Keys

    @property
    def growth(self) -> int:
        """How many more vectors the index will have of the day."""
        return self.missing.len() - self.ghosts.size


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a refresh did: `days` were read; a vector that was replaced is both removed and added."""

    manifest: IndexManifest
    days: int
    added: int
    removed: int
    is_rebuilt: bool
    seconds: float

    @property
    def outcome(self) -> str:
        """In words."""
        if self.is_rebuilt:
            return f"built anew: {self.added} vectors"
        return f"{self.added} added, {self.removed} removed" if self.added or self.removed else "unchanged"


def refresh_index(tables: ParquetTables, encoder: EncoderDescription, params: IndexParams) -> IndexReport:
    """Add, replace and remove what the days' files say; the new build is swapped in when it is complete.

    An index that is not there, damaged, of another encoder, or of the kind for another size of pool is built anew.
    """
    started, versions = time.monotonic(), day_versions(tables, encoder.name)
    manifest, members = _in_force(tables, encoder, params)
    changes = day_changes(tables, encoder, manifest.days if manifest else {}, members, versions)
    kind = _kind_for(members.height + sum(change.growth for change in changes), params)
    if manifest is None or manifest.kind != kind:
        stored = empty_index(kind, encoder.dimension, params.usearch)
        changes = day_changes(tables, encoder, {}, stored.members, versions)
        after = _build(tables, encoder, _first(encoder, kind, manifest), stored, changes, versions)
    elif any(change.missing.len() or change.ghosts.size for change in changes):
        stored = open_index(tables.store, manifest, params.usearch, to_change=True)
        after = _build(tables, encoder, manifest, stored, changes, versions)
    else:
        after = replace(manifest, days=versions)
        if after != manifest:
            put_in_force(tables.store, after)
    return IndexReport(
        manifest=after,
        days=len(changes),
        added=sum(change.missing.len() for change in changes),
        removed=sum(change.ghosts.size for change in changes),
        is_rebuilt=manifest is None or manifest.kind != kind,
        seconds=time.monotonic() - started,
    )


def fits(manifest: IndexManifest, encoder: EncoderDescription) -> bool:
    """Whether vectors of the encoder can be compared with those of the index."""
    facts = (manifest.recipe_version, manifest.dimension)
    return facts == (embedding_target(encoder).recipe_version, encoder.dimension)


def embedding_files(tables: ParquetTables, encoder: str) -> dict[date, ObjectInfo]:
    """Each day's file of embeddings."""
    found = tables.store.list(f"{object_keys.TABLES}/{embeddings_name(encoder)}")
    return {day: info for info in found if (day := object_keys.day_of(info.key))}


def day_versions(tables: ParquetTables, encoder: str) -> dict[str, str]:
    """The version of each day's file of embeddings."""
    return {day.isoformat(): info.version for day, info in embedding_files(tables, encoder).items()}


def day_changes(
    tables: ParquetTables,
    encoder: EncoderDescription,
    known: Mapping[str, str],
    members: pl.DataFrame,
    versions: Mapping[str, str],
) -> list[DayChange]:
    """Differences of the days whose files are not of the `known` versions any more."""
    changed = {day for day, _ in known.items() ^ versions.items()}
    return [
        _day_change(tables, encoder, date.fromisoformat(day), members, is_there=day in versions)
        for day in sorted(changed)
    ]


def read_vectors(
    tables: ParquetTables, encoder: EncoderDescription, day: date, wanted: pl.Series
) -> Iterator[pl.DataFrame]:
    """`image_id`, `input_version` and `embedding` of images of a day, a bounded number at a time, sorted by id."""
    for start in range(0, wanted.len(), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE].sort()
        is_near = pl.col("image_id").is_between(pl.lit(part[0]), pl.lit(part[-1]))
        rows = _rows(tables, encoder, day, ["image_id", "input_version", "embedding"], is_near)
        is_all = rows.get_column("image_id").equals(part)
        yield rows if is_all else rows.filter(pl.col("image_id").is_in(part.implode()))


def _day_change(
    tables: ParquetTables, encoder: EncoderDescription, day: date, members: pl.DataFrame, *, is_there: bool
) -> DayChange:
    identity = ["image_id", "input_version"]
    known = members.filter(pl.col("day") == day)
    current = _rows(tables, encoder, day, identity) if is_there else known.clear().select(identity)
    missing = current.join(known, on=identity, how="anti").get_column("image_id").sort()
    ghosts = known.join(current, on=identity, how="anti").get_column("key").sort()
    return DayChange(day, missing, ghosts.to_numpy())


def _rows(
    tables: ParquetTables,
    encoder: EncoderDescription,
    day: date,
    columns: Sequence[str],
    where: pl.Expr | None = None,
) -> pl.DataFrame:
    """Rows of the encoder's own recipe: those of former weights cannot be compared with them."""
    key = object_keys.table_key(embeddings_name(encoder.name), day)
    is_current = pl.col("recipe_version") == embedding_target(encoder).recipe_version
    return tables.scan_files([key], columns, where=is_current if where is None else is_current & where).select(columns)


def _in_force(
    tables: ParquetTables, encoder: EncoderDescription, params: IndexParams
) -> tuple[IndexManifest | None, pl.DataFrame]:
    """The manifest of an index that can be brought up to date, and its members; none of either when it cannot."""
    try:
        manifest = read_manifest(tables.store, encoder.name)
        if manifest and fits(manifest, encoder):
            return manifest, open_index(tables.store, manifest, params.usearch, to_change=False).members
    except SearchError as error:
        _log.warning("the index is built anew: %s", error)
    return None, pl.DataFrame(schema=MEMBER_COLUMNS)


def _kind_for(vectors: int, params: IndexParams) -> IndexKind:
    return "exact" if vectors < params.exact_below else "usearch"


def _first(encoder: EncoderDescription, kind: IndexKind, former: IndexManifest | None) -> IndexManifest:
    """The manifest of an index without vectors."""
    return IndexManifest(
        encoder=encoder.name,
        revision=encoder.revision,
        recipe_version=embedding_target(encoder).recipe_version,
        dimension=encoder.dimension,
        kind=kind,
        build=former.build if former else "",
        former="",
        vectors=0,
        next_key=0,
        size_bytes=0,
        days={},
    )


def _build(
    tables: ParquetTables,
    encoder: EncoderDescription,
    before: IndexManifest,
    stored: StoredIndex,
    changes: Sequence[DayChange],
    versions: Mapping[str, str],
) -> IndexManifest:
    """Apply the changes and put the result in force as a build of its own."""
    ghosts = np.sort(np.concatenate([np.empty(0, np.uint64), *(change.ghosts for change in changes)]))
    stored.index.remove(ghosts)
    members = [stored.members.filter(~pl.col("key").is_in(pl.Series(ghosts, dtype=pl.UInt64).implode()))]
    next_key = before.next_key
    for rows in _gathered(_missing_rows(tables, encoder, changes)):
        added = rows.with_row_index("key", next_key).select(list(MEMBER_COLUMNS)).cast(MEMBER_COLUMNS)
        stored.index.add(added.get_column("key").to_numpy(), rows.get_column("embedding").to_numpy())
        members.append(added)
        next_key += rows.height
    after = StoredIndex(stored.index, pl.concat(members))
    manifest = replace(
        before, build=uuid4().hex, former=before.build, vectors=len(after.index), next_key=next_key, days=versions
    )
    manifest = replace(manifest, size_bytes=write_build(tables.store, manifest, after))
    put_in_force(tables.store, manifest)
    return manifest


def _missing_rows(
    tables: ParquetTables, encoder: EncoderDescription, changes: Sequence[DayChange]
) -> Iterator[pl.DataFrame]:
    for change in changes:
        for rows in read_vectors(tables, encoder, change.day, change.missing):
            yield rows.select("image_id", "input_version", "embedding", day=pl.lit(change.day))


def _gathered(parts: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Small days together: an index takes few large batches faster than many small ones."""
    waiting: list[pl.DataFrame] = []
    for part in parts:
        waiting.append(part)
        if sum(each.height for each in waiting) >= _AT_ONCE:
            yield pl.concat(waiting)
            waiting = []
    if waiting:
        yield pl.concat(waiting)
