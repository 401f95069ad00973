"""What a materialization shows: counts, column schemas, pictures and reject tables."""

import base64
import io
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, TypeAlias

import dagster as dg
import polars as pl
from PIL import Image

from image_assets.errors import ImageError, ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.imaging.read_back import read_pixels
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.metadata.distributions import describe_distributions
from image_assets.orchestration.metadata.lineage import column_sources, upstream_of
from image_assets.shown_text import markdown, plain
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.read_ahead import read_ahead
from image_assets.tables.rejections import rejections_of
from image_assets.tables.table import Table

Metadata: TypeAlias = Mapping[str, dg.MetadataValue[Any]]

# The event log keeps pictures for ever: few and small.
_SHEET_IMAGES, _SHEET_COLUMNS, _SHEET_CELL_PX, _SHEET_QUALITY = 24, 8, 96, 70
_REJECTS_SHOWN, _COUNTS_SHOWN = 50, 20
_PROBLEMS_AT_ONCE, _PROBLEMS_SHOWN = 3, 20
_CELL_LENGTH = 160


def column_schema(table: Table, spec: dg.AssetSpec) -> dg.TableSchema:
    """The table's columns as Dagster shows them, each with the upstream columns that it is made from."""
    sources = column_sources(spec.key.to_user_string(), upstream_of(spec))
    only_key = table.primary_key[0] if len(table.primary_key) == 1 else None
    columns = [
        dg.TableColumn(
            name=name,
            type=str(column.dtype),
            description=column.description,
            constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=name == only_key),
            tags=_by_asset(sources.get(name, [])),
        )
        for name, column in table.schema.columns().items()
    ]
    return dg.TableSchema(columns=columns)


def _by_asset(sources: Sequence[str]) -> dict[str, str]:
    """A tag per upstream asset, because the UI cuts long ones."""
    pairs = [source.split(".") for source in sources]
    return {asset: ", ".join(column for other, column in pairs if other == asset) for asset, _ in pairs}


def describe_increment(tables: ParquetTables, report: IncrementReport, table: Table) -> Metadata:
    """Counts of one increment, its speed, where its rows are, and what it rejected."""
    speed = (
        {"images_per_second": dg.MetadataValue.float(round(report.computed / report.seconds, 1))}
        if report.computed
        else {}
    )
    return {
        "outcome": dg.MetadataValue.text(_in_words(report)),
        "seen": dg.MetadataValue.int(report.seen),
        "accepted": dg.MetadataValue.int(report.accepted),
        "rejected": dg.MetadataValue.int(report.rejected),
        "computed": dg.MetadataValue.int(report.computed),
        "reused": dg.MetadataValue.int(report.reused),
        "removed": dg.MetadataValue.int(report.removed),
        "seconds": dg.MetadataValue.float(round(report.seconds, 3)),
        **speed,
        **describe_rows(tables, table, report.day, report.accepted),
        **describe_distributions(tables, table, report.day),
        **(describe_rejects(tables.read(rejections_of(table), report.day)) if report.rejected else {}),
    }


def describe_rows(tables: ParquetTables, table: Table, day: date, rows: int) -> Metadata:
    """How many rows a day has and which file or, of a day in lots, which folder holds them."""
    keys = tables.keys(table.name, day) or [tables.key(table.name, day)]
    where = keys[0] if len(keys) == 1 else object_keys.lots_prefix(table.name, day)
    return {
        "dagster/partition_row_count": dg.MetadataValue.int(rows),
        "dagster/uri": dg.MetadataValue.text(tables.store.uri(ObjectKey(where))),
    }


def describe_gallery(url: str | None) -> Metadata:
    """Where people look at the day's images, if that is known."""
    return {"gallery": dg.MetadataValue.url(url)} if url else {}


def describe_rejects(rejects: pl.DataFrame) -> Metadata:
    """How many files were refused for which reason, and which; nothing when none was."""
    if rejects.is_empty():
        return {}
    reasons = rejects.group_by("reason").len().sort("len", "reason", descending=[True, False])
    counts = {f"rejected_{reason}": dg.MetadataValue.int(images) for reason, images in reasons.iter_rows()}
    return {**counts, "rejects": dg.MetadataValue.md(_markdown(rejects))}


