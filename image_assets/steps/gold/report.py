"""The day as people read it: a page that prints well, results for a spreadsheet, a summary for programs.

Everything is made from committed tables alone and holds no time of its own, so the same day gives the same files.
"""

import filecmp
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from image_assets.errors import ObjectNotFoundError
from image_assets.ids import ObjectKey
from image_assets.lake import object_keys
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.pages import Picture
from image_assets.shown_text import spreadsheet_lines
from image_assets.steps.gold.rejections import read_rejected
from image_assets.steps.gold.report_page import Bars, ReportPage, Sheet, render_page
from image_assets.steps.increment.read_ahead import read_ahead
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES

UNCLASSIFIED = "(not classified)"
_RESULTS = (
    "image_id",
    "user_id",
    "uploaded_at",
    "raw_name",
    "label",
    "predicted_label",
    "confidence_ratio",
    "needs_review",
    "model_version",
    "tags",
    "caption",
    "text",
    "policy",
    "canonical_id",
    "is_duplicate",
    "state",
    "width_px",
    "height_px",
    "blur",
    "brightness_ratio",
    "cleansed_path",
)
_MODELS = ("encoder", "model_version")
_SHOWN = (
    *("image_id", "predicted_label", "confidence_ratio", "needs_review", "thumbnail_path", "tags"),
    *("blur", "brightness_ratio", "contrast_ratio", *_MODELS),
)
_LISTED = ("image_id", "predicted_label", "confidence_ratio", "cleansed_path")
_RATIO_BINS = 10
_DAYS_BACK = 7


@dataclass(frozen=True, slots=True)
class ReportParams:
    """How much of a day is shown.

    Attributes:
        pictures_per_sheet: thumbnails per category, and of those to review.
        rejects_shown: rows of the table of rejected files.
        gallery_url: where people look at the day's images, if that is known.
    """

    pictures_per_sheet: int = 12
    rejects_shown: int = 100
    gallery_url: str | None = None


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """The files of a day's report and whether any of them is new or changed."""

    keys: tuple[ObjectKey, ...]
    is_changed: bool
    totals: Mapping[str, int]


def write_report(tables: ParquetTables, day: date, params: ReportParams) -> WrittenReport:
    """Write page, results, list by category and summary of a day; files that would not change are left alone."""
    changes = {
        key: _replace(tables.store, key, parts)
        for name, parts in _files(tables, day, params)
        for key in [object_keys.report_key(day, name)]
    }
    is_changed = any(changes.values())
    if is_changed:
        tables.store.flush()
    return WrittenReport(tuple(changes), is_changed, _headline(tables.read(DAILY_SUMMARY, day)))


def _files(tables: ParquetTables, day: date, params: ReportParams) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Each file by name, of which no two are in memory at a time."""
    gold = _with_category(tables.scan(GOLD_IMAGES, _SHOWN, [day]))
    yield "report.html", [render_page(_page(tables, day, gold, params)).encode()]
    yield "report.json", [json.dumps(_summary(tables, day, gold), indent=2, ensure_ascii=False).encode()]
    del gold
    yield "report.csv", spreadsheet_lines(_results(tables.scan(GOLD_IMAGES, _RESULTS, [day])))
    yield "by_category.csv", spreadsheet_lines(_by_category(tables.scan(GOLD_IMAGES, _LISTED, [day])))


def _replace(store: ObjectStore, key: ObjectKey, parts: Iterable[bytes]) -> bool:
    """Write a file unless it is there with these bytes; say whether it was written."""
    with tempfile.TemporaryDirectory() as folder:
        made, there = Path(folder, "made"), Path(folder, "there")
        with made.open("wb") as file:
            file.writelines(parts)
        if store.exists(key):
            store.fetch(key, there)
            if filecmp.cmp(made, there, shallow=False):
                return False
        with store.writing(key) as target:
            shutil.copyfile(made, target)
    return True


def _summary(tables: ParquetTables, day: date, gold: pl.DataFrame) -> dict[str, object]:
    """The day's counts by kind, as in `daily_summary`, with categories and the models behind them."""
    counts = tables.read(DAILY_SUMMARY, day)
    kinds = {kind: _sorted(_counts(counts, kind)) for kind in counts.get_column("kind").cast(pl.String).unique().sort()}
    models = {name: gold.get_column(name).drop_nulls().unique().sort().to_list() for name in _MODELS}
    totals = _headline(counts)
    return {"day": day.isoformat(), "totals": totals, "category": _top(gold.get_column("category")), **kinds, **models}


_SET_ASIDE = ("gone", "dismissed", "passed_over")


def _with_category(gold: pl.DataFrame) -> pl.DataFrame:
    return gold.with_columns(category=pl.col("predicted_label").fill_null(UNCLASSIFIED))


def _results(gold: pl.DataFrame) -> pl.DataFrame:
    """Flat; best classified first within a category."""
    category, confidence = pl.col("predicted_label").fill_null(UNCLASSIFIED), pl.col("confidence_ratio").fill_null(0)
    rows = gold.sort(category, confidence, "image_id", descending=[False, True, False])
    return rows.with_columns(pl.col("tags").list.join("; "), pl.col("uploaded_at").dt.to_string("iso"))


