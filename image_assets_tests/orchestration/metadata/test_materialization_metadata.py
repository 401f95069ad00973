"""What a materialization shows besides its counts: bytes, means, histograms, the worst pictures, the lineage."""

import base64
import io
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from PIL import Image

from image_assets.definitions import build_definitions
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.metadata.counts import contact_sheet
from image_assets.orchestration.metadata.lineage import column_sources, upstream_of
from image_assets.settings import Settings
from image_assets.tables.gold import DAILY_SUMMARY
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES
from image_assets.tables.rejections import REJECTED_IMAGES

DAY, EMPTY_DAY = date(2026, 3, 14), date(2026, 3, 17)

# The UI hides longer Markdown behind a button.
SHOWN_AT_ONCE = 1_000

Metadata = dict[tuple[str, str], dict[str, Any]]
Columns = dict[str, set[str]]
Lineages = dict[str, Mapping[str, list[str]]]


@pytest.fixture
def shown(first_run: dg.ExecuteInProcessResult, metadata_of: Callable[..., Metadata]) -> Metadata:
    return metadata_of(first_run)


@pytest.fixture
def tables(settings: Settings, tables_of: Callable[[Settings], ParquetTables]) -> ParquetTables:
    return tables_of(settings)


@pytest.fixture
def columns(define: Callable[[Settings], dg.Definitions], settings: Settings) -> Columns:
    """Of every asset that is a table, as its definition says; those of the vectors are known to a run only."""
    specs = define(settings).resolve_all_asset_specs()
    schemas = {
        spec.key.to_user_string(): spec.metadata["dagster/column_schema"]
        for spec in specs
        if "dagster/column_schema" in spec.metadata
    }
    vectors = {"image_embeddings": {"image_id", "embedding"}}
    return {asset: {column.name for column in schema.columns} for asset, schema in schemas.items()} | vectors


@pytest.fixture
def lineages(define: Callable[[Settings], dg.Definitions], settings: Settings) -> Lineages:
    specs = {spec.key.to_user_string(): spec for spec in define(settings).resolve_all_asset_specs()}
    return {asset: column_sources(asset, upstream_of(spec)) for asset, spec in specs.items()}


@pytest.mark.parametrize("table", [BRONZE_IMAGES, SILVER_IMAGES], ids=lambda table: table.name)
def test_the_bytes_of_the_files_are_shown(shown: Metadata, tables: ParquetTables, table: Any) -> None:
    size = tables.read(table, DAY).get_column("size_bytes").sum()
    assert shown[table.name, str(DAY)]["total_size_bytes"] == size


def test_the_bytes_that_were_read_are_shown(shown: Metadata, tables: ParquetTables) -> None:
    size = tables.read(BRONZE_IMAGES, DAY).get_column("size_bytes").sum()
    assert shown["thumbnails", str(DAY)]["input_size_bytes"] == size


def test_the_mean_of_each_measure_is_a_number_to_plot(shown: Metadata, tables: ParquetTables) -> None:
    mean = tables.read(SILVER_IMAGES, DAY).get_column("blur").mean()
    assert shown["silver_images", str(DAY)]["mean_blur"] == pytest.approx(mean, rel=1e-3)


def test_the_recipe_of_the_rows_is_shown(shown: Metadata, tables: ParquetTables) -> None:
    (version,) = tables.read(SILVER_IMAGES, DAY).get_column("recipe_version").unique()
    assert shown["silver_images", str(DAY)]["recipe_versions"] == version


def test_every_measure_has_a_histogram(shown: Metadata) -> None:
    rows = shown["silver_images", str(DAY)]["distributions"].splitlines()[2:]
    bars = {row.split(" | ")[0].removeprefix("| "): row.split("`")[1] for row in rows}
    assert bars.keys() >= {"blur", "brightness_ratio"}
    assert {(len(drawn), max(drawn)) for drawn in bars.values()} == {(24, "█")}


def test_histograms_are_short_enough_to_be_shown_without_a_click(shown: Metadata) -> None:
    assert len(shown["gold_images", str(DAY)]["distributions"]) < SHOWN_AT_ONCE


def test_the_worst_pictures_are_shown(shown: Metadata) -> None:
    sheet = shown["silver_images", str(DAY)]["blurriest_then_darkest"]
    assert sheet.startswith("![16 of 16](data:image/jpeg;base64,")


def test_an_empty_day_shows_no_numbers_it_does_not_have(shown: Metadata) -> None:
    metadata = shown["silver_images", str(EMPTY_DAY)]
    assert metadata.keys().isdisjoint({"distributions", "mean_blur", "blurriest_then_darkest"})


def test_rejected_images_shows_each_file_with_its_stage_and_reason(shown: Metadata, tables: ParquetTables) -> None:
    told, rows = shown["rejected_images", str(DAY)], tables.read(REJECTED_IMAGES, DAY)
    assert told["rejected"] == rows.height > 0
    listed = [line.split(" | ")[:2] for line in told["rejects"].splitlines()[2:]]
    assert sorted(listed) == sorted([f"| {stage}", str(reason)] for stage, reason in rows["stage", "reason"].rows())


