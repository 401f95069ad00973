"""A folder of photos, and a lake that brings it in."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from image_assets.lake.opening import open_place
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.sources.record import ScanTold
from image_assets.lake.sources.sourced_object_store import SourcedObjectStore
from image_assets.steps.migration.beginning import begin, intended, uri_of
from image_assets.steps.migration.listed import ListedFiles
from image_assets.steps.migration.migration import Migration
from image_assets.steps.migration.tally import Tally

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

DAY, NOW, FIRST = date(2026, 10, 1), datetime(2026, 10, 5, 12, tzinfo=UTC), date(2026, 9, 1)
TOLD = ScanTold("mtime", FIRST, "ann")


@dataclass
class Moving:
    """A source, and the lake that it is brought into."""

    source: Path
    scenario: "Scenario"
    tables: ParquetTables
    now: datetime = NOW
    first: date = FIRST
    told: ScanTold = TOLD
    photo: bytes = b""

    def put(self, name: str, data: bytes | None = None, at: datetime | None = None) -> Path:
        """A photo, unless other bytes are given, that was changed on the day."""
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.photo if data is None else data)
        seconds = (at or datetime(2026, 10, 1, 9, tzinfo=UTC)).timestamp()
        os.utime(path, (seconds, seconds))
        return path

    def migrate(self, listed: ListedFiles | None = None, **told: Any) -> Tally:
        """Once through, from wherever the last one was cut off."""
        uri = uri_of(str(self.source))
        place = open_place(uri, StorageParams())
        migration = Migration(self.tables, place, self.first, self.now, listed)
        source = begin(self.tables, intended(self.tables, uri, place, replace(self.told, **told)))
        return migration.run(source, lambda _: None, lambda _, __: None)

    def entries(self) -> list[dict[str, Any]]:
        """What the ledger has, in the order of its files."""
        files = sorted(self.tables.files("source_entries"))
        return pl.concat([self.tables.scan_files([key]) for key in files]).to_dicts() if files else []

    def kinds(self) -> dict[str, str]:
        return {row["path"]: row["kind"] for row in self.entries()}

    def days(self) -> dict[str, date]:
        return {row["path"]: row["day"] for row in self.entries() if row["day"]}

    def manifests(self) -> list[Path]:
        return sorted((self.tables.store.lake.root / "landing").glob("*/_manifests/*"))  # type: ignore[attr-defined]

    def registered(self) -> list[tuple[str, date]]:
        """Every line of every manifest."""
        frames = [pl.read_parquet(path, columns=["source_uri", "day"]) for path in self.manifests()]
        return [row for frame in frames for row in frame.rows()]


@pytest.fixture
def moving(scenarios: ModuleType, paint: Callable[..., bytes], tmp_path: Path) -> Moving:
    class Sourced(scenarios.Scenario):  # type: ignore[name-defined,misc]
        """A day that reads registered files too."""

        @property
        def store(self) -> SourcedObjectStore:
            return SourcedObjectStore(scenarios.HastyStore(self.root), partial(open_place, storage=StorageParams()))

    (tmp_path / "source").mkdir()
    scenario = Sourced(tmp_path / "lake", DAY)
    return Moving(tmp_path / "source", scenario, scenario.tables, photo=paint("red"))
