"""Which source is meant, and whether its scan begins or goes on."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from image_assets.errors import ConfigurationError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.address import LakeRoot, RemoteRoot, parse_root
from image_assets.lake.sources.place import SourcePlace
from image_assets.lake.sources.record import ScanTold, Source, as_told, keep_source, read_sources
from image_assets.steps.migration.ledger import Ledger

_ROOT_BYTES: Final = 6


def uri_of(text: str) -> str:
    """A folder by its whole path, without links, or an address in a cloud.

    Raises:
        ConfigurationError: it is an address, and of no place; or no folder is there.
    """
    try:
        root = parse_root(text)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    if isinstance(root, RemoteRoot):
        return str(root)
    if not root.is_dir():
        raise ConfigurationError(f"{text} is no folder: name the folder with the photos")
    return str(root.resolve())


def refuse_overlap(uri: str, sources: Iterable[str], lake: Iterable[LakeRoot]) -> None:
    """No file has two names: a source is neither within another one, nor around it; nor is it with the lake's folders.

    Raises:
        ConfigurationError: it is; says which.
    """
    places = [str(root if isinstance(root, RemoteRoot) else root.resolve()) for root in lake]
    for other in (*(each for each in sources if each != uri), *places):
        if f"{uri}/".startswith(f"{other}/") or f"{other}/".startswith(f"{uri}/"):
            told = f"{uri} and {other} hold the same files, which would be registered twice"
            raise ConfigurationError(f"{told}: migrate the one that is known, or a folder beside it")


def refuse_nothing(uri: str, place: SourcePlace) -> None:
    """A source in which nothing is was spelt otherwise, or is not mounted.

    Raises:
        ConfigurationError: nothing is there.
        StorageError: it cannot be listed.
    """
    if next(iter(place.entries()), None) is None:
        raise ConfigurationError(f"nothing is at {uri}: is it spelt right, and mounted? Name where the photos lie")


def intended(tables: ParquetTables, uri: str, place: SourcePlace, told: ScanTold) -> Source:
    """The source as a scan would find it; nothing is kept.

    Raises:
        ConfigurationError: a scan that was told otherwise has not ended.
        StoreUnavailableError: another folder is in its place by now.
    """
    sources = read_sources(tables.store)
    known = next((each for each in sources.values() if each.uri == uri), None)
    if known is None:
        return Source(_new_root(uri, sources), uri, tuple(place.signs()), 0, "scanning", told)
    place.check(known.signs)
    if known.state == "done":
        signs = tuple(place.signs())
        return replace(known, signs=signs, scan=known.scan + 1, state="scanning", told=told, is_final=False)
    if known.told != told:
        told_before = f"a scan of {uri} has not ended, and was told {as_told(known.told)}"
        raise ConfigurationError(f"{told_before}: say the same again, or begin it anew: --anew")
    return known


def begin(tables: ParquetTables, source: Source) -> Source:
    """Keep that the scan has begun; nothing changes for one that goes on."""
    return keep_source(tables.store, source)


def begin_anew(tables: ParquetTables, uri: str) -> None:
    """Forget a scan that has not ended, so that it may be told otherwise.

    Raises:
        ConfigurationError: days were told of it already.
    """
    known = next((each for each in read_sources(tables.store).values() if each.uri == uri), None)
    if known is None or known.state == "done":
        return
    if known.state == "publishing":
        raise ConfigurationError(f"days were told of the scan of {uri} already: let it end, without --anew")
    Ledger(tables, known.root).forget(known.scan)
    keep_source(tables.store, replace(known, scan=known.scan - 1, state="done"))


def move(tables: ParquetTables, source: Source, uri: str, place: SourcePlace) -> Source:
    """The files of a source lie elsewhere by now, under the same paths.

    Raises:
        StoreUnavailableError: nothing there is as it was where the source was.
    """
    if not isinstance(parse_root(source.uri), RemoteRoot):
        place.check(source.signs)
    return keep_source(tables.store, replace(source, uri=uri, signs=tuple(place.signs())))


def finish(sources: Mapping[str, Source]) -> Mapping[str, Source]:
    """All that was registered is in: sources may be away."""
    return {root: replace(source, is_final=True) for root, source in sources.items()}


def _new_root(uri: str, sources: Mapping[str, Source]) -> str:
    """Of the address; another one where a source that was moved has that."""
    salts = (uri, *(f"{uri}\n{number}" for number in range(len(sources))))
    roots = (blake2b(each.encode(), digest_size=_ROOT_BYTES).hexdigest() for each in salts)
    return next(root for root in roots if root not in sources)
