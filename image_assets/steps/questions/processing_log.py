"""How far each entry of the sources has come: the ledger's last word on it, and what the tables of its day say."""

from typing import Final

import polars as pl

from image_assets.errors import DamagedIndexError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sql import View
from image_assets.steps.vectors.index_manifest import read_manifest
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.migration import PROCESSING_LOG

_INDEXED_DAYS: Final = "indexed_days"
_SQL: Final = """
WITH later AS (
    SELECT root, path, max(scan) AS last FROM source_entries WHERE scan > 0 GROUP BY ALL
), known AS (
    SELECT source_entries.* FROM source_entries LEFT JOIN later USING (root, path)
    WHERE coalesce(scan = last, true) AND kind NOT IN ('sidecar', 'litter')
), refused AS (
    SELECT source_uri, any_value(reason) AS reason, any_value(detail) AS detail, any_value(image_id) AS image_id
    FROM rejected_images WHERE starts_with(source_uri, 'registered/') GROUP BY source_uri
), taken AS (
    SELECT source_uri, image_id FROM bronze_images WHERE starts_with(source_uri, 'registered/')
)
SELECT known.root, known.path,
    CASE WHEN known.kind = 'erased' THEN 'erased'
         WHEN known.kind <> 'image' OR refused.source_uri IS NOT NULL THEN 'failed'
         WHEN gold.image_id IS NOT NULL AND indexed_days.day IS NOT NULL THEN 'indexed'
         WHEN gold.image_id IS NOT NULL THEN 'ai_done'
         WHEN silver.image_id IS NOT NULL THEN 'processed'
         WHEN taken.image_id IS NOT NULL THEN 'uploaded'
         ELSE 'pending' END AS state,
    CASE WHEN known.kind NOT IN ('image', 'erased') THEN known.kind ELSE refused.reason END AS reason,
    coalesce(known.detail, refused.detail) AS detail, known.day,
    coalesce(taken.image_id, refused.image_id) AS image_id,
    known.source_uri, known.user_id, known.uploaded_at, known.size_bytes
FROM known
LEFT JOIN taken USING (source_uri)
LEFT JOIN refused USING (source_uri)
LEFT JOIN silver_images AS silver ON silver.image_id = taken.image_id
LEFT JOIN gold_images AS gold ON gold.image_id = taken.image_id
LEFT JOIN indexed_days ON indexed_days.day = known.day
"""
STATES_OF_SOURCES: Final = """
SELECT root, state, reason, count(*)::int AS files, sum(size_bytes)::bigint AS size_bytes
FROM processing_log GROUP BY ALL ORDER BY ALL
"""


def processing_log(tables: ParquetTables, encoder: str) -> View:
    """The view `processing_log`; of the encoder it is told whether its index has a day."""
    return View(PROCESSING_LOG.name, _SQL, {_INDEXED_DAYS: _indexed_days(tables, encoder)})


def _indexed_days(tables: ParquetTables, encoder: str) -> pl.DataFrame:
    """Days whose vectors are in the index in force as they are."""
    try:
        manifest = read_manifest(tables.store, encoder)
    except DamagedIndexError:
        # How far a file has come does not depend on it.
        manifest = None
    known, name = manifest.days if manifest else {}, embeddings_name(encoder)
    days = [day for day, version in tables.versions(name).items() if known.get(day.isoformat()) == version]
    return pl.DataFrame({"day": days}, schema={"day": pl.Date})
