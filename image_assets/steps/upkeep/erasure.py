"""Erasure: one image goes, with everything that was made of it, and a certificate stays.

The certificate is begun first: from then on the door refuses the image. Then go the upload, or the word that registers
it where it lies, so that no run can take it in again, the original, what was made of it, what people said of it, its
rows, and last what is made anew from what is left: the day's report, indexes, the warehouse, the gallery. What was
published is removed then. Killed anywhere, do it again: it ends where one go would have ended.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

import polars as pl

from image_assets.errors import (
    ErasureBegunError,
    ImageAssetsError,
    ObjectChangedError,
    ObjectForbiddenError,
    ObjectKeptError,
    ObjectNotFoundError,
    StorageError,
    StoreUnavailableError,
    UnknownImageError,
)
from image_assets.ids import ImageId, ObjectKey, Sha256, SourceUri, image_id_of
from image_assets.lake import object_keys
from image_assets.lake.local_object_store import STAGING, is_locked_by_writer
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.duplicates.content import forget
from image_assets.steps.images.acceptances import acceptances_at
from image_assets.steps.images.certificates import certificates_of, copies_of, erased_ids
from image_assets.steps.images.landing import pair_sidecars
from image_assets.steps.images.receipts import find_pending, receipt_days
from image_assets.steps.migration.withdrawal import kept_at, withdraw
from image_assets.steps.vectors.index_erasing import forget_files
from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of
from image_assets.tables.upkeep import ERASED_COPIES, ERASURES

_CERTIFICATES = {ERASURES.name, ERASED_COPIES.name}
_GOES = 20
_LARGEST_RECORD = 2**20
_NAMING_COLUMNS = {"image_id", "item", "other_image_id"}
# A copy of the image names it too, on whatever day the copy came.
_DUPLICATES, _ORIGINAL_COLUMN = DUPLICATE_IMAGES.name, "canonical_id"
_SAID_BY_DAY = (
    object_keys.receipt_prefix,
    object_keys.review_prefix,
    object_keys.dismissal_prefix,
)
_DOOR = (BRONZE_IMAGES, rejections_of(BRONZE_IMAGES))
_DOOR_FOLDERS = tuple(f"{object_keys.TABLES}/{table.name}/" for table in _DOOR)


@dataclass(frozen=True, slots=True)
class Remains:
    """What there is of an image.

    Attributes:
        image_id: the image.
        day: of its upload.
        sha256: of its original, where known.
        objects: its files, in the order in which they go.
        rows: how many rows name it, by table file, in the order in which they go.
        derived: files that hold it among others and are made anew by the next run.
        days: whose tables the next run has to bring in line.
        registered: where it lies outside the lake, percent-encoded; that is not ours to change.
    """

    image_id: ImageId
    day: date
    sha256: Sha256 | None
    objects: tuple[ObjectKey, ...]
    rows: Mapping[ObjectKey, int]
    derived: tuple[ObjectKey, ...]
    days: tuple[date, ...]
    registered: tuple[SourceUri, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether the image is gone."""
        return not self.objects and not self.rows


def find_remains(tables: ParquetTables, image_id: ImageId) -> Remains:
    """Everything that the lake has of an image, pending, accepted or rejected, whole or half erased.

    Raises:
        UnknownImageError: no image ever had this id.
        StoreUnavailableError: runs moved its rows again and again while they were looked for.
    """

    def looked() -> Remains:
        try:
            return _remains(tables, image_id)
        except ObjectNotFoundError as error:
            # A run has merged a file into another, which was not there when files were listed.
            raise ObjectChangedError(str(error), key=error.key) from error

    return until_first(looked)


