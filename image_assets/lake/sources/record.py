"""Where files lie that are registered in place: one record for all sources, so that one that was moved is told once."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Final, Literal

from image_assets.errors import ConfigurationError, TableError
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.records import read_record, write_record

ScanState = Literal["scanning", "publishing", "done"]
DatedBy = Literal["exif", "mtime", "path", "day"]
_REMEDY: Final = "restore it from a backup: it says where the originals of pending files lie"


@dataclass(frozen=True, slots=True)
class ScanTold:
    """What a person said of a scan; half a scan is only continued as it was begun.

    Attributes:
        dated_by: what says of which day a file is.
        day: all files are of that, where that is `day`.
        undated: the day of files of which nothing says it.
        user: whose files they are, unless the list says otherwise.
        listed: digest of the CSV with what is known of single files.
        most: files for one day.
    """

    dated_by: DatedBy
    undated: date
    user: str
    day: date | None = None
    listed: str | None = None
    most: int = 50_000


@dataclass(frozen=True, slots=True)
class Source:
    """A folder, or a prefix in a cloud, whose files are registered in place.

    Attributes:
        root: what its files are known by.
        uri: where it is.
        signs: by which it is known: a folder with none of them is another one.
        scan: number of the last scan.
        state: how far that is.
        told: how it was asked for.
        is_final: whether all its files were taken in, so that it may be away.
    """

    root: str
    uri: str
    signs: tuple[str, ...]
    scan: int
    state: ScanState
    told: ScanTold
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class _Record:
    sources: dict[str, Source] = field(default_factory=dict)


def read_sources(store: ObjectStore) -> Mapping[str, Source]:
    """Every source by its root; `TableError` when the record is damaged."""
    if not store.exists(object_keys.SOURCES):
        return {}
    return read_record(store, object_keys.SOURCES, _Record, TableError, _REMEDY).sources


def keep_source(store: ObjectStore, source: Source) -> Source:
    """Keep what is known of one source beside the others."""
    change_sources(store, lambda sources: {**sources, source.root: source})
    return source


def change_sources(store: ObjectStore, change: Callable[[Mapping[str, Source]], Mapping[str, Source]]) -> None:
    """Replace the record by what `change` makes of it; it survives a power cut."""

    def attempt() -> None:
        version = store.version(object_keys.SOURCES)
        write_record(store, object_keys.SOURCES, _Record(dict(change(read_sources(store)))), over=version)

    until_first(attempt)
    store.sync(object_keys.SOURCES)


def source_called(store: ObjectStore, name: str) -> Source:
    """The source of a root or an address; `ConfigurationError` for any other name."""
    sources = read_sources(store)
    found = sources.get(name) or next((each for each in sources.values() if each.uri == name), None)
    if found is None:
        known = ", ".join(f"{each.root} ({each.uri})" for each in sources.values()) or "none"
        raise ConfigurationError(f"{name!r} is no source; there are: {known}")
    return found


def as_told(told: ScanTold) -> str:
    """In words, for who has to say the same again."""
    return ", ".join(f"{name} {value}" for name, value in asdict(told).items() if value is not None)
