"""What `doctor` examines: each returns its finding in words or raises with what to do."""

import shutil
import sys
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from image_assets.cli.examinations_elsewhere import (
    examine_delta,
    examine_engine,
    examine_events,
    examine_postgres,
    examine_sources,
)
from image_assets.cli.known_lake import refuse_empty_place
from image_assets.configuration import read_history
from image_assets.errors import ConfigurationError, StorageError, TableError
from image_assets.ids import ObjectKey
from image_assets.imaging.formats import ALLOWED_FORMATS, HAS_HEIC
from image_assets.lake import object_keys
from image_assets.lake.litter import is_litter
from image_assets.lake.remote.address import RemoteRoot
from image_assets.models.captioning.lazy_captioner import open_captioner
from image_assets.models.captioning.text_reader import reader_name
from image_assets.models.encoders.encoder import Placement, encoder_key
from image_assets.models.moderation.open_nsfw import open_nsfw_name
from image_assets.opening import open_lake, open_objects
from image_assets.settings import Settings
from image_assets.steps.audits.table_audits import audit_tables
from image_assets.steps.upkeep.scrub import damaged_originals
from image_assets.steps.vectors.embeddings import lake_tables

_LEAST_FREE_BYTES = 2 * 2**30
_SHOWN = 3


def examine_storage(settings: Settings) -> str:
    """Write, read and delete an object below the root."""
    refuse_empty_place(settings)
    store, key = open_objects(settings), ObjectKey(f".doctor-{uuid.uuid4().hex}")
    store.write(key, b"well")
    if store.read(key) != b"well":
        raise StorageError(f"{settings.root} gives back other bytes than were written: check the disk")
    store.delete(key)
    if isinstance(settings.root, RemoteRoot):
        return f"{settings.root} can be written"
    free = shutil.disk_usage(settings.root).free
    if free < _LEAST_FREE_BYTES:
        raise StorageError(f"only {free / 2**30:.1f} GiB are free at {settings.root}: make room")
    return f"{settings.root} can be written; {free / 2**30:.0f} GiB are free"


def examine_landing(settings: Settings) -> str:
    """Find files that lie outside the folder of any day, which no run would ever see."""
    prefix = f"{object_keys.LANDING}/"
    refuse_empty_place(settings)
    days: set[str] = set()
    strays: list[str] = []
    for info in open_objects(settings).list(object_keys.LANDING):
        if is_litter(info.key):
            continue
        folder, _, rest = info.key.removeprefix(prefix).partition("/")
        if rest and _is_day(folder, settings.start_day):
            days.add(folder)
        else:
            strays.append(info.key)
    if strays:
        advice = f"move them to landing/YYYY-MM-DD/USER/, {settings.start_day} or later"
        raise ConfigurationError(f"{len(strays)} files belong to no day, such as {strays[0]!r}: {advice}")
    return f"{len(days)} days have uploads; no file lies outside a day"


def examine_configuration(settings: Settings) -> str:
    """Read every version of what was set in the lake."""
    refuse_empty_place(settings)
    versions = read_history(open_objects(settings))
    if not versions:
        return "nothing is set in the lake"
    return f"version {versions[-1].version} sets {len(versions[-1].values)} settings; every version can be read"


def examine_tables(settings: Settings) -> str:
    """Read every column of every table file."""
    refuse_empty_place(settings)
    tables = open_lake(settings)
    audit = audit_tables(tables, lake_tables(tables, encoder_key(settings.encoder)))
    if audit.problems:
        more = f"; and {len(audit.problems) - _SHOWN} more" if len(audit.problems) > _SHOWN else ""
        raise TableError("; ".join(audit.problems[:_SHOWN]) + more)
    return f"{audit.files} table files can be read"


