"""An empty lake and a small table to put into it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.tables.table import Table


class Prices(dy.Schema):
    """One row per thing for sale: it's a test's table."""

    name = dy.String(primary_key=True, description="Name's column.")
    day = dy.Date(description="The partition.")
    cents = dy.UInt32(min=1, description="Price.")
    kind = dy.Enum(["new", "used"], nullable=True, description="Condition.")
    sold_at = dy.Datetime(time_unit="us", time_zone="UTC", description="When.")
    colours = dy.List(dy.String(), description="All of them.")


@pytest.fixture
def store(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "lake")


@pytest.fixture
def tables(store: LocalObjectStore) -> ParquetTables:
    return ParquetTables(store)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("this user may not mount a small file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def day() -> date:
    return date(2026, 10, 1)


@pytest.fixture
def prices() -> Table:
    return Table("prices", Prices)


@pytest.fixture
def priced(day: date) -> Callable[..., pl.DataFrame]:
    """Rows of the table: `priced(hat=100, shoe=250)`."""

    def rows(**cents: int) -> pl.DataFrame:
        sold_at = datetime(2026, 10, 1, 12, tzinfo=UTC)
        columns = {
            "name": list(cents),
            "day": [day] * len(cents),
            "cents": list(cents.values()),
            "kind": ["new", None, "used"][: len(cents)] + [None] * (len(cents) - 3),
            "sold_at": [sold_at] * len(cents),
            "colours": [["red", "blue"]] * len(cents),
        }
        return pl.DataFrame(columns, schema={name: column.dtype for name, column in Prices.columns().items()})

    return rows