def _remains(tables: ParquetTables, image_id: ImageId) -> Remains:
    origins = _origins(tables, image_id)
    if origins.is_empty():
        raise UnknownImageError(f"no image has the id {image_id}; a new upload has one once its day has run")
    day, sha256 = origins["day"][0], next(iter(origins["sha256"].drop_nulls().to_list()), None)
    rows = dict(_rows(tables, image_id, day))
    return Remains(
        image_id=image_id,
        day=day,
        sha256=sha256,
        objects=tuple(_objects(tables, image_id, day, origins)),
        rows=rows,
        derived=tuple(_derived(tables, image_id, day)),
        days=tuple(sorted({day} | {other for key in rows if (other := object_keys.day_of(key))})),
        registered=_registered(origins),
    )


def twins_of(tables: ParquetTables, remains: Remains) -> tuple[ImageId, ...]:
    """Other images with the same bytes; they stay."""
    if not remains.sha256:
        return ()
    where = (pl.col("sha256") == remains.sha256) & (pl.col("image_id") != remains.image_id)
    return tuple(tables.scan(BRONZE_IMAGES, ["image_id"], where=where).get_column("image_id"))


@dataclass(frozen=True, slots=True)
class Reached:
    """What an erasure has done to a copy.

    Attributes:
        rows: that it removed.
        remains: what may hold the image there still, and for how long, in words; None for nothing that is known.
    """

    rows: int
    remains: str | None = None


class PublishedCopy(Protocol):
    """Where gold was published to."""

    @property
    def place(self) -> str:
        """What it is, to be told."""
        ...

    def erase(self, image_id: ImageId, day: date) -> Reached:
        """Remove an image of a day."""
        ...


def erase(
    tables: ParquetTables, remains: Remains, requested_by: str, copies: Sequence[PublishedCopy] = ()
) -> pl.DataFrame:
    """Remove what there is and what comes meanwhile, here and from copies, and return the certificate.

    That is a row of `erasures`, and one of `erased_copies` for each copy; it says that nothing is left when the last
    copy has been reached.

    Raises:
        ErasureBegunError: storage failed, a run that was under way wrote some of it again and again, or a copy was not
            reached; what is left goes when it is erased again.
    """
    _begin(tables, remains, requested_by)
    for uri in remains.registered:
        place, told = kept_at(tables.store, uri)
        _note_copy(tables, place, remains, Reached(0, told))
    try:
        return _end(tables, remains, copies)
    except StorageError as error:
        told = f"{remains.image_id} is shown to nobody from now on, and a part of it is left"
        raise ErasureBegunError(f"{told}: erase it again, or run {remains.day}, when this is over: {error}") from error


def _end(tables: ParquetTables, remains: Remains, copies: Sequence[PublishedCopy]) -> pl.DataFrame:
    for _ in range(_GOES):
        _remove(tables, remains)
        # People may have decided on it, and a run may have read it before it was gone.
        remains = find_remains(tables, remains.image_id)
        # A refresh may have read its vector before it was gone.
        is_indexed = any(key.startswith(f"{object_keys.INDEX}/") for key in remains.derived)
        if remains.is_nothing and not is_indexed:
            return _complete(tables, remains, sum(_erase_copy(tables, copy, remains) for copy in copies))
    raise StoreUnavailableError(f"a run wrote {remains.image_id} again meanwhile")


def finish_erasures(tables: ParquetTables, day: date) -> None:
    """End the erasures of a day that were cut off, and erase again what a run that was under way has brought back.

    Such a run had the image in hand, and commits after the erasure has looked for the last time. So this is called
    before a day's run builds on what is half gone, and after it has committed what others left to commit.
    """
    if tables.exists(ERASURES, day):
        is_open = tables.read(ERASURES, day).filter(pl.col("erased_at").is_null()).get_column("image_id")
        for image_id in dict.fromkeys([*map(ImageId, is_open), *came_back(tables, day)]):
            erase(tables, find_remains(tables, image_id), "")


def came_back(tables: ParquetTables, day: date) -> list[ImageId]:
    """Images whose erasure has begun or is done, and that have a row or a picture."""
    erased = erased_ids(tables, day)
    is_there = bool(erased) and tables.exists(BRONZE_IMAGES, day)
    there = {*tables.read_column(BRONZE_IMAGES.name, day, "image_id")} if is_there else set()
    return [image_id for image_id in erased if image_id in there or next(pictures_of(tables, image_id, day), None)]


