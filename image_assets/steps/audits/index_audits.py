"""What must be true of search: the index has every vector and no other, and what gold shows can be found."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from image_assets.errors import SearchError
from image_assets.ids import ImageId
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.usearch_index import UsearchParams
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.search.searched_lake import open_current_pool
from image_assets.steps.vectors.index_changes import day_changes, fits
from image_assets.steps.vectors.index_manifest import IndexManifest, read_manifest, way_out
from image_assets.steps.vectors.index_source import LakeIndex
from image_assets.steps.vectors.index_store import MEMBER_COLUMNS
from image_assets.steps.vectors.stored_vectors import StoredVectors, vectors_of
from image_assets.tables.gold import GOLD_IMAGES

_SAME = 0.999
"""Lowest score of an image with its own vector, in half precision."""


def audit_coverage(
    tables: ParquetTables, encoder: EncoderDescription, params: UsearchParams, before: datetime
) -> Audit:
    """The index has every current vector and no other; a day that changed after `before` is for the next refresh."""
    try:
        manifest = read_manifest(tables.store, encoder.name)
        if manifest is None or not fits(manifest, encoder):
            there_is = f"one of revision {manifest.revision}" if manifest else "none"
            problem = f"there should be an index of revision {encoder.revision}, there is {there_is}"
            return Audit(0, (f"{problem}; {way_out(encoder.name)}",))
        shards = LakeIndex(params).open(tables, manifest)
    except SearchError as error:
        return Audit(0, (str(error),))
    members = pl.concat([pl.DataFrame(schema=MEMBER_COLUMNS), *(shard.members for shard in shards)])
    problems = list(_differences(vectors_of(tables, encoder), manifest, members, before))
    for shard, opened in zip(manifest.shards, shards, strict=True):
        if not np.array_equal(opened.index.keys, shard.first_key + np.arange(shard.vectors)):
            problems.append(f"the keys of the index are not those of its members: shard {shard.name}")
    return Audit(members.height, tuple(problems))


def audit_searchable(
    tables: ParquetTables, encoder: EncoderDescription, params: UsearchParams, days: Sequence[date], before: datetime
) -> dict[date, Audit]:
    """Every image of the days that gold shows with a vector can be found, and the last of them is, among all others.

    What is measured are the seconds from the commit of its day's vectors to the hit, if they came after `before`.
    """
    shown = tables.scan(GOLD_IMAGES, ["image_id", "day"], days, pl.col("encoder") == encoder.name)
    if shown.is_empty():
        return {day: Audit(0, ()) for day in days}
    pool = open_current_pool(tables, encoder, read_manifest(tables.store, encoder.name), LakeIndex(params))
    lost = shown.join(pool.images, on="image_id", how="anti")
    problems = {day: [f"{image_id} cannot be found" for image_id in _ids(lost, day)] for day in days}
    seconds: dict[date, float] = {}
    for image_id, day in (
        shown.join(lost, on="image_id", how="anti").sort("day").tail(1).select("image_id", "day").rows()
    ):
        (nearest,) = pool.nearest(pool.vector_of(ImageId(image_id)), 1)
        if nearest.score < _SAME:
            problems[day].append(f"{image_id} is not found with its own vector: the nearest is {nearest.image_id}")
        committed_at = vectors_of(tables, encoder).arrived_at[day.isoformat()]
        if committed_at >= before:
            seconds[day] = (datetime.now(UTC) - committed_at).total_seconds()
    return {day: Audit(len(_ids(shown, day)), tuple(problems[day]), seconds.get(day)) for day in days}


def _ids(rows: pl.DataFrame, day: date) -> list[str]:
    return rows.filter(pl.col("day") == day).get_column("image_id").to_list()


def _differences(
    vectors: StoredVectors, manifest: IndexManifest, members: pl.DataFrame, before: datetime
) -> Iterator[str]:
    days, arrived_at = vectors.versions, vectors.arrived_at
    settled = {
        day: version for day, version in days.items() if arrived_at[day] < before or version == manifest.days.get(day)
    }
    gone = {str(day) for day in members.get_column("day").unique()} - days.keys()
    for change in day_changes(vectors, dict.fromkeys(gone, ""), members, settled):
        if change.missing.len():
            yield f"{change.day}: {change.missing.len()} vectors are not in the index, such as of {change.missing[0]}"
        if change.ghosts.size:
            yield f"{change.day}: {change.ghosts.size} vectors are in the index alone"
