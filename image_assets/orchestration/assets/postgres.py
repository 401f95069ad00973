"""Gold in PostgreSQL: what applications, notebooks and BI read."""

from datetime import date
from functools import partial

import dagster as dg
from pydantic import SecretStr

from image_assets.orchestration.daily import AssetRun, Daily
from image_assets.orchestration.keys import POSTGRES_GOLD, Group
from image_assets.orchestration.metadata.counts import Metadata
from image_assets.orchestration.partitions import days_of
from image_assets.publishing.postgres.server import Postgres
from image_assets.steps.publishing.postgres_gold import Publication, PublishedReport, PublishParams
from image_assets.steps.publishing.published_rows import CODE_VERSION
from image_assets.tables.embeddings import IMAGE_EMBEDDINGS
from image_assets.tables.enrichment import IMAGE_TAGS
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES

_READS = [GOLD_IMAGES.name, IMAGE_EMBEDDINGS, IMAGE_TAGS.name, BRONZE_IMAGES.name]


def postgres_assets(daily: Daily, url: SecretStr) -> list[dg.AssetsDefinition]:
    """`postgres_gold`, in the database that the settings name."""
    said = (
        "Gold with tags and vectors in PostgreSQL, in the tables images and image_tags: a day is there whole, or not."
    )
    kinds, version = {"postgres", "pgvector"}, str(CODE_VERSION)
    spec = daily.spec(POSTGRES_GOLD, said, group=Group.SERVING, kinds=kinds, deps=_READS, version=version)
    params = PublishParams(daily.settings.postgres_vectors, daily.settings.service_url)
    return [daily.asset(spec, partial(_postgres_gold, url, params), needs={"gpu"})]


def _postgres_gold(url: SecretStr, params: PublishParams, run: AssetRun, day: date) -> Metadata:
    days = days_of(run.context.partition_keys)
    publication = run.once(_begun, run, url, params)
    try:
        report = publication.publish(day)
    finally:
        # Whatever became of it: the days before it wait for their graph.
        is_built = day == days[-1] and publication.finish()
    return _described(publication.server.place, report, is_built)


def _begun(run: AssetRun, url: SecretStr, params: PublishParams) -> Publication:
    publication = Publication(Postgres(url), run.tables, run.gpu.description, params)
    publication.begin(days_of(run.context.partition_keys))
    return publication


def _described(place: str, report: PublishedReport, is_built: bool) -> Metadata:
    counts = {name: getattr(report.change, name) for name in ("added", "changed", "removed")}
    return {
        "outcome": dg.MetadataValue.text(report.outcome),
        "dagster/partition_row_count": dg.MetadataValue.int(report.images),
        **{name: dg.MetadataValue.int(count) for name, count in counts.items()},
        "vectors": dg.MetadataValue.int(report.vectors),
        "tags": dg.MetadataValue.int(report.tags),
        "seconds": dg.MetadataValue.float(round(report.seconds, 3)),
        "database": dg.MetadataValue.text(place),
        "graph_built": dg.MetadataValue.bool(is_built),
    }
