"""What the settings name, opened: the lake, the encoder, the search, and the stages of a day.

Belongs here: composing the floors below for whoever asks: the command line, Dagster, a service.
Stays out: printing, Dagster, requests.

What is opened is imported when it is: a command that asks for the lake alone waits for nothing else.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from image_assets.configuration import configured
from image_assets.lake.lake_mark import LakeGuard
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.opening import open_store, open_tables
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.address import RemoteRoot
from image_assets.settings import Settings

if TYPE_CHECKING:
    from image_assets.models.encoders.encoder import ImageEncoder
    from image_assets.models.encoders.lazy_encoder import LazyEncoder
    from image_assets.steps.questions.plan import PlannedStage
    from image_assets.steps.search.image_search import ImageSearch
    from image_assets.steps.upkeep.erasure import PublishedCopy
    from image_assets.steps.vectors.index_source import IndexSource


def open_lake(settings: Settings, guard: LakeGuard | None = None) -> ParquetTables:
    """The lake's tables; its objects are behind `tables.store`."""
    return open_tables(settings.lake_params, guard)


def open_objects(settings: Settings) -> ObjectStore:
    """The lake's objects, for who needs no table."""
    return open_store(settings.lake_params)


def open_encoder(settings: Settings) -> "LazyEncoder":
    """The encoder; torch is loaded when something has to be encoded."""
    from image_assets.models.encoders import lazy_encoder

    return lazy_encoder.open_encoder(settings.encoder, settings.encoder_revision, settings.placement)


def open_search(
    settings: Settings,
    encoder: "ImageEncoder | None" = None,
    *,
    patience_s: float = 0,
    guard: LakeGuard | None = None,
) -> "ImageSearch":
    """The search of the lake: with an encoder of its own, unless there is one; see `ImageSearch` on patience."""
    from image_assets.steps.search.image_search import ImageSearch

    return ImageSearch(
        open_lake(settings, guard),
        encoder or open_encoder(settings),
        limits=settings.inspect_params,
        source=open_index_source(settings),
        patience_s=patience_s,
    )


def open_index_source(settings: Settings) -> "IndexSource":
    """Where vectors are searched."""
    if settings.index_in == "lake" or not settings.postgres:
        from image_assets.steps.vectors.index_source import LakeIndex

        return LakeIndex(settings.index_params.usearch)
    from image_assets.publishing.postgres.server import Postgres
    from image_assets.steps.publishing.postgres_index import PostgresIndex

    return PostgresIndex(Postgres(settings.postgres), settings.postgres_vectors)


def published_copies(settings: Settings) -> "Sequence[PublishedCopy]":
    """Where an erasure has to go besides the lake."""
    copies: list[PublishedCopy] = []
    if settings.postgres:
        from image_assets.publishing.postgres.server import Postgres
        from image_assets.steps.publishing.postgres_copy import PostgresCopy

        copies.append(PostgresCopy(Postgres(settings.postgres)))
    if settings.delta:
        from image_assets.steps.publishing.delta_copy import DeltaCopy

        copies.append(DeltaCopy(settings.delta, settings.delta_keep_hours))
    from image_assets.steps.publishing.places import UnreachedCopy, remembered_places

    reached = {copy.place for copy in copies}
    missed = [place for place in remembered_places(open_objects(settings)) if place not in reached]
    return [*copies, *map(UnreachedCopy, missed), *_former_versions(settings)]


def _former_versions(settings: Settings) -> "Sequence[PublishedCopy]":
    """Of a lake and an archive in a cloud, which keeps more than it shows."""
    roots = [root for root in (settings.root, settings.archive_root) if isinstance(root, RemoteRoot)]
    if not roots:
        return []
    # The client of a cloud is an extra.
    from image_assets.lake.remote.remote_object_store import RemoteObjectStore
    from image_assets.steps.upkeep.former_versions import FormerVersions

    return [FormerVersions(RemoteObjectStore(root, settings.storage_params)) for root in roots]


def day_stages(settings: Settings, tables: ParquetTables) -> "list[PlannedStage]":
    """The steps of a day as the settings in force and the champion want them; no model is loaded."""
    from image_assets.models.captioning.lazy_captioner import open_captioner
    from image_assets.models.encoders.checkpoint_description import describe_checkpoint
    from image_assets.models.encoders.checkpoints import locate_checkpoint
    from image_assets.steps.classification.predictions import wanted_params, wanted_version
    from image_assets.steps.questions.stages import DayParams, daily_stages

    settings = configured(settings, tables.store)
    enrichment = settings.enrichment_params
    encoder = describe_checkpoint(locate_checkpoint(settings.encoder, settings.encoder_revision))
    captioner = (
        open_captioner(settings.captioner, settings.captioner_revision, settings.placement).description
        if enrichment.has_captioner
        else None
    )
    return daily_stages(
        DayParams(
            limits=settings.inspect_params,
            derivatives=settings.derivative_params,
            encoder=encoder,
            enrichment=enrichment,
            captioner=captioner,
            duplicates=settings.duplicate_params,
            predictions=wanted_params(tables, encoder, settings.prediction_params),
            model_version=wanted_version(tables, encoder, settings.class_names),
        )
    )
