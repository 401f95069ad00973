"""A scan: every entry of a source in turn, noted in the ledger unless an earlier scan has noted it as it is."""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote

from image_assets.errors import ObjectForbiddenError, ObjectNotFoundError
from image_assets.lake import object_keys
from image_assets.lake.sources.place import Found, SourcePlace
from image_assets.lake.sources.record import Source
from image_assets.steps.images.uploads import user_folder
from image_assets.steps.increment.read_ahead import map_ahead
from image_assets.steps.migration.content import Look, look_at
from image_assets.steps.migration.dating import date_file
from image_assets.steps.migration.day_book import DayBook
from image_assets.steps.migration.ledger import SHARD_ENTRIES, Known, Ledger, frame_of
from image_assets.steps.migration.listed import NOTHING, ListedFiles
from image_assets.steps.migration.tally import Tally
from image_assets.tables.migration import ERASED, REGISTERED

_AHEAD, _AT_ONCE = 64, 16
_FINAL_KINDS = {REGISTERED, "sidecar", "litter", "empty", "not_an_image"}
Row = tuple[Any, ...]
Seen = tuple[Found, Known | None, Look | None]


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan needs.

    Attributes:
        source: which, with what was told.
        place: where it is.
        days: gives files days.
        listed: what is known of single files.
        now: what is later has not come yet.
        erased: digests of images that were erased.
    """

    source: Source
    place: SourcePlace
    days: DayBook
    listed: ListedFiles | None
    now: datetime
    erased: Collection[str] = frozenset()


def scan_into(ledger: Ledger, scan: Scan, on_progress: Callable[[Tally], None], shard: int = SHARD_ENTRIES) -> Tally:
    """Bring the ledger to the end of the source, from wherever an earlier call was cut off; what it has then.

    Raises:
        ConfigurationError: no day up to today has room for the files.
        StoreUnavailableError: the source has gone meanwhile.
    """
    number = scan.source.scan
    tally = tally_of(ledger, number)
    rows = rows_of(scan, ledger.known(number), ledger.last_path(number), partial(_pass_over, tally, on_progress))
    for at, some in enumerate(_batches(rows, shard), start=len(ledger.shards(number))):
        # Of a source that has gone meanwhile, what was not found says nothing.
        scan.place.check(scan.source.signs)
        tally.add(ledger.put(number, at, some))
        on_progress(tally)
    scan.place.check(scan.source.signs)
    return tally


def try_scan(ledger: Ledger, scan: Scan, on_progress: Callable[[Tally], None]) -> Tally:
    """What `scan_into` would leave in the ledger; nothing is written."""
    number = scan.source.scan
    tally = tally_of(ledger, number)
    rows = rows_of(scan, ledger.known(number), ledger.last_path(number), partial(_pass_over, tally, on_progress))
    for some in _batches(rows, SHARD_ENTRIES):
        tally.add(frame_of(some))
        on_progress(tally)
    return tally


def tally_of(ledger: Ledger, number: int) -> Tally:
    """What the ledger has of a scan."""
    tally = Tally()
    for key in ledger.shards(number):
        tally.add(ledger.tables.scan_files([key]))
    return tally


def rows_of(scan: Scan, known: Iterator[Known], after: bytes, pass_over: Callable[[], None]) -> Iterator[Row]:
    """A row of the ledger for every entry behind a path that is new or has changed; the others are passed over."""
    pairs = paired(scan.place.entries(after), known)
    is_exif_wanted = scan.source.told.dated_by == "exif"

    def look(pair: tuple[Found, Known | None]) -> Seen:
        found, noted = pair
        if noted and _is_as_noted(scan, found, noted):
            return found, noted, None
        return found, noted, look_at(scan.place, found, is_exif_wanted=is_exif_wanted)

    seen = map_ahead(look, pairs, _AHEAD, _AT_ONCE) if scan.place.is_far else map(look, pairs)
    for found, noted, look_there in seen:
        if look_there is None or (noted and _says_the_same(found, noted, look_there)):
            pass_over()
        else:
            yield _row(scan, found, look_there, noted)


def paired(found: Iterable[Found], known: Iterator[Known]) -> Iterator[tuple[Found, Known | None]]:
    """Each entry with what is noted of its path; both come in the order of the paths."""
    ahead = next(known, None)
    for each in found:
        while ahead is not None and ahead.path < each.path:
            ahead = next(known, None)
        yield each, ahead if ahead is not None and ahead.path == each.path else None


def _pass_over(tally: Tally, on_progress: Callable[[Tally], None]) -> None:
    tally.unchanged += 1
    if tally.unchanged % SHARD_ENTRIES == 0:
        on_progress(tally)


def _batches(rows: Iterator[Row], most: int) -> Iterator[Sequence[Row]]:
    while some := list(islice(rows, most)):
        yield some


def _is_as_noted(scan: Scan, found: Found, noted: Known) -> bool:
    """Whether nothing is new about it; what another version of this program may read is looked at again."""
    if noted.kind == ERASED:
        return found.kind == "file" and _is_erased(scan, os.fsdecode(found.path))
    if found.kind != "file" or noted.kind not in _FINAL_KINDS or found.version != noted.version:
        return False
    path = os.fsdecode(found.path)
    return noted.kind != REGISTERED or scan.place.version(f"{path}.json") == noted.sidecar_version


def _is_erased(scan: Scan, path: str) -> bool:
    """By its bytes: others under the path of an image that was erased are another photo."""
    try:
        return hashlib.sha256(scan.place.read(path)).hexdigest() in scan.erased
    except (ObjectNotFoundError, ObjectForbiddenError):
        return True


def _says_the_same(found: Found, noted: Known, look: Look) -> bool:
    told = look.kind, look.detail, found.version, look.sidecar_version
    return told == (noted.kind, noted.detail, noted.version, noted.sidecar_version)


def _row(scan: Scan, found: Found, look: Look, noted: Known | None) -> Row:
    """In the order of the table's columns."""
    root, number = scan.source.root, scan.source.scan
    told = root, number, quote(found.path), look.kind, look.detail, found.size_bytes, found.version
    if look.kind != REGISTERED:
        return (*told, None, None, None, None, None, None, None)
    return (*told, *_registered(scan, found, look, noted))


def _registered(scan: Scan, found: Found, look: Look, noted: Known | None) -> Row:
    """What is registered stays in its day and under its name, whatever becomes of it."""
    listed = (scan.listed.told(found.path) if scan.listed else None) or NOTHING
    dated = date_file(found, look.head, scan.source.told, listed.uploaded_at, scan.now)
    if noted and noted.day and noted.source_uri:
        day, uri, user = noted.day, noted.source_uri, noted.user_id
    else:
        user = listed.user_id or scan.source.told.user
        day = scan.days.enter(dated.day)
        uri = _uri(scan, day, user, found)
    return day, uri, look.sidecar_version, user, dated.uploaded_at, dated.dated_by, listed.label


def _uri(scan: Scan, day: date, user: str, found: Found) -> str:
    key = object_keys.registered_key(day, user_folder(user), scan.source.root, os.fsdecode(found.path))
    return object_keys.source_uri_of(key)