def describe_problems(problems: Sequence[str]) -> dg.MetadataValue[Any]:
    """What a check found: a few problems at once, more as a list, which the UI puts behind a button."""
    if len(problems) <= _PROBLEMS_AT_ONCE:
        return dg.MetadataValue.text(plain("; ".join(problems)) or "nothing")
    return dg.MetadataValue.md("\n".join(f"- {markdown(problem)}" for problem in problems[:_PROBLEMS_SHOWN]))


def describe_summary(summary: pl.DataFrame) -> Metadata:
    """The day in numbers: its outcomes one by one, to be plotted over the days, and all counts in one table."""
    counts = summary.sort("images", "name", descending=[True, False]).with_columns(
        words=pl.col("name").map_elements(markdown_cell, pl.String) + " " + pl.col("images").cast(pl.String)
    )
    kinds = counts.group_by("kind").agg(pl.col("words").head(_COUNTS_SHOWN).str.join(", ")).sort("kind")
    lines = [f"| {kind} | {words} |" for kind, words in kinds.iter_rows()]
    outcomes = counts.filter(kind="outcome").select("name", "images").iter_rows()
    return {
        **{name: dg.MetadataValue.int(images) for name, images in outcomes},
        "counts": dg.MetadataValue.md("\n".join(["| of | images |", "|---|---|", *lines])),
    }


def contact_sheet(store: ObjectStore, thumbnails: Sequence[ObjectKey], name: str = "contact_sheet") -> Metadata:
    """A grid of thumbnails evenly taken from the day, as one picture inside Markdown, which the UI renders."""
    shown = thumbnails[:: max(1, -(-len(thumbnails) // _SHEET_IMAGES))]
    if not shown:
        return {}
    rows = -(-len(shown) // _SHEET_COLUMNS)
    sheet = Image.new("RGB", (_SHEET_COLUMNS * _SHEET_CELL_PX, rows * _SHEET_CELL_PX), "white")
    for number, thumbnail in enumerate(read_ahead(store, partial(_thumbnail, store), shown)):
        row, column = divmod(number, _SHEET_COLUMNS)
        if thumbnail:
            _place(sheet, thumbnail, column * _SHEET_CELL_PX, row * _SHEET_CELL_PX)
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=_SHEET_QUALITY)
    picture = base64.b64encode(data.getvalue()).decode()
    return {name: dg.MetadataValue.md(f"![{len(shown)} of {len(thumbnails)}](data:image/jpeg;base64,{picture})")}


def _thumbnail(store: ObjectStore, key: ObjectKey) -> Image.Image | None:
    try:
        return Image.fromarray(read_pixels(store.read(key)))
    except (ObjectNotFoundError, ImageError):
        # A check names it: the sheet only shows what there is to see.
        return None


def _place(sheet: Image.Image, thumbnail: Image.Image, left: int, top: int) -> None:
    thumbnail.thumbnail((_SHEET_CELL_PX - 4, _SHEET_CELL_PX - 4))
    sheet.paste(
        thumbnail,
        (left + (_SHEET_CELL_PX - thumbnail.width) // 2, top + (_SHEET_CELL_PX - thumbnail.height) // 2),
    )


def _in_words(report: IncrementReport) -> str:
    if not report.seen:
        return "empty: no images on this day"
    if report.is_unchanged:
        return f"unchanged: all {report.seen} images are up to date; its pictures are with the run that computed them"
    return f"{report.computed} computed, {report.newly_rejected} newly rejected, {report.reused} reused"


def _markdown(rejects: pl.DataFrame) -> str:
    lines = [
        f"| {row['stage']} | {row['reason']} | {markdown_cell(row['source_uri'])} | {markdown_cell(row['detail'])} |"
        for row in rejects.head(_REJECTS_SHOWN).iter_rows(named=True)
    ]
    more = [f"| … | | {rejects.height - _REJECTS_SHOWN} more | |"] if rejects.height > _REJECTS_SHOWN else []
    return "\n".join(["| stage | reason | file | detail |", "|---|---|---|---|", *lines, *more])


def markdown_cell(text: str) -> str:
    """The beginning of a text, as Markdown shows it in a table."""
    return markdown(text[:_CELL_LENGTH])
