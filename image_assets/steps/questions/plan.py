"""What a run would compute, found by comparing what is stored with what is wanted; nothing is computed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import repeat

import polars as pl

from image_assets.errors import TableError
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.images.landing import landing_days
from image_assets.steps.images.lots import day_lots
from image_assets.steps.increment.basis import note_basis
from image_assets.steps.increment.stock import IDENTITY, Part, Target, take_stock
from image_assets.tables.chain import Stage
from image_assets.tables.images import BRONZE_IMAGES

Inputs = Callable[[ParquetTables, date], pl.DataFrame]
"""The images of a day that a stage works through."""

_NO_IMAGES = pl.DataFrame(schema={"image_id": pl.String, "input_version": pl.String})


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage of the chain, and what is wanted of it.

    Attributes:
        stage: its place in the chain.
        targets: what is wanted of each of its tables.
        inputs: the images of a day, from the tables upstream.
        upstream: name of the table that the images come from; None at the door.
    """

    stage: Stage
    targets: Sequence[Target]
    inputs: Inputs
    upstream: str | None


@dataclass(frozen=True, slots=True)
class Need:
    """What one table of a day lacks, in images.

    Attributes:
        day: the partition.
        stage: name of the step.
        table: name of the table.
        seen: images at the door.
        current: up to date, be it as a row or as a rejection.
        missing: never computed, or the input is another now.
        stale: computed under another recipe.
        awaited: at most so many more, once upstream is up to date; what upstream rejects will not come.
    """

    day: date
    stage: str
    table: str
    seen: int
    current: int
    missing: int
    stale: int
    awaited: int

    @property
    def images(self) -> int:
        """To compute, at most."""
        return self.missing + self.stale + self.awaited


def plan_day(
    tables: ParquetTables, stages: Sequence[PlannedStage], day: date, forgotten: Collection[str] = frozenset()
) -> list[Need]:
    """What each table of a day lacks.

    Args:
        tables: the lake's tables.
        stages: upstream first.
        day: the partition.
        forgotten: reasons whose rejections count as missing, as if they were forgotten.

    Raises:
        TableError: a file cannot be read; a run of the day would stop there too.
    """
    lots, needs = day_lots(tables, day), dict[str, list[Need]]()
    for stage in stages:
        above = needs[stage.upstream] if stage.upstream else []
        asked = zip(lots, above or repeat(None), strict=False)
        found = [_plan_stage(tables.at(lot), stage, each, needs, day, forgotten) for lot, each in asked]
        for of_table in zip(*found, strict=True):
            needs[of_table[0].table] = list(of_table)
    return [_together(of_lots) for of_lots in needs.values()]


def _together(needs: Sequence[Need]) -> Need:
    """What a table lacks in all lots of a day."""
    counts = ("seen", "current", "missing", "stale", "awaited")
    return replace(needs[0], **{name: sum(getattr(each, name) for each in needs) for name in counts})


def _plan_stage(
    tables: ParquetTables,
    stage: PlannedStage,
    upstream: Need | None,
    needs: Mapping[str, Sequence[Need]],
    day: date,
    forgotten: Collection[str],
) -> list[Need]:
    """What each table of a stage lacks of a lot, or of a day."""
    inputs, found = _inputs(tables, stage, needs, day), []
    for target in stage.targets:
        current, missing, stale = _take_stock(tables, target, day, inputs, forgotten)
        seen = upstream.seen if upstream else inputs.height
        awaited = min(_coming(stage, upstream, current, inputs), seen - missing - stale) if upstream else 0
        table = target.table.name
        found.append(Need(day, stage.stage.name, table, seen, current, missing, stale, max(0, awaited)))
    return found


def known_days(tables: ParquetTables) -> list[date]:
    """Every day that has uploads or originals, in order."""
    return sorted({*landing_days(tables.store), *tables.days(BRONZE_IMAGES.name)})


def estimate_seconds(
    needs: Sequence[Need], images_per_second: Mapping[str, float], seconds_per_day: float | None = None
) -> float:
    """How long a run of the needs takes.

    Args:
        needs: of some days.
        images_per_second: by table; a table without a known speed counts nothing.
        seconds_per_day: what every day takes besides, if that is known.
    """
    passes: dict[tuple[date, str], float] = {}
    for need in needs:
        if need.table in images_per_second:
            step = need.day, need.stage
            passes[step] = max(passes.get(step, 0.0), need.images / images_per_second[need.table])
    return sum(passes.values()) + (seconds_per_day or 0.0) * len({need.day for need in needs})


def _inputs(tables: ParquetTables, stage: PlannedStage, needs: Mapping[str, Sequence[Need]], day: date) -> pl.DataFrame:
    """The images that can be seen today; none when upstream has yet to be made."""
    if stage.upstream and not tables.keys(stage.upstream, day):
        return _NO_IMAGES
    try:
        return stage.inputs(tables, day)
    except TableError:
        # What is missing or of a former shape cannot be read, but a run makes it anew first.
        if any(need.images for of_lots in needs.values() for need in of_lots):
            return _NO_IMAGES
        raise


def _take_stock(
    tables: ParquetTables, target: Target, day: date, inputs: pl.DataFrame, forgotten: Collection[str]
) -> tuple[int, int, int]:
    """How many images are current, missing and stale."""
    stock = take_stock(tables, target, day, inputs, note_basis(tables, target.table, day))
    former = pl.col("recipe_version") != target.recipe_version
    stored = pl.concat([part.stored.filter(former).select(IDENTITY) for part in (stock.rows, stock.rejections)])
    stale = stock.missing.join(stored, on=IDENTITY, how="semi").height
    missing = stock.missing.height - stale + _remembered(tables, stock.rejections, forgotten)
    return inputs.height - missing - stale, missing, stale


def _remembered(tables: ParquetTables, rejections: Part, reasons: Collection[str]) -> int:
    """How many current rejections have one of the reasons."""
    if not reasons or rejections.current.is_empty():
        return 0
    rows = tables.scan_files(rejections.files, ["item", "input_version", "reason"])
    chosen = rows.filter(pl.col("reason").cast(pl.String).is_in(list(reasons)))
    return rejections.current.join(chosen, on=IDENTITY, how="semi").height


def _coming(stage: PlannedStage, upstream: Need, current: int, inputs: pl.DataFrame) -> int:
    """Images that upstream will bring or change; those lacking here anyway are not counted again."""
    changed = upstream.stale if inputs.is_empty() else min(upstream.stale, current)
    return upstream.missing + upstream.awaited + (changed if stage.stage.follows_recipes else 0)
