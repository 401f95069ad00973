"""What a materialization shows besides its counts: bytes, means, histograms, the worst pictures, the lineage."""

import base64
import io
from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import pytest
from PIL import Image

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.lineage import gold_lineage
from image_assets.settings import Settings
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES

DAY, EMPTY_DAY = date(2026, 3, 14), date(2026, 3, 17)

Metadata = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture
def shown(first_run: dg.ExecuteInProcessResult, metadata_of: Callable[..., Metadata]) -> Metadata:
    return metadata_of(first_run)


@pytest.fixture
def tables(settings: Settings, tables_of: Callable[[Settings], ParquetTables]) -> ParquetTables:
    return tables_of(settings)


@pytest.mark.parametrize("table", [BRONZE_IMAGES, SILVER_IMAGES], ids=lambda table: table.name)
def test_the_bytes_of_the_files_are_shown(shown: Metadata, tables: ParquetTables, table: Any) -> None:
    size = tables.read(table, DAY).get_column("size_bytes").sum()
    assert shown[table.name, str(DAY)]["total_size_bytes"] == size


def test_the_mean_of_each_measure_is_a_number_to_plot(shown: Metadata, tables: ParquetTables) -> None:
    mean = tables.read(SILVER_IMAGES, DAY).get_column("blur").mean()
    assert shown["silver_images", str(DAY)]["mean_blur"] == pytest.approx(mean, rel=1e-3)


def test_the_recipe_of_the_rows_is_shown(shown: Metadata, tables: ParquetTables) -> None:
    (version,) = tables.read(SILVER_IMAGES, DAY).get_column("recipe_version").unique()
    assert shown["silver_images", str(DAY)]["recipe_versions"] == version


def test_every_measure_has_a_small_histogram(shown: Metadata) -> None:
    rows = shown["silver_images", str(DAY)]["distributions"].splitlines()[2:]
    pictures = [base64.b64decode(row.partition("base64,")[2].rstrip(") |")) for row in rows]
    assert {row.split(" | ")[0] for row in rows} >= {"| blur", "| brightness_ratio"}
    assert max(map(len, pictures)) < 1_000
    assert {Image.open(io.BytesIO(picture)).size for picture in pictures} == {(144, 48)}


def test_the_worst_pictures_are_shown(shown: Metadata) -> None:
    sheet = shown["silver_images", str(DAY)]["blurriest_then_darkest"]
    assert sheet.startswith("![16 of 16](data:image/jpeg;base64,")


def test_an_empty_day_shows_no_numbers_it_does_not_have(shown: Metadata) -> None:
    metadata = shown["silver_images", str(EMPTY_DAY)]
    assert metadata.keys().isdisjoint({"distributions", "mean_blur", "blurriest_then_darkest"})


def test_gold_shows_where_its_columns_come_from(shown: Metadata) -> None:
    lineage = shown["gold_images", str(DAY)]["dagster/column_lineage"]
    assert lineage.deps_by_column["sha256"] == [dg.TableColumnDep(dg.AssetKey("bronze_images"), "sha256")]


def test_no_column_of_the_lineage_is_invented(define: Callable[[Settings], dg.Definitions], settings: Settings) -> None:
    columns = {
        spec.key: {column.name for column in spec.metadata["dagster/column_schema"].columns}
        for spec in define(settings).resolve_all_asset_specs()
        if "dagster/column_schema" in spec.metadata
    }
    deps = [dep for found in gold_lineage().deps_by_column.values() for dep in found]
    assert [dep for dep in deps if dep.column_name not in columns.get(dep.asset_key, {dep.column_name})] == []


def test_nearly_every_column_of_gold_has_a_source() -> None:
    made_here = set(GOLD_IMAGES.schema.column_names()) - set(gold_lineage().deps_by_column)
    assert made_here <= {
        "day",
        "state",
        "input_version",
        "recipe_version",
        "processed_at",
        "canonical_id",
        "is_duplicate",
    }
