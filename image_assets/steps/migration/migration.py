"""A migration: a scan that is begun or continued, and the days that are told of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.sources.place import SourcePlace
from image_assets.lake.sources.record import Source, keep_source
from image_assets.steps.migration.day_book import DayBook
from image_assets.steps.migration.ledger import Ledger, days_taken
from image_assets.steps.migration.listed import ListedFiles
from image_assets.steps.migration.publication import publish
from image_assets.steps.migration.scan import Scan, scan_into, tally_of, try_scan
from image_assets.steps.migration.tally import Tally
from image_assets.tables.upkeep import ERASURES


@dataclass(frozen=True, slots=True)
class Migration:
    """One source to bring in.

    Attributes:
        tables: the lake's.
        place: where the source is.
        first: the first day of the lake.
        now: what is later has not come yet.
        listed: what is known of single files.
    """

    tables: ParquetTables
    place: SourcePlace
    first: date
    now: datetime
    listed: ListedFiles | None = None

    def run(self, source: Source, on_scan: Callable[[Tally], None], on_days: Callable[[int, int], None]) -> Tally:
        """Scan to the end, then tell the days; killed anywhere, the next call goes on. What the scan has found."""
        ledger = Ledger(self.tables, source.root)
        if source.state == "scanning":
            tally = scan_into(ledger, self._scan(source), on_scan)
            source = keep_source(self.tables.store, replace(source, state="publishing"))
        else:
            tally = tally_of(ledger, source.scan)
        for scan in ledger.scans():
            # Of an earlier scan a manifest is missing only when somebody has deleted it.
            publish(ledger, scan, on_days)
        keep_source(self.tables.store, replace(source, state="done"))
        return tally

    def try_out(self, source: Source, on_scan: Callable[[Tally], None]) -> Tally:
        """What `run` would find; nothing is written."""
        return try_scan(Ledger(self.tables, source.root), self._scan(source), on_scan)

    def _scan(self, source: Source) -> Scan:
        last = self.now.astimezone(UTC).date()
        days = DayBook(days_taken(self.tables), source.told.most, self.first, last)
        erased = frozenset(self.tables.scan(ERASURES, ["sha256"]).get_column("sha256").drop_nulls())
        return Scan(source, self.place, days, self.listed, self.now, erased)