def test_the_summary_shows_its_outcomes_as_numbers_to_plot(shown: Metadata, tables: ParquetTables) -> None:
    outcomes = dict(tables.read(DAILY_SUMMARY, DAY).filter(kind="outcome").select("name", "images").iter_rows())
    told = shown["daily_summary", str(DAY)]
    assert outcomes.keys() >= {"seen", "accepted", "rejected", "duplicates", "to_review"}
    assert {name: told[name] for name in outcomes} == outcomes


def test_the_summary_shows_all_counts_in_one_table(shown: Metadata) -> None:
    kinds = [line.split(" | ")[0] for line in shown["daily_summary", str(DAY)]["counts"].splitlines()[2:]]
    assert kinds == ["| outcome", "| reason", "| state", "| label", "| format", "| stage"]


def test_the_report_shows_its_totals_and_how_to_open_it(shown: Metadata, tables: ParquetTables) -> None:
    told = shown["daily_report", str(DAY)]
    assert told["seen"] == tables.read(BRONZE_IMAGES, DAY).height + told["rejected"]
    assert told["to_open_it"] == f"image-assets report --day {DAY} --open"


def test_an_empty_day_is_counted(shown: Metadata) -> None:
    assert (shown["daily_summary", str(EMPTY_DAY)]["seen"], shown["rejected_images", str(EMPTY_DAY)]["rejected"]) == (
        0,
        0,
    )


@pytest.mark.parametrize(
    ("asset", "column", "source"),
    [
        ("silver_images", "blur", ("bronze_images", "raw_path")),
        ("image_embeddings", "embedding", ("silver_images", "cleansed_path")),
        ("image_captions", "caption", ("image_tags", "tags")),
        ("image_moderation", "verdict", ("image_embeddings", "embedding")),
        ("gold_images", "sha256", ("bronze_images", "sha256")),
        ("gold_images", "predicted_label", ("image_predictions", "label")),
    ],
)
def test_a_table_shows_where_a_column_comes_from(
    shown: Metadata, asset: str, column: str, source: tuple[str, str]
) -> None:
    lineage = shown[asset, str(DAY)]["dagster/column_lineage"]
    assert lineage.deps_by_column[column] == [dg.TableColumnDep(dg.AssetKey(source[0]), source[1])]


def test_no_column_of_the_lineage_is_invented(lineages: Lineages, columns: Columns) -> None:
    told = [dep for lineage in lineages.values() for dep in lineage.items()]
    sources = [source.split(".") for _, found in told for source in found]
    assert [(asset, column) for asset, column in sources if column not in columns[asset]] == []


def test_every_column_is_of_the_row_or_has_a_source(lineages: Lineages, columns: Columns) -> None:
    made_here = {
        "image_tags": {"encoder"},
        "image_moderation": {"encoder"},
        "image_captions": {"source"},
        "image_text": {"reader"},
        "rejected_images": {"stage", "reason", "detail", "state"},
        "daily_summary": {"kind"},
        "classifier_evaluations": {"challenger", "role", "model_version", "evaluated_at"},
    }
    of_the_row = {"day", "input_version", "recipe_version", "processed_at"}
    without = {asset: names - set(lineages[asset]) - of_the_row for asset, names in columns.items()}
    assert {asset: names for asset, names in without.items() if names and asset != "bronze_images"} == made_here


def test_the_sources_of_a_column_are_shown_beside_it(
    define: Callable[[Settings], dg.Definitions], settings: Settings
) -> None:
    spec = define(settings).resolve_assets_def("gold_images").get_asset_spec()
    tags = {column.name: column.tags for column in spec.metadata["dagster/column_schema"].columns}
    assert tags["preview_path"] == {"watermarked_previews": "preview_path", "image_moderation": "verdict"}


@pytest.mark.parametrize("is_model", [False, True], ids=["template", "model"])
def test_captions_come_from_what_the_settings_say(settings: Settings, is_model: bool) -> None:
    captioner = "some/blip" if is_model else "template"
    definitions = build_definitions(settings.model_copy(update={"captioner": captioner}))
    spec = definitions.resolve_assets_def("image_captions").get_asset_spec()
    wanted = ["silver_images.cleansed_path"] if is_model else ["image_tags.tags"]
    assert column_sources("image_captions", upstream_of(spec))["caption"] == wanted


@pytest.mark.parametrize("damaged", [b"", b"RIFF\0\0\0\0WEBPVP8 ", None])
def test_a_sheet_does_without_a_thumbnail_that_is_damaged_or_gone(tmp_path: Path, damaged: bytes | None) -> None:
    store, file = LocalObjectStore(tmp_path), io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(file, "WEBP")
    store.write(ObjectKey("thumbnail/aa/good.webp"), file.getvalue())
    if damaged is not None:
        store.write(ObjectKey("thumbnail/aa/bad.webp"), damaged)
    sheet = contact_sheet(store, [ObjectKey("thumbnail/aa/bad.webp"), ObjectKey("thumbnail/aa/good.webp")])
    picture = Image.open(io.BytesIO(base64.b64decode(sheet["contact_sheet"].value.partition("base64,")[2].rstrip(")"))))
    cells = [picture.getpixel((x, 48)) for x in (48, 144)]
    assert [max(cell) - min(cell) > 100 for cell in cells] == [False, True]