def examine_originals(settings: Settings) -> str:
    """Say of which days originals are known to be gone or damaged."""
    refuse_empty_place(settings)
    found = damaged_originals(open_lake(settings))
    if found:
        day = next(iter(found))
        raise StorageError(
            f"{sum(found.values())} originals of {len(found)} days are gone or damaged: image-assets repair --day {day}"
        )
    return "none is known to be gone or damaged; image-assets scrub reads them"


def examine_formats(_settings: Settings) -> str:
    """Name the formats that are read."""
    from image_assets.imaging.resample import HAS_FAST_IMAGE_RESIZE

    heic = "" if HAS_HEIC else '; HEIC is not: pip install "image-assets[heic]"'
    slowly = "" if HAS_FAST_IMAGE_RESIZE else "; small ones slowly, without cykooz-resizer"
    return f"{', '.join(sorted(ALLOWED_FORMATS))} are read{heic}{slowly}"


def examine_model(settings: Settings) -> str:
    """Load the encoder onto its device and run it once."""
    from image_assets.models.encoders.checkpoints import locate_checkpoint
    from image_assets.models.encoders.encoder_loading import load_encoder

    encoder = load_encoder(locate_checkpoint(settings.encoder, settings.encoder_revision), settings.placement)
    encoder.encode_texts(["a photo"])
    told, load = encoder.description, encoder.load
    return (
        f"{told.name} ({told.dimension} dimensions, revision {told.revision[:12]}) runs on {load.device} "
        f"in {load.precision}"
    )


def examine_enrichment(settings: Settings) -> str:
    """Read the vocabulary and the policies; find what captions and what reads text."""
    params = settings.enrichment_params
    if params.has_captioner:
        open_captioner(params.captioner, params.captioner_revision, Placement())
    terms, policies = sum(len(kind.terms) for kind in params.vocabulary.kinds), len(params.policies.policies)
    moderation = open_nsfw_name() if params.moderates_pictures else "vectors"
    reader = f"text by {reader_name()}" if params.reads_text else "text is not read"
    return f"{terms} tags, {policies} policies judged by {moderation}, captions by {params.captioner}, {reader}"


def examine_dagster(_settings: Settings) -> str:
    """Read Dagster's files whole, and open the instance."""
    from image_assets.orchestration.instance.dagster_home import find_dagster_home
    from image_assets.orchestration.instance.damage import describe_damage
    from image_assets.orchestration.instance.opening import open_instance

    folder = find_dagster_home().sqlite_folder
    if folder and (told := describe_damage(folder)):
        raise StorageError(told)
    with open_instance() as instance:
        return f"instance opens; {instance.get_runs_count()} runs so far"


def examine_tracking(settings: Settings) -> str:
    """Read the local record of trainings whole."""
    from image_assets.orchestration.instance.damage import describe_sqlite_damage

    file = settings.record_file
    if settings.mlflow_tracking_uri or not file.exists():
        return settings.mlflow_tracking_uri or "no training was recorded yet"
    without = "MLflow makes a new one and forgets its runs; the classifiers stay in the lake"
    if told := describe_sqlite_damage(file, without):
        raise StorageError(told)
    return f"{file} can be read"


def examine_python(_settings: Settings) -> str:
    """Name the interpreter."""
    return f"Python {sys.version.split()[0]} at {Path(sys.prefix)}"


def _is_day(text: str, start: date) -> bool:
    try:
        return date.fromisoformat(text) >= start and len(text) == len("2026-01-01")
    except ValueError:
        return False


EXAMINATIONS: Mapping[str, Callable[[Settings], str]] = {
    "Python": examine_python,
    "storage": examine_storage,
    "landing zone": examine_landing,
    "configuration": examine_configuration,
    "tables": examine_tables,
    "originals": examine_originals,
    "formats": examine_formats,
    "model and device": examine_model,
    "enrichment": examine_enrichment,
    "Dagster": examine_dagster,
    "trainings": examine_tracking,
    "events": examine_events,
    "PostgreSQL": examine_postgres,
    "Delta tables": examine_delta,
    "engine": examine_engine,
    "sources": examine_sources,
}