def _by_category(gold: pl.DataFrame) -> pl.DataFrame:
    """Which images each category has: the list that a folder tree or a copying tool is made from."""
    rows = _with_category(gold).filter(pl.col("cleansed_path").is_not_null())
    return rows.select("category", "image_id", "confidence_ratio", "cleansed_path").sort("category", "image_id")


def _page(tables: ParquetTables, day: date, gold: pl.DataFrame, params: ReportParams) -> ReportPage:
    counts = tables.read(DAILY_SUMMARY, day)
    rejected = read_rejected(tables, day).sort("state", "reason", "source_uri")
    return ReportPage(
        day=day,
        headline=_headline(counts),
        history=_history(tables, day),
        distributions=_distributions(counts, gold),
        sheets=_sheets(tables, gold, params.pictures_per_sheet),
        rejects=rejected.head(params.rejects_shown).select("reason", "stage", "state", "source_uri", "detail").rows(),
        rejects_left_out=max(0, rejected.height - params.rejects_shown),
        models=_models(gold),
        gallery_url=params.gallery_url,
    )


def _headline(counts: pl.DataFrame) -> dict[str, int]:
    outcomes = _counts(counts, "outcome")
    names = ("seen", "accepted", "rejected", "duplicates", "to_review")
    told = {name.replace("_", " "): outcomes.get(name, 0) for name in names}
    told["blocked"] = _counts(counts, "state").get("blocked", 0)
    return {**told, **{name.replace("_", " "): outcomes[name] for name in _SET_ASIDE if outcomes.get(name)}}


def _history(tables: ParquetTables, day: date) -> list[tuple[date, dict[str, int]]]:
    """This day and those of the week before it that there are."""
    known = set(tables.days(DAILY_SUMMARY.name))
    days = [day - timedelta(days=back) for back in range(_DAYS_BACK, -1, -1)]
    return [(each, _counts(tables.read(DAILY_SUMMARY, each), "outcome")) for each in days if each in known]


def _distributions(counts: pl.DataFrame, gold: pl.DataFrame) -> list[Bars]:
    tags = gold.get_column("tags").list.explode().drop_nulls() if gold.height else pl.Series([], dtype=pl.String)
    named = [
        Bars("Predicted category", _top(gold.get_column("category"))),
        Bars("Supplied label", _sorted(_counts(counts, "label"))),
        Bars("Tags", _top(tags)),
        Bars("Why files were rejected", _sorted(_counts(counts, "reason"))),
        Bars("Format", _sorted(_counts(counts, "format"))),
    ]
    ratios = {"Confidence": "confidence_ratio", "Brightness": "brightness_ratio", "Contrast": "contrast_ratio"}
    histograms = [Bars(title, _histogram(gold.get_column(column))) for title, column in ratios.items()]
    return [bars for bars in [*named, *histograms] if bars.counts]


def _top(values: pl.Series, count: int = 20) -> dict[str, int]:
    return dict(list(_sorted(dict(values.cast(pl.String).value_counts().iter_rows())).items())[:count])


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def _histogram(ratios: pl.Series) -> dict[str, int]:
    """Tenths of 0 to 1; empty without values."""
    tenths = (ratios.drop_nulls() * _RATIO_BINS).floor().clip(0, _RATIO_BINS - 1).cast(pl.Int64)
    found = dict(tenths.value_counts().iter_rows())
    return {f"{tenth / 10:.1f} to {(tenth + 1) / 10:.1f}": found.get(tenth, 0) for tenth in range(10)} if found else {}


def _counts(summary: pl.DataFrame, kind: str) -> dict[str, int]:
    return dict(summary.filter(pl.col("kind") == kind).select("name", "images").iter_rows())


def _models(gold: pl.DataFrame) -> dict[str, str]:
    return {name: ", ".join(gold.get_column(name).drop_nulls().unique().sort()) or "none" for name in _MODELS}


def _sheets(tables: ParquetTables, gold: pl.DataFrame, count: int) -> list[Sheet]:
    """Those to review, the blurriest, then every category."""
    shown = gold.filter(pl.col("thumbnail_path").is_not_null())
    review = shown.filter(pl.col("needs_review").fill_null(value=False)).sort("confidence_ratio", "image_id")
    groups = {"To review": review, "Blurriest": shown.sort("blur", "image_id").head(count)}
    categories = shown.sort("category").partition_by("category", maintain_order=True, as_dict=True)
    groups |= {str(name): _evenly(rows.sort("image_id"), count) for (name,), rows in categories.items()}
    return [_sheet(tables, title, rows, count) for title, rows in groups.items() if rows.height]


def _evenly(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    return rows.gather_every(max(1, rows.height // count))


def _sheet(tables: ParquetTables, title: str, rows: pl.DataFrame, count: int) -> Sheet:
    columns = ("thumbnail_path", "image_id", "predicted_label", "confidence_ratio")
    shown = rows.head(count).select(columns).iter_rows()
    pictures = read_ahead(tables.store, lambda row: _picture(tables.store, *row), shown)
    return Sheet(title, [picture for picture in pictures if picture])


def _picture(
    store: ObjectStore, path: str, image_id: str, label: str | None, confidence: float | None
) -> Picture | None:
    """None of a thumbnail that went away meanwhile."""
    try:
        return Picture(store.read(ObjectKey(path)), image_id, label, confidence)
    except ObjectNotFoundError:
        return None
