"""What no run has seen yet: decisions that are younger than what they concern, and uploads that no table has."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from image_assets.lake import object_keys
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.landing import LandingFile
from image_assets.steps.increment.recipe import version_of
from image_assets.steps.increment.retries import rejecting_stages
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES, rejections_of, rejections_table

_CONCERNED: Final = {
    object_keys.REVIEWS: GOLD_IMAGES.name,
    object_keys.ACCEPTANCES: GOLD_IMAGES.name,
    object_keys.DISMISSALS: REJECTED_IMAGES.name,
}
"""The table in which what lies there for a day is seen last."""


def decided_days(tables: ParquetTables) -> Mapping[date, str]:
    """Days on whose images people have decided since their tables were made, or whose files are to be tried again.

    Each with what tells this state from a later one. Names and times are listed; of a day's rejections the rows are
    read, once they have changed.
    """
    told: defaultdict[date, list[datetime]] = defaultdict(list)
    for prefix, table in _CONCERNED.items():
        made = _made_at(tables, table)
        for day, at in _latest(tables, prefix).items():
            if day in made and at > made[day]:
                told[day].append(at)
    for day, at in _retried(tables):
        told[day].append(at)
    return {day: max(instants).isoformat() for day, instants in sorted(told.items())}


def is_taken_in(tables: ParquetTables, day: date, files: Sequence[LandingFile]) -> bool:
    """Whether a day's tables know each of its files as it is, from the door to gold."""
    known = dict[str, set[str]]()
    for table in (BRONZE_IMAGES, rejections_of(BRONZE_IMAGES)):
        for row in _rows(tables, table.name, day, ["source_uri", "input_version"]):
            known.setdefault(row[0], set()).add(row[1])
    # With an acceptance the version is another one: such a day is run once more, which costs little.
    is_known = all(version_of(file.version) in known.get(file.source_uri, ()) for file in files)
    accepted = {image_id for (image_id,) in _rows(tables, BRONZE_IMAGES.name, day, ["image_id"])}
    shown = {image_id for (image_id,) in _rows(tables, GOLD_IMAGES.name, day, ["image_id"])}
    return is_known and accepted <= shown


def _rows(tables: ParquetTables, table: str, day: date, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    if keys := tables.keys(table, day):
        yield from tables.scan_files(keys, columns).iter_rows()


def _latest(tables: ParquetTables, prefix: str) -> Mapping[date, datetime]:
    """When the last word on each day came."""
    latest: dict[date, datetime] = {}
    for info in tables.store.list(prefix):
        day = date.fromisoformat(info.key.split("/")[1])
        latest[day] = max(info.arrived_at, latest.get(day, info.arrived_at))
    return latest


def _made_at(tables: ParquetTables, table: str) -> Mapping[date, datetime]:
    return {day: min(info.arrived_at for info in files) for day, files in tables.listed(table).items()}


def _retried(tables: ParquetTables) -> Iterator[tuple[date, datetime]]:
    """Days with a rejected file that its stage does not remember any more."""
    gathered = _made_at(tables, REJECTED_IMAGES.name)
    for stage in rejecting_stages(tables):
        for day, at in _made_at(tables, rejections_table(stage).name).items():
            if day in gathered and at > gathered[day] and _is_forgotten(tables, stage, day):
                yield day, at


def _is_forgotten(tables: ParquetTables, stage: str, day: date) -> bool:
    remembered: Collection[str] = {item for (item,) in _rows(tables, rejections_table(stage).name, day, ["item"])}
    told = _rows(tables, REJECTED_IMAGES.name, day, ["stage", "item"])
    return any(name == stage and item not in remembered for name, item in told)
