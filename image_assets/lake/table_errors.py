"""What is wrong with a table's file, and what to do about it, made of what Polars and a storage say."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from image_assets.errors import StoreFullError, StoreUnavailableError, TableError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.lots import lot_named
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.training import TRAINING_SET
from image_assets.tables.upkeep import ARCHIVED_ORIGINALS, ERASURES, TIERED_ORIGINALS

UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""Garbled pages make the reader panic now and then."""
_QUERY = re.compile(r"(?<=\S)\?\S+")


def refuse_as_damage(error: BaseException, key: ObjectKey) -> None:
    """What a cloud does not give says nothing of the file; Polars tells such errors apart by their text alone."""
    if "object-store error" in str(error):
        # Behind a question mark there may be a signature.
        told = _QUERY.sub("", " ".join(str(error).partition("; note:")[0].split()))
        raise StoreUnavailableError(f"cannot read {key}: {told}; run it again", key=key) from error


@contextmanager
def explained_write(key: ObjectKey) -> Iterator[None]:
    """Turn Polars' errors over a file that is written into ours."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        # Of the system's errors polars passes on the words alone.
        is_full = any(f"(os error {each})" in str(error) for each in (errno.ENOSPC, errno.EDQUOT))
        if is_full:
            raise StoreFullError(f"cannot write {key!r}: {error}; free some space and run again", key=key) from error
        raise StoreUnavailableError(f"cannot write {key!r}: {error}; run it again", key=key) from error


def damaged_table(what: str, key: ObjectKey) -> TableError:
    """With its remedy and its culprit: what is wrong with a table's file."""
    table = object_keys.table_of(key)
    return TableError(f"{what}; {_remedy(key)}", table=table, day=object_keys.day_of(key), key=key)


def _remedy(key: ObjectKey) -> str:
    """What to do about a damaged file; the run that met it may be one of a later day."""
    folders, day = key.split("/"), object_keys.day_of(key)
    if object_keys.CHECKPOINTS in folders:
        its_day = folders[-3] if lot_named(folders[-2]) else folders[-2]
        return f"image-assets run --day {its_day} drops it and computes its rows again"
    if object_keys.HISTORY in folders:
        return "delete it: only image-assets diff reads it"
    if folders[0] == object_keys.INDEX:
        return f"delete the folder {'/'.join(folders[:2])}: the next run builds the index anew"
    again = f"run its day again: image-assets run --day {day}" if day else "train again: image-assets train"
    told = f"restore the file or delete it and {again}; other tables are untouched"
    return next((f"{told}; {better}" for name, better in _IRREPLACEABLE.items() if name in folders), told)


# Every other table follows from bronze and from the objects.
_IRREPLACEABLE = {
    BRONZE_IMAGES.name: "without it the images whose upload has left the landing zone are forgotten: better restore it",
    TIERED_ORIGINALS.name: "without it image-assets restore does not know what is in another tier: better restore it",
    ERASURES.name: "without it an erased image may be taken in again: better restore it",
    ARCHIVED_ORIGINALS.name: "without it image-assets restore does not know what is archived: better restore it",
    TRAINING_SET.name: "without it images are split anew and a champion is judged by what it learnt: better restore it",
}
