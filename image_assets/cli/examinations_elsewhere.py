"""What `doctor` examines beyond the lake: events, PostgreSQL, Delta tables, a cluster of Ray, migrated sources."""

from image_assets.compute.opening import refuse_without_ray
from image_assets.lake.opening import open_place
from image_assets.lake.sources.record import read_sources
from image_assets.models.encoders.checkpoint_description import describe_checkpoint
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.opening import open_objects
from image_assets.settings import PREFIX, Settings


def examine_events(settings: Settings) -> str:
    """Count what waits in the queue, and what was set aside."""
    if not settings.events_queue:
        return f"days are listed; {PREFIX}EVENTS_QUEUE names a queue"
    from image_assets.lake.events.storage_queue import StorageQueue

    queue = StorageQueue(settings.events_queue)
    waiting, (aside, _) = queue.count(), queue.list_aside()
    return f"{waiting} messages wait; {aside} were set aside{': image-assets events' if aside else ''}"


def examine_postgres(settings: Settings) -> str:
    """Do all that comes before the rows of a day, and take it back."""
    if not settings.postgres:
        return f"nothing is published there; {PREFIX}POSTGRES names a database"
    from image_assets.publishing.postgres.rehearsal import rehearse
    from image_assets.publishing.postgres.server import Postgres
    from image_assets.publishing.postgres.vector_column import VectorColumn

    encoder = describe_checkpoint(locate_checkpoint(settings.encoder, settings.encoder_revision))
    return rehearse(Postgres(settings.postgres), VectorColumn(settings.postgres_vectors, encoder.dimension))


def examine_delta(settings: Settings) -> str:
    """Open each table, and write and delete a file beside them."""
    if not settings.delta:
        return f"nothing is published so; {PREFIX}DELTA names a place"
    from image_assets.steps.publishing.delta_gold import examine_delta_place

    return examine_delta_place(settings.delta)


def examine_engine(settings: Settings) -> str:
    """Count what a cluster has, and compare what is installed on each of its nodes."""
    if settings.engine == "processes":
        return f"{settings.workers} processes of this machine; {PREFIX}ENGINE=ray has those of a cluster"
    refuse_without_ray()
    from image_assets.compute.cluster.roll_call import call_the_roll

    nodes = call_the_roll(is_lake_shared=settings.is_lake_shared)
    processors, gpus = sum(node.processors for node in nodes), sum(node.gpus for node in nodes)
    return f"{len(nodes)} nodes of a Ray cluster with the same versions: {processors} processors, {gpus} GPUs"


def examine_sources(settings: Settings) -> str:
    """See that each source is there whose files a run may still have to read."""
    sources = read_sources(open_objects(settings)).values()
    wanted = [each for each in sources if not each.is_final]
    for each in wanted:
        open_place(each.uri, settings.storage_params).check(each.signs)
    return f"{len(wanted)} sources are there; {len(sources) - len(wanted)} more may be away" if sources else "none"
