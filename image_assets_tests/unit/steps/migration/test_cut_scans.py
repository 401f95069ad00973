"""Cut anywhere, however often: what days are told is what one scan would have told them."""

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_assets.errors import StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sources.folder import SourceFolder
from image_assets.lake.sources.record import ScanTold, Source, keep_source
from image_assets.steps.migration.day_book import DayBook
from image_assets.steps.migration.ledger import Ledger, days_taken
from image_assets.steps.migration.publication import publish
from image_assets.steps.migration.scan import Scan, scan_into

NAME = st.text(st.sampled_from("ab-. \n\udcff0"), min_size=1, max_size=3).filter(lambda name: name not in {".", ".."})
TREES = st.dictionaries(st.lists(NAME, min_size=1, max_size=3).map("/".join), st.integers(0, 3), max_size=12)
SHARD, ROOT, NOW = 2, "0123456789ab", datetime(2026, 10, 5, tzinfo=UTC)
FIRST = date(2026, 9, 1)


class CutStore(LocalObjectStore):
    """A store that is gone after so many changes."""

    __slots__ = ()

    def flush(self) -> None:
        """No test cuts the power."""

    def sync(self, key: ObjectKey) -> None:
        """No test cuts the power."""


def grow(folder: Path, tree: dict[str, int], photo: bytes) -> None:
    """Photos, words, empty files and links; a name that is a folder already stays one."""
    for name, kind in tree.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == 3:
                path.symlink_to("..")
            else:
                path.write_bytes((photo, b"words", b"")[kind])
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue


def bring_in(lake: Path, source: Path, budget: int) -> bool:
    """Whether it ended before the budget of changes was spent."""
    left = [budget]

    def spend() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise StoreUnavailableError("killed")

    tables = ParquetTables(CutStore(lake, check=spend))
    ledger, told = Ledger(tables, ROOT), ScanTold("mtime", FIRST, "ann", most=3)
    known = Source(ROOT, str(source), (), 0, "scanning", told)
    try:
        days = DayBook(days_taken(tables), told.most, FIRST, NOW.date())
        scan_into(ledger, Scan(known, SourceFolder(source), days, None, NOW), lambda _: None, SHARD)
        publish(ledger, 0, at_once=3)
    except StoreUnavailableError:
        return False
    return True


def told(lake: Path, pattern: str) -> list[tuple[Any, ...]]:
    """Rows of all files that are in their places."""
    frames = [pl.read_parquet(path).rows() for path in sorted(lake.glob(pattern))]
    return sorted((row for rows in frames for row in rows), key=repr)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, budgets=st.lists(st.integers(0, 4), max_size=6))
def test_cut_anywhere_the_manifests_are_those_of_one_scan(
    paint: Callable[..., bytes], tree: dict[str, int], budgets: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, whole, cut = (Path(folder) / name for name in ("source", "whole", "cut"))
        source.mkdir()
        grow(source, tree, paint("red"))
        assert bring_in(whole, source, 10**6)
        for budget in budgets:
            bring_in(cut, source, budget)
        assert bring_in(cut, source, 10**6)
        for pattern in ("tables/source_entries/*/*.parquet", "landing/*/_manifests/*.parquet"):
            assert told(cut, pattern) == told(whole, pattern)
        paths = [row[2] for row in told(whole, "tables/source_entries/*/*.parquet")]
        assert len(paths) == len(set(paths)) == sum(not path.is_dir() or path.is_symlink() for path in walk(source))


def walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from walk(path)


def test_a_source_that_goes_away_under_a_scan_leaves_no_gap(paint: Callable[..., bytes], tmp_path: Path) -> None:
    source = tmp_path / "source"
    for number in range(6):
        (source / str(number)).mkdir(parents=True)
        (source / str(number) / "a.jpg").write_bytes(paint("red"))
    tables = ParquetTables(LocalObjectStore(tmp_path / "lake"))
    ledger, told_ = Ledger(tables, ROOT), ScanTold("mtime", FIRST, "ann")
    known = keep_source(tables.store, Source(ROOT, str(source), ("has 0", "has 1"), 0, "scanning", told_))
    scan = Scan(known, SourceFolder(source), DayBook({}, 9, FIRST, date.max), None, datetime.now(UTC))

    def take_away(_: object) -> None:
        if source.exists():
            source.rename(tmp_path / "away")

    with pytest.raises(StoreUnavailableError, match="mount it"):
        scan_into(ledger, scan, take_away, SHARD)
    (tmp_path / "away").rename(source)
    assert scan_into(ledger, scan, lambda _: None, SHARD).registered == 6
