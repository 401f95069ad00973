"""Repair: originals come back from wherever their bytes still are; derivatives go, so that a run makes them again.

Nothing is replaced but by bytes whose digest is that of the row. An original of which no copy is left keeps its row and
what was made of it; only what cannot be shown any more is removed, and the next run says so in `rejected_images`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from image_assets.errors import ObjectForbiddenError, ObjectNotFoundError, RejectionReason, StorageError
from image_assets.ids import ObjectKey, SourceUri
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.tiered_object_store import TieredObjectStore
from image_assets.steps.increment.retries import forget_rejections, rejecting_stages
from image_assets.steps.upkeep.scrub import Damage, decodes, note_lost_originals
from image_assets.tables.images import BRONZE_IMAGES

RESTORED, REMADE, KEPT, LOST = "restored", "made again", "kept", "lost"


@dataclass(frozen=True, slots=True)
class Copy:
    """Where bytes of an original may be, and the digest that tells whether they are."""

    store: ObjectStore
    key: ObjectKey
    sha256: str

    def read(self) -> bytes | None:
        """The bytes; None when there are none or others."""
        with suppress(ObjectNotFoundError, ObjectForbiddenError):
            data = self.store.read(self.key)
            return data if hashlib.sha256(data).hexdigest() == self.sha256 else None
        return None


@dataclass(frozen=True, slots=True)
class Remedy:
    """What can be done about a damage.

    Attributes:
        damage: what is wrong.
        outcome: RESTORED from `copy`; REMADE by a run; KEPT as it is, because it can be shown and its original is lost;
            LOST.
        copy: good bytes of an original.
    """

    damage: Damage
    outcome: str
    copy: Copy | None = None

    @property
    def words(self) -> str:
        """What becomes of it and, where nothing does, what is left to do."""
        if self.copy:
            return f"{RESTORED} from {self.copy.store.uri(self.copy.key)}"
        if self.outcome == LOST and self.damage.is_original:
            return f"{LOST}: copy it from a backup and repair again, or: image-assets erase {self.damage.image_id}"
        return self.outcome if self.outcome == REMADE else f"{self.outcome}: its original is lost"


def find_remedies(tables: ParquetTables, damages: Sequence[Damage]) -> list[Remedy]:
    """Look for copies of damaged originals; derivatives are made again of originals that are whole or come back."""
    copies = _find_copies(tables, [each for each in damages if each.is_original])
    lost = {image_id for image_id, copy in copies.items() if copy is None}
    return [_remedy(tables, each, copies.get(each.image_id), is_lost=each.image_id in lost) for each in damages]


@dataclass(frozen=True, slots=True)
class Repaired:
    """How many rejections were forgotten, and what could not be done, one sentence each."""

    forgotten: int
    problems: tuple[str, ...]


def repair_day(tables: ParquetTables, day: date, remedies: Sequence[Remedy]) -> Repaired:
    """Do what the remedies of a day say, short of the run that makes things again; one that fails holds no other.

    What later stages refused because a file could not be read is tried again as well. Of an original that could not be
    brought back, or has gone since it was examined, nothing is removed.
    """
    originals = _originals(tables, day, [each for each in remedies if each.outcome == REMADE])
    failed: dict[str, str] = {}
    for remedy in sorted(remedies, key=lambda each: not each.damage.is_original):
        if remedy.damage.image_id not in failed:
            try:
                _do(tables, remedy, originals.get(remedy.damage.image_id))
            except StorageError as error:
                failed[remedy.damage.image_id] = str(error)
    tables.store.flush()
    note_lost_originals(tables, day)
    stages = [stage for stage in rejecting_stages(tables) if stage != BRONZE_IMAGES.name]
    forgotten = forget_rejections(tables, day, stages, [RejectionReason.UNREADABLE])
    return Repaired(forgotten, tuple(failed.values()))


def _do(tables: ParquetTables, remedy: Remedy, original: Copy | None) -> None:
    if remedy.copy:
        tables.store.write(remedy.damage.key, _read_again(remedy.copy, remedy.damage))
    elif not remedy.damage.is_original and remedy.outcome != KEPT:
        if original:
            _read_again(original, remedy.damage)
        tables.store.delete(remedy.damage.key)


def _read_again(copy: Copy, damage: Damage) -> bytes:
    """What was good when it was examined need not be so after a question."""
    data = copy.read()
    if data is None:
        detail = f"{copy.store.uri(copy.key)} has gone or changed since it was examined"
        raise StorageError(
            f"{damage.key} is as it was: {detail}; image-assets repair --day {damage.day}", key=damage.key
        )
    return data


def _originals(tables: ParquetTables, day: date, remedies: Sequence[Remedy]) -> Mapping[str, Copy]:
    """By image: the originals from which the derivatives will be made."""
    if not remedies:
        return {}
    is_wanted = pl.col("image_id").is_in([each.damage.image_id for each in remedies])
    rows = tables.scan(BRONZE_IMAGES, ["image_id", "raw_path", "sha256"], [day], is_wanted).rows()
    return {image_id: Copy(tables.store, ObjectKey(key), sha256) for image_id, key, sha256 in rows}


def _remedy(tables: ParquetTables, damage: Damage, copy: Copy | None, *, is_lost: bool) -> Remedy:
    if damage.is_original:
        return Remedy(damage, RESTORED if copy else LOST, copy)
    if not is_lost:
        return Remedy(damage, REMADE)
    return Remedy(damage, KEPT if _can_be_shown(tables, damage) else LOST)


def _can_be_shown(tables: ParquetTables, damage: Damage) -> bool:
    try:
        return damage.problem == "wrong_bytes" and decodes(tables.store.read(damage.key))
    except (ObjectNotFoundError, ObjectForbiddenError):
        return False


def _find_copies(tables: ParquetTables, originals: Sequence[Damage]) -> dict[str, Copy | None]:
    """By image: the first good copy among the upload, the archive and the same photo that came once more."""
    if not originals:
        return {}
    is_damaged = pl.col("image_id").is_in([each.image_id for each in originals])
    columns, days = ["image_id", "source_uri", "sha256", "raw_path"], sorted({each.day for each in originals})
    rows = tables.scan(BRONZE_IMAGES, columns, days, is_damaged)
    is_twin = pl.col("sha256").is_in(rows["sha256"].implode())
    twins = tables.scan(BRONZE_IMAGES, columns, where=is_twin)
    by_digest = twins.group_by("sha256").agg("raw_path")
    found = rows.join(by_digest, on="sha256", maintain_order="left", suffix="s")
    return {
        row["image_id"]: next((copy for copy in _copies(tables, row) if copy.read() is not None), None)
        for row in found.iter_rows(named=True)
    }


def _copies(tables: ParquetTables, row: Mapping[str, Any]) -> Iterator[Copy]:
    yield Copy(tables.store, object_keys.key_of(SourceUri(row["source_uri"])), row["sha256"])
    if isinstance(tables.store, TieredObjectStore):
        tables.store.check_archive()
        yield Copy(tables.store.archive, ObjectKey(row["raw_path"]), row["sha256"])
    yield from (Copy(tables.store, ObjectKey(key), row["sha256"]) for key in row["raw_paths"])
