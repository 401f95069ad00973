"""Bring the vector index in line with the embeddings: only days whose file changed are read, few shards are written."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import polars as pl

from image_assets.errors import DamagedIndexError, ObjectChangedError
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.usearch_index import UsearchParams
from image_assets.steps.vectors.index_changes import DayChange, day_changes, ghost_keys, missing_images
from image_assets.steps.vectors.index_found import FoundIndex, find_index
from image_assets.steps.vectors.index_manifest import IndexKind, IndexManifest, IndexShard, put_in_force
from image_assets.steps.vectors.index_store import empty_index, read_members, sweep_index
from image_assets.steps.vectors.index_tiers import TierParams, to_merge
from image_assets.steps.vectors.index_writing import IndexWriter
from image_assets.steps.vectors.stored_vectors import vectors_of


@dataclass(frozen=True, slots=True)
class IndexParams:
    """Which index is built.

    Attributes:
        exact_below: smaller pools are compared one by one, which is never wrong (measured: docs/benchmarks.md).
        usearch: for larger pools.
        tiers: how large shards grow.
        min_recall: share of the nearest that the index should find, 0 to 1.
        recall_queries: over how many images that is measured.
    """

    exact_below: int = 100_000
    usearch: UsearchParams = field(default_factory=UsearchParams)
    tiers: TierParams = field(default_factory=TierParams)
    min_recall: float = 0.98
    recall_queries: int = 100


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a refresh did: `days` were read; a vector that was replaced is both removed and added.

    Attributes:
        manifest: what is in force.
        days: whose files had changed.
        added: vectors that came.
        removed: vectors that went.
        moved: vectors that were there, and were written again in a larger shard.
        bytes_written: of vectors and members.
        is_rebuilt: whether nothing of the former index was of use.
        seconds: that it took.
    """

    manifest: IndexManifest
    days: int
    added: int
    removed: int
    moved: int
    bytes_written: int
    is_rebuilt: bool
    seconds: float = 0.0

    @property
    def outcome(self) -> str:
        """In words."""
        if self.is_rebuilt:
            return f"built anew: {self.added} vectors"
        return f"{self.added} added, {self.removed} removed" if self.added or self.removed else "unchanged"


def refresh_index(tables: ParquetTables, encoder: EncoderDescription, params: IndexParams) -> IndexReport:
    """Add, replace and remove what the days' files say; a change is in force as soon as it is complete.

    An index that is not there, of another encoder, or of the kind for another size of pool is built anew, and so is a
    part of it that is damaged. What another process changes at the same time is begun again.
    """
    started = time.monotonic()
    report = until_first(lambda: _refresh(tables, encoder, params))
    sweep_index(tables.store, encoder.name, report.manifest)
    return replace(report, seconds=time.monotonic() - started)


def _refresh(tables: ParquetTables, encoder: EncoderDescription, params: IndexParams) -> IndexReport:
    vectors = vectors_of(tables, encoder)
    versions = vectors.versions
    found = find_index(tables, encoder, versions)
    changes = day_changes(vectors, found.manifest.days, found.members, versions)
    kind = _kind_for(found.manifest.vectors + sum(change.growth for change in changes), params)
    if found.manifest.kind != kind:
        found = found.emptied(kind)
        changes = day_changes(vectors, {}, found.members, versions)
    kept, images = _planned(tables, found.manifest, changes, params)
    make = partial(empty_index, kind, encoder.dimension, params.usearch)
    after = _brought_up(IndexWriter(vectors, versions, make, params.tiers.largest), found, kept, images)
    before = {shard.name for shard in found.manifest.shards}
    return IndexReport(
        manifest=after,
        days=len(changes),
        added=sum(change.missing.len() for change in changes),
        removed=sum(change.ghosts.size for change in changes),
        moved=images.height - sum(change.missing.len() for change in changes),
        bytes_written=sum(shard.size_bytes + shard.member_bytes for shard in after.shards if shard.name not in before),
        is_rebuilt=found.is_new,
    )


def _brought_up(
    writer: IndexWriter, found: FoundIndex, kept: Sequence[IndexShard], images: pl.DataFrame
) -> IndexManifest:
    """What is in force then; nothing is written when it is in force already."""
    if images.height or [*kept] != [*found.manifest.shards]:
        return writer.write(found.manifest.with_shards(kept), found.version, images)
    after = replace(found.manifest, days=writer.versions)
    if after != found.stored:
        put_in_force(writer.vectors.tables.store, after, found.version)
    return after


def _planned(
    tables: ParquetTables, manifest: IndexManifest, changes: Sequence[DayChange], params: IndexParams
) -> tuple[list[IndexShard], pl.DataFrame]:
    """The shards that stay, and the images that new shards are to be made of: `image_id` and `day`."""
    ghosts, missing = ghost_keys(changes), missing_images(changes)
    shards = [shard.without(ghosts) for shard in manifest.shards]
    merged = to_merge(shards, missing.height, params.tiers)
    try:
        moved = [read_members(tables, manifest, shard).select("image_id", "day") for shard in merged]
    except DamagedIndexError as error:
        # Whole a moment ago: somebody has erased an image of it.
        raise ObjectChangedError(str(error)) from error
    return [shard for shard in shards if shard not in merged], pl.concat([missing, *moved])


def _kind_for(vectors: int, params: IndexParams) -> IndexKind:
    return "exact" if vectors < params.exact_below else "usearch"
