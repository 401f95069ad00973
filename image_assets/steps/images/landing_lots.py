"""A day's landing zone as steps see it that work lot by lot: listed once for all lots."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice, starmap
from typing import Any, Final

import polars as pl

from image_assets.lake import object_keys
from image_assets.lake.lots import WHOLE, Lot, lot_number
from image_assets.lake.object_store import ObjectInfo, ObjectStore
from image_assets.steps.images.landing import LandingDay, landing_of, list_landing
from image_assets.steps.images.registered import RegisteredFile, is_manifest, read_registered

_INSTANT = pl.Datetime("us", "UTC")
# Keys need not be valid text, a column of a frame must be.
_FILE = pl.Schema(
    [
        ("source_uri", pl.String()),
        ("size_bytes", pl.Int64()),
        ("modified_at", _INSTANT),
        ("arrived_at", _INSTANT),
        ("version", pl.String()),
        ("lot", pl.UInt16()),
    ]
)
_AT_ONCE: Final = 10_000


@dataclass(frozen=True)
class LandingZone:
    """What lies there when the first lot is asked for; what comes later is for the next run.

    Of a day that is cut all files are held as one frame, registered ones as another, of which each lot takes its part.

    Attributes:
        store: the lake's objects.
        day: the partition.
        lots: how many the day is cut into.
    """

    store: ObjectStore
    day: date
    lots: int

    def of(self, lot: Lot) -> LandingDay:
        """The files of a lot; see `list_landing`."""
        if lot == WHOLE:
            return list_landing(self.store, self.day)
        mine, registered = (each.filter(pl.col("lot") == lot.number).drop("lot") for each in self._listed)
        return landing_of(self.store, map(_info, mine.iter_rows()), starmap(RegisteredFile, registered.iter_rows()))

    @cached_property
    def _listed(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        manifests, parts = list[ObjectInfo](), [_FILE.to_frame()]
        rows = self._rows(manifests)
        while some := list(islice(rows, _AT_ONCE)):
            parts.append(pl.DataFrame(some, schema=_FILE, orient="row"))
        return pl.concat(parts), self._in_lots(read_registered(self.store, manifests))

    def _in_lots(self, registered: pl.DataFrame) -> pl.DataFrame:
        numbers = [lot_number(uri, self.lots) for uri in registered.get_column("source_uri")]
        return registered.with_columns(lot=pl.Series(numbers, dtype=_FILE["lot"]))

    def _rows(self, manifests: list[ObjectInfo]) -> Iterator[tuple[object, ...]]:
        """Of each file; manifests go into their list."""
        for info in self.store.list(object_keys.landing_prefix(self.day)):
            if is_manifest(info, self.day):
                manifests.append(info)
            else:
                uri = object_keys.source_uri_of(info.key)
                yield uri, info.size_bytes, info.modified_at, info.arrived_at, info.version, lot_number(uri, self.lots)


def _info(row: tuple[Any, ...]) -> ObjectInfo:
    return ObjectInfo(object_keys.key_of(row[0]), *row[1:])
