"""Files that come in piece by piece: hashed while they are written aside, and landed durably when they are whole.

First the receipt, then the sidecar, then the file. A file is in the lake once it has its name, with what was said of
it; whatever a kill leaves before that is known for what it is: staged bytes, a receipt without its file, a sidecar
that names the file it waits for.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from image_assets.errors import ImageError, RejectionReason, StoreFullError
from image_assets.ids import ObjectKey, Sha256, image_id_of
from image_assets.imaging.announced import HEAD_BYTES, check_head
from image_assets.imaging.inspect import InspectParams, check_size
from image_assets.labels import normalise_label
from image_assets.lake import object_keys
from image_assets.lake.object_store import ANY_VERSION, ObjectStore, StagedObject
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.records import write_record
from image_assets.steps.images.certificates import erased_ids
from image_assets.steps.images.receipts import Receipt, receipt_days, settle_receipts
from image_assets.steps.images.sent_ahead import clear_sent_ahead
from image_assets.steps.images.uploads import UploadFacts, check_texts, is_landed, landing_key, tell

_LEAST_FREE: Final = 0.05
_DAY: Final = timedelta(days=1)


def check_room(store: ObjectStore) -> None:
    """Refuse uploads while there is room for the runs that take in what has come already.

    Raises:
        StoreFullError: less than a twentieth of the storage is free.
    """
    free = store.free_ratio()
    if free < _LEAST_FREE:
        told = f"{free:.1%} of the lake's disk is free, and uploads need {_LEAST_FREE:.0%}: free some space"
        raise StoreFullError(told)


def tidy_up(tables: ParquetTables) -> None:
    """Remove what services that were killed left: staged bytes, sidecars alone, and receipts of what is known."""
    tables.store.sweep()
    for day in receipt_days(tables.store):
        clear_sent_ahead(tables.store, day)
        settle_receipts(tables, day)


class IncomingFile:
    """A file of which more may come; see `receiving`."""

    def __init__(self, tables: ParquetTables, staged: StagedObject, limits: InspectParams) -> None:
        self._tables, self._store = tables, tables.store
        self._staged, self._limits = staged, limits
        self._hash = hashlib.sha256()
        self._head: bytearray | None = bytearray()
        self.size_bytes = 0

    @property
    def sha256(self) -> Sha256:
        """Digest of what has come."""
        return Sha256(self._hash.hexdigest())

    def take(self, data: bytes) -> None:
        """Keep the next piece.

        Raises:
            ImageError: too_large, or what the header shows once enough of it has come; see `check_head`.
            StoreFullError: there is no room for it.
        """
        self.size_bytes += len(data)
        check_size(self.size_bytes, self._limits)
        if self._head is not None:
            self._head += data[: HEAD_BYTES - len(self._head)]
            if len(self._head) == HEAD_BYTES:
                self._check_head()
        self._hash.update(data)
        self._staged.write(data)

    def check_whole(self) -> None:
        """See that what has come is a file that is taken.

        Raises:
            ImageError: empty, or what the header shows.
        """
        check_size(self.size_bytes, self._limits)
        self._check_head()

    def land(self, facts: UploadFacts) -> Receipt:
        """Put the file into the landing zone with what was said of it; both outlive a power cut then.

        The same file of the same user under the same name is the same upload today as yesterday: who sends it again
        after midnight is told the id that it has, or that it was erased.

        Raises:
            ImageError: as of `check_whole`, or policy for what was erased.
        """
        self.check_whole()
        check_texts(facts)
        self._refuse_erased(facts)
        facts, is_there = self._where_it_is(facts)
        key = landing_key(facts, self.sha256)
        receipt = self._receipt(facts, key)
        self._keep(receipt, is_known=is_there)
        tell(self._store, key, facts, {}, self._put)
        if is_there:
            self._store.sync(key)
        else:
            self._staged.land(key)
        if is_erased(self._tables, receipt):
            self._take_back(receipt, key)
        return receipt

    def _take_back(self, receipt: Receipt, key: ObjectKey) -> None:
        """Who erases an image looks for its upload once his certificate is begun, maybe a moment before this one."""
        for each in (object_keys.receipt_key(date.fromisoformat(receipt.day), receipt.image_id), key):
            self._store.delete(each)
        self._store.delete(object_keys.sidecar_key(key))
        raise ImageError(RejectionReason.POLICY, "erased meanwhile")

    def _check_head(self) -> None:
        if self._head is not None:
            head, self._head = bytes(self._head), None
            check_head(head, self._limits)

    def _refuse_erased(self, facts: UploadFacts) -> None:
        """In the words of the run, which would refuse it too, and leave it where it landed."""
        for each in _as_of_both_days(facts):
            image_id = image_id_of(object_keys.source_uri_of(landing_key(each, self.sha256)), self.sha256)
            since = erased_ids(self._tables, each.day).get(image_id)
            if since:
                raise ImageError(RejectionReason.POLICY, f"erased on {since}")

    def _where_it_is(self, facts: UploadFacts) -> tuple[UploadFacts, bool]:
        """What is said of the upload with the day on which it came first, and whether it is there."""
        for each in _as_of_both_days(facts):
            if is_landed(self._store, landing_key(each, self.sha256), self.size_bytes):
                return each, True
        return facts, False

    def _receipt(self, facts: UploadFacts, key: ObjectKey) -> Receipt:
        source_uri, sha256 = object_keys.source_uri_of(key), self.sha256
        return Receipt(
            image_id=image_id_of(source_uri, sha256),
            day=facts.day.isoformat(),
            source_uri=source_uri,
            sha256=sha256,
            size_bytes=self.size_bytes,
            user_id=facts.user_id,
            raw_name=facts.raw_name,
            label=normalise_label(facts.label or "") or None,
            received_at=(facts.uploaded_at or datetime.now(UTC)).isoformat(),
        )

    def _keep(self, receipt: Receipt, *, is_known: bool) -> None:
        key = object_keys.receipt_key(date.fromisoformat(receipt.day), receipt.image_id)
        if not (is_known and self._store.exists(key)):
            # A power cut may take it: the upload itself is what has to last.
            write_record(self._store, key, receipt)

    def _put(self, key: ObjectKey, data: bytes, *, over: str | None = ANY_VERSION) -> None:
        """For the sidecar, which the file follows into the same folder."""
        with self._store.staging() as staged:
            staged.write(data)
            staged.land(key, over=over, is_last=False)


def is_erased(tables: ParquetTables, receipt: Receipt) -> bool:
    """Whether the image of an upload must not come in."""
    return receipt.image_id in erased_ids(tables, date.fromisoformat(receipt.day))


@contextmanager
def receiving(tables: ParquetTables, limits: InspectParams) -> Iterator[IncomingFile]:
    """A file to fill; if it does not land, nothing of it is left."""
    with tables.store.staging() as staged:
        yield IncomingFile(tables, staged, limits)


def _as_of_both_days(facts: UploadFacts) -> Sequence[UploadFacts]:
    """As of its day and of the one before."""
    return facts, replace(facts, day=facts.day - _DAY)
