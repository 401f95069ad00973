"""Bring the vector index in line with the embeddings: only days whose file changed are read."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

import polars as pl

from image_assets.errors import SearchError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.usearch_index import UsearchParams
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_changes import DayChange, day_changes, fits, ghost_keys, missing_images
from image_assets.steps.vectors.index_store import (
    MEMBER_COLUMNS,
    IndexKind,
    IndexManifest,
    StoredIndex,
    empty_index,
    members_of,
    open_index,
    put_in_force,
    read_manifest,
    write_build,
)
from image_assets.steps.vectors.stored_vectors import StoredVectors, vectors_of

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
    started, vectors = time.monotonic(), vectors_of(tables, encoder)
    versions = vectors.versions
    manifest, members = _in_force(tables, encoder, params)
    changes = day_changes(vectors, manifest.days if manifest else {}, members, versions)
    kind = _kind_for(members.height + sum(change.growth for change in changes), params)
    if manifest is None or manifest.kind != kind:
        stored = empty_index(kind, encoder.dimension, params.usearch)
        changes = day_changes(vectors, {}, stored.members, versions)
        after = _build(vectors, _first(encoder, kind, manifest), stored, changes, versions)
    elif any(change.missing.len() or change.ghosts.size for change in changes):
        stored = open_index(tables.store, manifest, params.usearch, to_change=True)
        after = _build(vectors, manifest, stored, changes, versions)
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
    vectors: StoredVectors,
    before: IndexManifest,
    stored: StoredIndex,
    changes: Sequence[DayChange],
    versions: Mapping[str, str],
) -> IndexManifest:
    """Apply the changes and put the result in force as a build of its own."""
    ghosts = ghost_keys(changes)
    stored.index.remove(ghosts)
    members = [stored.members.filter(~pl.col("key").is_in(pl.Series(ghosts, dtype=pl.UInt64).implode()))]
    next_key = before.next_key
    for rows in vectors.read(missing_images(changes)):
        added = members_of(rows, next_key)
        stored.index.add(added.get_column("key").to_numpy(), rows.get_column("embedding").to_numpy())
        members.append(added)
        next_key += rows.height
    after = StoredIndex(stored.index, pl.concat(members))
    manifest = replace(
        before, build=uuid4().hex, former=before.build, vectors=len(after.index), next_key=next_key, days=versions
    )
    manifest = replace(manifest, size_bytes=write_build(vectors.tables.store, manifest, after))
    put_in_force(vectors.tables.store, manifest)
    return manifest
