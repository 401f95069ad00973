"""What there is of an index that can be brought up to date."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import polars as pl

from image_assets.errors import DamagedIndexError
from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_changes import changed_days, fits
from image_assets.steps.vectors.index_manifest import IndexKind, IndexManifest, read_manifest
from image_assets.steps.vectors.index_store import MEMBER_COLUMNS, damaged_shards, read_members

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundIndex:
    """An index without what is damaged.

    Attributes:
        manifest: of what is whole; of nothing when there is no index.
        stored: the manifest in force, if there is one that can be read.
        version: of its record, which the next one replaces; None when there is none.
        members: `MEMBER_COLUMNS` of the days whose files have changed since.
        is_new: whether nothing that was there is of use.
    """

    manifest: IndexManifest
    stored: IndexManifest | None
    version: str | None
    members: pl.DataFrame
    is_new: bool

    def emptied(self, kind: IndexKind) -> Self:
        """The same without vectors, to be searched in another way."""
        manifest = replace(self.manifest.with_shards(()), kind=kind, days={})
        return replace(self, manifest=manifest, members=_no_members(), is_new=True)


def find_index(tables: ParquetTables, encoder: EncoderDescription, versions: Mapping[str, str]) -> FoundIndex:
    """What is in force, as far as vectors of the encoder can be compared with it; `versions` are those of the days."""
    version = tables.store.version(object_keys.index_manifest_key(encoder.name))
    manifest = _fitting(tables, encoder)
    if manifest is None:
        return FoundIndex(_first(encoder), None, version, _no_members(), is_new=True)
    whole, members = _whole(tables, manifest, versions)
    return FoundIndex(whole, manifest, version, members, is_new=bool(manifest.shards) and not whole.shards)


def _fitting(tables: ParquetTables, encoder: EncoderDescription) -> IndexManifest | None:
    try:
        manifest = read_manifest(tables.store, encoder.name)
    except DamagedIndexError as error:
        _log.warning("the index is built anew: %s", error)
        return None
    return manifest if manifest and fits(manifest, encoder) else None


def _whole(
    tables: ParquetTables, manifest: IndexManifest, versions: Mapping[str, str]
) -> tuple[IndexManifest, pl.DataFrame]:
    """Without the shards that are damaged, and the members of the days that have changed."""
    is_changed = pl.col("day").is_in(pl.Series(changed_days(manifest.days, versions), dtype=pl.Date).implode())
    damaged = dict.fromkeys(damaged_shards(tables.store, manifest), "a file is gone, or not as it was written")
    members = [_no_members()]
    for shard in (each for each in manifest.shards if each.name not in damaged):
        try:
            members.append(read_members(tables, manifest, shard).filter(is_changed))
        except DamagedIndexError as error:
            damaged[shard.name] = str(error)
    for name, told in damaged.items():
        _log.warning("the index is built anew: its shard %s is damaged: %s", name, told)
    return _whole(tables, manifest.dropping(damaged), versions) if damaged else (manifest, pl.concat(members))


def _first(encoder: EncoderDescription) -> IndexManifest:
    """The manifest of an index without vectors."""
    return IndexManifest(
        encoder=encoder.name,
        revision=encoder.revision,
        recipe_version=embedding_target(encoder).recipe_version,
        dimension=encoder.dimension,
        kind="exact",
        build="",
        vectors=0,
        next_key=0,
        size_bytes=0,
        days={},
    )


def _no_members() -> pl.DataFrame:
    return pl.DataFrame(schema=MEMBER_COLUMNS)