def forget_erased(tables: ParquetTables, day: date) -> None:
    """Remove what a run has noted of uploads that an erasure took from under it: they were gone before they had an id.

    Such a row names a file of which nothing else may be known, and no image.
    """
    table = rejections_of(BRONZE_IMAGES)
    if not (tables.exists(ERASURES, day) and tables.exists(table, day)):
        return
    erased = dict(tables.read(ERASURES, day).select("image_id", "sha256").drop_nulls().iter_rows())
    nameless = tables.scan(table, ["source_uri"], [day], pl.col("image_id").is_null()).get_column("source_uri")
    gone = [uri for uri in nameless if any(image_id_of(uri, sha256) == name for name, sha256 in erased.items())]
    if gone:
        for key in tables.keys(table.name, day):
            tables.remove_rows(key, pl.col("image_id").is_null() & pl.col("source_uri").is_in(gone))


def _remove(tables: ParquetTables, remains: Remains) -> None:
    store = tables.store
    for uri in remains.registered:
        withdraw(tables, remains.day, uri, remains.sha256)
    # Of what writers keep locked, that of the dead; the living bring the certificates of others among other things.
    store.sweep()
    for key in remains.objects:
        _delete_for_good(store, key)
    store.flush()
    for key in remains.rows:
        # What a run has moved meanwhile is found where it is when the remains are looked for again.
        with suppress(ObjectNotFoundError):
            tables.remove_rows(key, _names(tables, key, remains.image_id))
    forget_files(store, remains.derived)
    forget(store)
    # A reader may have made the gallery meanwhile.
    for key in (*remains.derived, object_keys.GALLERY):
        _delete_for_good(store, key)
    store.flush()


def _delete_for_good(store: ObjectStore, key: ObjectKey) -> None:
    """With the snapshots that somebody took of it, which a cloud would keep it for."""
    try:
        store.delete(key)
    except ObjectKeptError:
        # Azure's client is an extra.
        from image_assets.lake.azure.former_versions import remove_snapshots

        remove_snapshots(store, key)
        store.delete(key)


def _origins(tables: ParquetTables, image_id: ImageId) -> pl.DataFrame:
    """Where it came from, as bronze, the rejections at the door, a certificate and a receipt know it."""
    is_it, columns = pl.col("image_id") == image_id, ["image_id", "day", "sha256"]
    taken_in = [tables.scan(table, [*columns, "source_uri"], where=is_it) for table in _DOOR]
    known = pl.concat([*taken_in, tables.scan(ERASURES, columns, where=is_it)], how="diagonal")
    return pl.concat([known, *_pending(tables, image_id, set(known["day"]))], how="diagonal")


def _pending(tables: ParquetTables, image_id: ImageId, days: Collection[date]) -> Iterator[pl.DataFrame]:
    """An upload that no run has taken in yet."""
    receipt = find_pending(tables.store, image_id, days or receipt_days(tables.store))
    if receipt is not None:
        told = {name: getattr(receipt, name) for name in ("image_id", "sha256", "source_uri")}
        yield pl.DataFrame({**told, "day": date.fromisoformat(receipt.day)})


def _objects(tables: ParquetTables, image_id: ImageId, day: date, origins: pl.DataFrame) -> Iterator[ObjectKey]:
    for uri, sha256 in origins.select("source_uri", "sha256").drop_nulls().unique().iter_rows():
        yield from _upload(tables, object_keys.key_of(SourceUri(uri)), sha256)
    yield from pictures_of(tables, image_id, day)
    for prefix in (*(prefix_of(day) for prefix_of in _SAID_BY_DAY), object_keys.PAIR_REVIEWS, object_keys.LEASES):
        yield from _named_after(tables, prefix, image_id)
    yield from acceptances_at(tables.store, day, origins["source_uri"].to_list())
    # What was answered, and what a process that was killed did not finish, is told by its text alone.
    yield from _telling_of(tables.store, object_keys.ANSWERS, image_id)
    yield from (key for key in _telling_of(tables.store, STAGING, image_id) if not is_locked_by_writer(key))


