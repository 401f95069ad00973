"""A Delta table (delta.io, protocol 1.2) with a partition per day, which is replaced as one."""

import hashlib
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from image_assets.errors import ConfigurationError, StoreUnavailableError
from image_assets.lake.table_errors import UNREADABLE
from image_assets.shown_text import plain

try:
    from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
    from deltalake.exceptions import CommitFailedError, DeltaError, DeltaProtocolError, SchemaMismatchError
    from deltalake.fs import DeltaStorageHandler
except ImportError as error:
    raise ConfigurationError(
        "IMAGE_ASSETS_DELTA needs the extra: pip install 'image-assets[delta]', or unset it"
    ) from error

_DAY: Final = "day"
_READERS: Final = 1
"""The version of the protocol that all readers know."""
_SIGNED: Final[Mapping[type[pl.DataType], pl.DataType]] = {
    pl.UInt8: pl.Int16(),
    pl.UInt16: pl.Int32(),
    pl.UInt32: pl.Int64(),
    pl.UInt64: pl.Int64(),
}
"""Delta has no unsigned numbers."""


@dataclass(frozen=True, slots=True)
class Tidied:
    """What housekeeping did: files that were put together, and files of former versions that are gone."""

    compacted: int
    removed: int


@dataclass(frozen=True, slots=True)
class DailyDeltaTable:
    """A table below a place.

    Attributes:
        place: folder or address (abfss://, az://, s3://, gs://); credentials of a cloud come from its own variables.
        name: of the table, one folder.
    """

    place: str
    name: str

    @property
    def uri(self) -> str:
        """Where it lies."""
        return f"{self.place.rstrip('/')}/{self.name}"

    def replace_day(self, day: date, version: str, rows: pl.DataFrame) -> None:
        """Make the rows those of the day, in one commit that readers see whole, and remember their version.

        Raises:
            StoreUnavailableError: the place does not answer, or others commit again and again.
            ConfigurationError: there is another kind of table, or a column has another type there.
        """
        with self._explained():
            write_deltalake(
                self.uri,
                _plain(rows),
                partition_by=[_DAY],
                mode="overwrite",
                predicate=f"{_DAY} = '{day}'",
                schema_mode="merge",
                commit_properties=CommitProperties(app_transactions=[Transaction(_app(day), _number(version))]),
            )
        self._keep()

    def remove(self, day: date, image_id: str) -> int:
        """Remove an image from the day, in one commit; how many rows that were."""
        with self._explained():
            if not DeltaTable.is_deltatable(self.uri):
                return 0
            done = DeltaTable(self.uri).delete(f"{_DAY} = '{day}' AND image_id = '{image_id}'")
        self._keep()
        return int(done["num_deleted_rows"] or 0)

    def has_version(self, day: date, version: str) -> bool:
        """Whether the day holds what this version names."""
        with self._explained():
            if not DeltaTable.is_deltatable(self.uri):
                return False
            return DeltaTable(self.uri).transaction_version(_app(day)) == _number(version)

    def rows(self, day: date) -> pl.DataFrame:
        """Those of the day, as readers get them."""
        with self._explained():
            return pl.scan_delta(self.uri).filter(pl.col(_DAY) == day).collect()

    def examine(self) -> str:
        """Write and delete a file beside the table, read the newest version of what is there, and say which that is.

        Raises:
            ConfigurationError: there is another kind of table, or one of a newer protocol.
            StoreUnavailableError: the place does not answer, or takes no file.
        """
        with self._explained():
            _try_to_write(self.place)
            if not DeltaTable.is_deltatable(self.uri):
                return f"{self.name}: not published yet"
            table = DeltaTable(self.uri)
            partitions, readers = table.metadata().partition_columns, table.protocol().min_reader_version
        if partitions != [_DAY] or readers > _READERS:
            found = f"partitions {partitions}, reader version {readers}"
            raise ConfigurationError(f"{self.uri} is another Delta table ({found}). {_ADVICE}")
        return f"{self.name}: version {table.version()}"

    def tidy(self, keep_hours: int) -> Tidied:
        """Put small files of a day together, write a checkpoint, and remove files of versions that are older."""
        with self._explained():
            if not DeltaTable.is_deltatable(self.uri):
                return Tidied(0, 0)
            table = DeltaTable(self.uri)
            compacted = table.optimize.compact()
            # Files of former versions are gone for good only when what replaces them is there for good.
            self._keep()
            removed = table.vacuum(keep_hours, dry_run=False, enforce_retention_duration=False)
            table.create_checkpoint()
            self._keep()
            return Tidied(int(compacted["numFilesRemoved"]), len(removed))

    def _keep(self) -> None:
        """Bring a commit to the disk before anybody is told of it: delta-rs leaves that to the system's caches."""
        if "://" not in self.place:
            os.sync()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (DeltaProtocolError, SchemaMismatchError) as error:
            told = f"{self.uri} is a Delta table of another shape: {_words(error)}. {_ADVICE}"
            raise ConfigurationError(told) from error
        except (CommitFailedError, OSError) as error:
            raise StoreUnavailableError(f"{self.uri} cannot be used: {_words(error)}", key=self.name) from error
        except DeltaError as error:
            raise ConfigurationError(f"{self.uri} takes no rows: {_words(error)}. {_ADVICE}") from error
        except UNREADABLE as error:
            raise ConfigurationError(f"{self.uri} cannot be read: {_words(error)}. {_ADVICE}") from error


_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_ADVICE: Final = "Move it away, or set IMAGE_ASSETS_DELTA to another place: the next runs publish their days there anew"


def _try_to_write(place: str) -> None:
    """As the table itself does, through the same client."""
    name = f".doctor-{uuid.uuid4().hex}"
    if "://" not in place:
        Path(place).mkdir(parents=True, exist_ok=True)
    files = DeltaStorageHandler(place)
    # Through pyarrow it is handed buffers, which it does not take.
    file = files._handler.open_output_stream(name, None)
    file.write(b"well")
    file.close()  # type: ignore[attr-defined] # its description forgets it
    files.delete_file(name)


def _words(error: BaseException) -> str:
    """Of delta-rs, which paints some of its own."""
    return plain(_COLOUR.sub("", str(error)))


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Types that Delta knows: texts for closed lists, signed numbers, lists for arrays."""
    return rows.with_columns(pl.col(name).cast(_plain_type(kind)) for name, kind in rows.schema.items())


def _plain_type(kind: pl.DataType) -> pl.DataType:
    if isinstance(kind, pl.Enum | pl.Categorical):
        return pl.String()
    if isinstance(kind, pl.Array):
        return pl.List(kind.inner)
    return _SIGNED.get(type(kind), kind)


def _app(day: date) -> str:
    return f"image_assets/{day}"


def _number(version: str) -> int:
    """Transactions of an application are counted in 63 bits."""
    return int.from_bytes(hashlib.blake2b(version.encode(), digest_size=8).digest()) >> 1
