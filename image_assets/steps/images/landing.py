"""A day's uploads as they lie in the landing zone: files, and the sidecars that describe them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import starmap

from image_assets.errors import ObjectForbiddenError, ObjectNotFoundError
from image_assets.ids import ObjectKey, SourceUri
from image_assets.imaging.formats import ALLOWED_FORMATS, format_of
from image_assets.labels import normalise_name
from image_assets.lake import object_keys
from image_assets.lake.litter import is_litter
from image_assets.lake.lots import WHOLE, Lot
from image_assets.lake.object_store import ObjectInfo, ObjectStore
from image_assets.steps.images.registered import RegisteredFile, is_manifest, read_registered
from image_assets.steps.images.sidecar import names_file

_SIDECAR = ".json"
# As `uploads.landing_key` names files.
_SIDECAR_OF_UPLOAD = re.compile(
    r".*/(?P<file>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.[a-z0-9]{1,5})?)\.json", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class LandingFile:
    """One uploaded file.

    Attributes:
        source_uri: its key, percent-encoded.
        folder_user: the first folder below the day; None for a file right below the day.
        name: the file's name as text; bytes that are not UTF-8 are replaced.
        size_bytes: as listed.
        modified_at: as listed.
        arrived_at: when it or its sidecar came to be here, whichever is later.
        version: of the file and its sidecar together.
        sidecar_uri: the sidecar's key, percent-encoded, if there is one.
        registered: of a file that stays at its source, the version of its bytes when it was registered.
        label: what the list of a migration says that it shows.
    """

    source_uri: SourceUri
    folder_user: str | None
    name: str
    size_bytes: int
    modified_at: datetime
    arrived_at: datetime
    version: str
    sidecar_uri: SourceUri | None
    registered: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class LandingDay:
    """All files of a day, and the source URIs that are no uploads.

    Attributes:
        files: the uploads.
        sidecars: what describes them.
        passed_over: what operating systems leave.
        awaiting: sidecars that an upload sent ahead: its file is on its way, or was when its service was killed.
    """

    files: tuple[LandingFile, ...]
    sidecars: frozenset[SourceUri]
    passed_over: frozenset[SourceUri]
    awaiting: frozenset[SourceUri] = frozenset()


def list_landing(store: ObjectStore, day: date, lot: Lot = WHOLE) -> LandingDay:
    """Everything below the day's folder; what is neither an upload's sidecar nor a manifest nor litter is an upload.

    So is what a manifest registers. So is a link, whatever it points to: it is not followed, so it will be rejected; be
    it in the place of the folder.

    Raises:
        TableError: a manifest is damaged.
    """
    listed, manifests = list[ObjectInfo](), list[ObjectInfo]()
    for info in store.list(object_keys.landing_prefix(day)):
        if is_manifest(info, day):
            manifests.append(info)
        elif lot.has(object_keys.source_uri_of(info.key)):
            listed.append(info)
    registered = starmap(RegisteredFile, read_registered(store, manifests).iter_rows())
    return landing_of(store, listed, (file for file in registered if lot.has(file.source_uri)))


def landing_of(store: ObjectStore, files: Iterable[ObjectInfo], registered: Iterable[RegisteredFile]) -> LandingDay:
    """The same of a day or a lot of which all files have been listed, and all registered files read."""
    listed = {info.key: info for info in files}
    found = {key: info for key, info in listed.items() if not is_litter(key)}
    sidecar_of = pair_sidecars(found)
    sidecars = frozenset(sidecar_of.values())
    awaiting = frozenset(key for key in found.keys() - sidecars if is_awaiting(store, key))
    uploads = [
        _landing_file(info, found[ObjectKey(sidecar_of[key])] if key in sidecar_of else None)
        for key, info in found.items()
        if key not in sidecars and key not in awaiting
    ]
    uploads += map(_registered_file, registered)
    return LandingDay(tuple(uploads), _uris(sidecars), _uris(listed.keys() - found.keys()), _uris(awaiting))


def is_awaiting(store: ObjectStore, key: ObjectKey) -> bool:
    """Whether what lies there without a file beside it is the sidecar of an upload that goes before its file."""
    named = _SIDECAR_OF_UPLOAD.fullmatch(key)
    if named is None:
        return False
    try:
        return names_file(store.read(key), named["file"])
    except (ObjectNotFoundError, ObjectForbiddenError):
        return False


def find_left_behind(store: ObjectStore, landing: LandingDay, known: Iterable[SourceUri]) -> frozenset[SourceUri]:
    """Sidecars of known uploads, accepted or rejected, that have left the landing zone without them.

    A picture is an upload, whatever it is called.
    """
    unpaired = {object_keys.key_of(file.source_uri) for file in landing.files if file.source_uri.endswith(_SIDECAR)}
    if not unpaired:
        return frozenset()
    sidecars = unpaired.intersection(pair_sidecars(unpaired.union(map(object_keys.key_of, known))).values())
    return _uris(key for key in sidecars if not _is_picture(store, ObjectKey(key)))


def _is_picture(store: ObjectStore, key: ObjectKey) -> bool:
    try:
        return format_of(store.read(key)) in ALLOWED_FORMATS
    except (ObjectNotFoundError, ObjectForbiddenError):
        return False


def landing_days(store: ObjectStore) -> set[date]:
    """Days that have uploads."""
    days = {object_keys.landing_day_of(info.key) for info in store.list(object_keys.LANDING) if not is_litter(info.key)}
    return {day for day in days if day}


def pair_sidecars(names: Iterable[str]) -> dict[str, str]:
    """Each file that has a sidecar, with its sidecar; how accents are encoded may differ between the two.

    A sidecar of a sidecar is no sidecar: nothing would read it, so it counts as an upload.
    """
    known, alike = set(names), dict[str, list[str]]()
    # Only what is not ASCII can be encoded in two ways.
    for name in sorted(name for name in known if not name.isascii()):
        alike.setdefault(normalise_name(name), []).append(name)

    def subject_of(name: str) -> str | None:
        stem = name.removesuffix(_SIDECAR)
        if stem == name:
            return None
        fitting = [stem] if stem in known else alike.get(normalise_name(stem), [])
        return fitting[0] if len(fitting) == 1 and subject_of(fitting[0]) is None else None

    endings = sorted(name for name in known if name.endswith(_SIDECAR))
    subjects = [(subject, name) for name in endings if (subject := subject_of(name))]
    exact = {subject: name for subject, name in subjects if name == subject + _SIDECAR}
    return {**{subject: name for subject, name in subjects if subject not in exact}, **exact}


def _uris(keys: Iterable[str]) -> frozenset[SourceUri]:
    return frozenset(object_keys.source_uri_of(ObjectKey(key)) for key in keys)


def _landing_file(info: ObjectInfo, sidecar: ObjectInfo | None) -> LandingFile:
    _, day, *parts = info.key.split("/")
    return LandingFile(
        source_uri=object_keys.source_uri_of(info.key),
        folder_user=object_keys.name_as_text(parts[0]) if len(parts) > 1 else None,
        name=object_keys.name_as_text(parts[-1] if parts else day),
        size_bytes=info.size_bytes,
        modified_at=info.modified_at,
        arrived_at=max(info.arrived_at, sidecar.arrived_at) if sidecar else info.arrived_at,
        version=f"{info.version}+{sidecar.version}" if sidecar else info.version,
        sidecar_uri=object_keys.source_uri_of(sidecar.key) if sidecar else None,
    )


def _registered_file(file: RegisteredFile) -> LandingFile:
    """A file that lies elsewhere."""
    path = object_keys.key_of(file.source_uri)
    return LandingFile(
        source_uri=file.source_uri,
        folder_user=file.user_id,
        name=object_keys.name_as_text(path.rpartition("/")[2]),
        size_bytes=file.size_bytes,
        modified_at=file.uploaded_at,
        arrived_at=file.registered_at,
        version=f"{file.version}+{file.sidecar_version}" if file.sidecar_version else file.version,
        sidecar_uri=object_keys.source_uri_of(object_keys.sidecar_key(path)) if file.sidecar_version else None,
        registered=file.version,
        label=file.label,
    )