def pictures_of(tables: ParquetTables, image_id: ImageId, day: date) -> Iterator[ObjectKey]:
    """The original and what was made of it."""
    made = object_keys.silver_key(day, image_id), object_keys.thumbnail_key(image_id), object_keys.preview_key(image_id)
    yield from (key for key in made if tables.store.exists(key))
    yield from _named_after(tables, object_keys.bronze_prefix(day), image_id)


def _registered(origins: pl.DataFrame) -> tuple[SourceUri, ...]:
    uris = map(SourceUri, origins.get_column("source_uri").drop_nulls().unique(maintain_order=True))
    return tuple(uri for uri in uris if object_keys.place_of(object_keys.key_of(uri)))


def _upload(tables: ParquetTables, key: ObjectKey, sha256: str) -> Iterator[ObjectKey]:
    """The upload while it holds these bytes; its sidecar first, which alone would count as an upload."""
    store = tables.store
    if object_keys.place_of(key):
        return
    if store.exists(key) and hashlib.sha256(store.read(key)).hexdigest() == sha256:
        beside = pair_sidecars(info.key for info in store.list(key.rpartition("/")[0]))
        yield from (ObjectKey(each) for each in (beside.get(key), key) if each)


def _telling_of(store: ObjectStore, prefix: str, image_id: ImageId) -> Iterator[ObjectKey]:
    """Records that name the image; whoever asks for an answer again is answered anew."""
    for info in store.list(prefix):
        with suppress(ObjectNotFoundError, ObjectForbiddenError):
            if image_id.encode() in store.read_start(info.key, _LARGEST_RECORD):
                yield info.key


def _named_after(tables: ParquetTables, prefix: str, image_id: ImageId) -> Iterator[ObjectKey]:
    yield from (info.key for info in tables.store.list(prefix) if image_id in info.key)


def _rows(tables: ParquetTables, image_id: ImageId, day: date) -> Iterator[tuple[ObjectKey, int]]:
    """Files of the image's day, of all days in one, and of duplicates; those at the door go first.

    While the door has the image a run would make the rest anew; without it, a run would remove the rest.
    """
    files = [info.key for info in tables.store.list(object_keys.TABLES) if _may_name(info.key, day)]
    whole = [key for key in files if not _is_damaged_checkpoint(tables, key)]
    for key in sorted(whole, key=lambda key: (not key.startswith(_DOOR_FOLDERS), key)):
        count = tables.scan_files([key], where=_names(tables, key, image_id)).height
        if count:
            yield key, count


def _is_damaged_checkpoint(tables: ParquetTables, key: ObjectKey) -> bool:
    return f"/{object_keys.CHECKPOINTS}/" in key and not tables.is_parquet(key)


def _may_name(key: ObjectKey, day: date) -> bool:
    _, table, *rest = key.removesuffix(".parquet").split("/")
    is_of_all = table == _DUPLICATES or rest[-1:] == [object_keys.ALL_DAYS]
    return key.endswith(".parquet") and table not in _CERTIFICATES and (is_of_all or day.isoformat() in rest)


def _names(tables: ParquetTables, key: ObjectKey, image_id: ImageId) -> pl.Expr:
    """Whether a row of the file names the image."""
    columns = _NAMING_COLUMNS | ({_ORIGINAL_COLUMN} if f"/{_DUPLICATES}/" in key else set())
    naming = [pl.col(name).eq_missing(pl.lit(image_id)) for name in tables.file_schema(key) if name in columns]
    return pl.any_horizontal(naming) if naming else pl.lit(False)


