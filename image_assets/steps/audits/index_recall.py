"""How much of what comparing every vector finds the index finds too."""

import numpy as np
import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.usearch_index import UsearchParams
from image_assets.search.vector_index import Scores
from image_assets.steps.vectors.index_changes import fits
from image_assets.steps.vectors.index_manifest import read_manifest
from image_assets.steps.vectors.index_source import LakeIndex
from image_assets.steps.vectors.index_store import MEMBER_COLUMNS, search_shards
from image_assets.steps.vectors.stored_vectors import vectors_of

_AS_NEAR = 1e-4
"""Scores that differ by less are equal: the index may keep half precision."""


def measure_recall(
    tables: ParquetTables, encoder: EncoderDescription, params: UsearchParams, *, queries: int, count: int = 10
) -> float | None:
    """The share of the `count` nearest that the index finds; None when it has no vectors.

    The queries are vectors of the index, evenly taken. What is as near as the last of the nearest is as good: of equal
    images any may be found.
    """
    manifest = read_manifest(tables.store, encoder.name)
    if manifest is None or not manifest.vectors or not fits(manifest, encoder):
        return None
    shards, count = LakeIndex(params).open(tables, manifest), min(count, manifest.vectors)
    members = pl.concat([pl.DataFrame(schema=MEMBER_COLUMNS), *(shard.members for shard in shards)]).sort("day")
    vectors = vectors_of(tables, encoder)
    sample = vectors.read_whole(members.gather_every(-(-members.height // queries))).get_column("embedding").to_numpy()
    best = np.empty((len(sample), 0), dtype=np.float32)
    for rows in vectors.read(members):
        scores = sample @ rows.get_column("embedding").to_numpy().T
        best = _best_scores(np.concatenate([best, scores], axis=1), count)
    least = best.min(axis=1) - _AS_NEAR
    found = [search_shards(shards, query[None], count).scores for query in sample]
    return float(np.mean([(scores >= worst).sum() / count for scores, worst in zip(found, least, strict=True)]))


def _best_scores(scores: Scores, count: int) -> Scores:
    best: Scores = np.partition(scores, -count, axis=1)[:, -count:] if scores.shape[1] > count else scores
    return best