def _derived(tables: ParquetTables, image_id: ImageId, day: date) -> Iterator[ObjectKey]:
    yield from (info.key for info in tables.store.list(object_keys.report_prefix(day)))
    chunks = tables.files(object_keys.CHECKPOINTS)
    yield from (key for key in chunks if _may_name(key, day) and _is_damaged_checkpoint(tables, key))
    yield from _indexes(tables, image_id)
    known = (object_keys.WAREHOUSE_VERSION, object_keys.WAREHOUSE, object_keys.GALLERY)
    yield from (key for key in known if tables.store.exists(key))


def _indexes(tables: ParquetTables, image_id: ImageId) -> Iterator[ObjectKey]:
    """Every folder of an index that has the image: a shard or a map, in force, retired or not in force yet."""
    files = [info.key for info in tables.store.list(object_keys.INDEX)]
    naming = [key for key in files if key.endswith(".parquet")]
    is_it = pl.col("image_id") == image_id
    folders = {key.rpartition("/")[0] for key in naming if tables.scan_files([key], ["image_id"], where=is_it).height}
    yield from (key for key in files if key.rpartition("/")[0] in folders)


def _begin(tables: ParquetTables, remains: Remains, requested_by: str) -> None:
    """Note what will go, beside what went before; an erasure that was cut off has noted it already."""
    former = next(iter(certificates_of(tables, remains.day, remains.image_id).to_dicts()), {})
    if former and (former["erased_at"] is None or remains.is_nothing):
        return
    row = {
        "image_id": remains.image_id,
        "day": remains.day,
        "sha256": remains.sha256,
        "requested_by": requested_by or former.get("requested_by", ""),
        "begun_at": former.get("begun_at", datetime.now(UTC)),
        "erased_at": None,
        "objects_removed": len(remains.objects) + len(remains.derived) + former.get("objects_removed", 0),
        "rows_removed": sum(remains.rows.values()) + former.get("rows_removed", 0),
    }
    _put(tables, remains, pl.DataFrame([row], schema=ERASURES.schema.create_empty().schema))


def _erase_copy(tables: ParquetTables, copy: PublishedCopy, remains: Remains) -> int:
    try:
        reached = copy.erase(remains.image_id, remains.day)
    except ImageAssetsError as error:
        # The lake comes first: what is elsewhere alone is found again, by the same word or by a run of the day.
        raise StoreUnavailableError(
            f"{remains.image_id} is gone from the lake and may be in {copy.place} still: erase it again; {error}"
        ) from error
    _note_copy(tables, copy.place, remains, reached)
    return reached.rows


def _note_copy(tables: ParquetTables, place: str, remains: Remains, reached: Reached) -> None:
    """Beside what was noted of other places; of this one what was removed before counts too."""
    known = copies_of(tables, remains.day, remains.image_id).filter(pl.col("place") == place)
    row = {
        "image_id": remains.image_id,
        "day": remains.day,
        "place": place,
        "rows_removed": reached.rows + int(known["rows_removed"].sum()),
        "remains": reached.remains,
        "reached_at": datetime.now(UTC),
    }
    rows = pl.DataFrame([row], schema=ERASED_COPIES.schema.create_empty().schema)
    is_it = (pl.col("image_id") == remains.image_id) & (pl.col("place") == place)

    def noted() -> pl.DataFrame:
        return pl.concat([tables.read_or_empty(ERASED_COPIES, remains.day).filter(~is_it), rows])

    tables.replace_if_changed(ERASED_COPIES, remains.day, noted)


def _complete(tables: ParquetTables, remains: Remains, rows_elsewhere: int) -> pl.DataFrame:
    row = certificates_of(tables, remains.day, remains.image_id)
    row = row.with_columns(
        pl.col("erased_at").fill_null(datetime.now(UTC)), pl.col("rows_removed") + pl.lit(rows_elsewhere, pl.UInt32)
    )
    _put(tables, remains, row)
    return row


def _put(tables: ParquetTables, remains: Remains, row: pl.DataFrame) -> None:
    def certificates() -> pl.DataFrame:
        others = tables.read_or_empty(ERASURES, remains.day).filter(pl.col("image_id") != remains.image_id)
        return pl.concat([others, row])

    tables.replace_if_changed(ERASURES, remains.day, certificates)
