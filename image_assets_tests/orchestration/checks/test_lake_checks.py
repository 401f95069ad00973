"""Every check can fail: a good lake is damaged in one place, and one check alone looks at it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from PIL import Image

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.orchestration.metadata.counts import describe_problems
from image_assets.settings import Settings
from image_assets.steps.upkeep.scrub import note_lost_originals
from image_assets.tables.catalogue import TABLES
from image_assets.tables.images import SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS

DAY, NEXT = date(2026, 3, 15), date(2026, 3, 16)
DERIVATIVES = [
    (SILVER_IMAGES.name, "cleansed_path"),
    (THUMBNAILS.name, "thumbnail_path"),
    (WATERMARKED_PREVIEWS.name, "preview_path"),
]

Checking = Callable[[str, str], dg.AssetCheckEvaluation]


@pytest.fixture
def check(full_copy: Settings, define: Callable[[Settings], dg.Definitions], instance: dg.DagsterInstance) -> Checking:
    """Execute one check by itself on the damaged lake: what it says of all days together."""
    definitions = define(full_copy)

    def run(asset: str, name: str) -> dg.AssetCheckEvaluation:
        key = dg.AssetCheckKey(dg.AssetKey(asset), name)
        # Of an asset that was never made Dagster asks nothing.
        instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition="2026-10-01"))
        result = dg.materialize(
            [*(definitions.assets or ()), *(definitions.asset_checks or ())],  # type: ignore[list-item]
            selection=dg.AssetSelection.checks(key),
            resources=definitions.resources,
            instance=instance,
            raise_on_error=False,
        )
        (evaluation,) = (each for each in result.get_asset_check_evaluations() if each.partition is None)
        return evaluation

    return run


@pytest.fixture
def rewrite(full_copy: Settings) -> Callable[..., None]:
    """Replace the rows of a table's day by what a function makes of them, past every rule."""

    def change(table: str, function: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        file = full_copy.root / "tables" / table / f"{DAY}.parquet"
        function(pl.read_parquet(file)).write_parquet(file)

    return change


@pytest.fixture
def file_of(full_copy: Settings) -> Callable[[str, str], Path]:
    """The file that the first row of a table's day names in a column."""

    def find(table: str, column: str) -> Path:
        rows = pl.read_parquet(full_copy.root / "tables" / table / f"{DAY}.parquet")
        return full_copy.root / str(rows.get_column(column)[0])

    return find


def problems_of(evaluation: dg.AssetCheckEvaluation) -> str:
    assert not evaluation.passed
    return str(evaluation.metadata["what"].value)


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_a_schema_check_passes_on_a_good_lake(check: Checking, table: str) -> None:
    assert check(table, "schema").passed


def test_a_check_that_runs_alone_looks_at_every_day(check: Checking) -> None:
    assert check("bronze_images", "schema").metadata["days"].value == 4


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_a_missing_column_breaks_the_schema(check: Checking, rewrite: Callable[..., None], table: str) -> None:
    rewrite(table, lambda rows: rows.drop("day"))
    assert f"{DAY}: rows of {table} for {DAY} break its schema" in problems_of(check(table, "schema"))


def test_a_value_against_a_rule_breaks_the_schema(check: Checking, rewrite: Callable[..., None]) -> None:
    rewrite("silver_images", lambda rows: rows.with_columns(phash=pl.lit("no hash")))
    assert "phash" in problems_of(check("silver_images", "schema"))


def test_a_file_that_is_no_parquet_breaks_the_schema(check: Checking, full_copy: Settings) -> None:
    (full_copy.root / "tables" / "gold_images" / f"{DAY}.parquet").write_bytes(b"PAR1 no more")
    assert "cannot be read as Parquet" in problems_of(check("gold_images", "schema"))


def test_an_upload_without_a_row_breaks_the_conservation_of_bronze(
    check: Checking, rewrite: Callable[..., None]
) -> None:
    rewrite("bronze_images", lambda rows: rows.sort("source_uri")[1:])
    assert problems_of(check("bronze_images", "conservation")) == (
        f"{DAY}: landing/{DAY}/ann/0.jpg is neither accepted nor rejected: run the day again"
    )


@pytest.mark.parametrize("table", ["silver_images", "thumbnails", "watermarked_previews", "image_embeddings/colours"])
def test_an_image_without_a_row_breaks_the_conservation_of_its_layer(
    check: Checking, rewrite: Callable[..., None], table: str
) -> None:
    rewrite(table, lambda rows: rows[1:])
    assert "is neither accepted nor rejected" in problems_of(check(table.split("/")[0], "conservation"))


@pytest.mark.parametrize("table", ["silver_images", "image_embeddings/colours"])
def test_a_row_without_an_image_breaks_the_conservation_of_its_layer(
    check: Checking, rewrite: Callable[..., None], table: str
) -> None:
    upstream = "silver_images" if "/" in table else "bronze_images"
    rewrite(upstream, lambda rows: rows[1:])
    assert "has no upstream image" in problems_of(check(table.split("/")[0], "conservation"))


def test_an_image_accepted_twice_breaks_conservation(check: Checking, rewrite: Callable[..., None]) -> None:
    rewrite("thumbnails", lambda rows: pl.concat([rows, rows[:1]]))
    assert "1 images are accepted twice" in problems_of(check("thumbnails", "conservation"))


@pytest.mark.parametrize("table", ["bronze_images", "gold_images"])
def test_an_image_that_another_day_has_too_is_found_with_both_files(
    check: Checking, full_copy: Settings, rewrite: Callable[..., None], table: str
) -> None:
    assert check(table, "one_day_only").passed
    other = full_copy.root / "tables" / table / f"{NEXT}.parquet"
    rewrite(table, lambda rows: pl.concat([rows, pl.read_parquet(other)[:1].with_columns(day=DAY)]))
    found = check(table, "one_day_only")
    assert f"{table}/{DAY}.parquet and in {other}" in problems_of(found)
    assert found.severity == dg.AssetCheckSeverity.ERROR


def test_a_damaged_file_of_another_day_is_named_when_images_are_looked_for_in_it(
    check: Checking, full_copy: Settings
) -> None:
    (full_copy.root / "tables" / "gold_images" / f"{NEXT}.parquet").write_bytes(b"PAR1 no more")
    assert f"image-assets run --day {NEXT}" in problems_of(check("gold_images", "one_day_only"))


@pytest.mark.parametrize(("table", "column"), DERIVATIVES)
def test_a_file_with_a_position_is_not_pixels_only(
    check: Checking, file_of: Callable[[str, str], Path], table: str, column: str
) -> None:
    path = file_of(table, column)
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (7, 5)).save(path, exif=exif)
    assert f"{path.name}: holds" in problems_of(check(table, "pixels_only"))


@pytest.mark.parametrize(("table", "column"), DERIVATIVES)
def test_a_file_that_is_gone_is_not_pixels_only(
    check: Checking, file_of: Callable[[str, str], Path], table: str, column: str
) -> None:
    path = file_of(table, column)
    path.unlink()
    assert path.name in problems_of(check(table, "pixels_only"))


@pytest.mark.parametrize(("table", "column"), DERIVATIVES)
def test_a_file_of_another_size_than_its_row_says_is_found(
    check: Checking, file_of: Callable[[str, str], Path], table: str, column: str
) -> None:
    path = file_of(table, column)
    Image.new("RGB", (7, 5)).save(path)
    assert "7 x 5 px, its row says" in problems_of(check(table, "pixels_only"))


def test_a_file_that_is_no_image_is_not_pixels_only(check: Checking, file_of: Callable[[str, str], Path]) -> None:
    path = file_of("thumbnails", "thumbnail_path")
    path.write_bytes(b"not a picture")
    assert path.name in problems_of(check("thumbnails", "pixels_only"))


def test_a_lost_original_is_a_warning_with_its_remedy(
    check: Checking,
    file_of: Callable[[str, str], Path],
    full_copy: Settings,
    tables_of: Callable[[Settings], ParquetTables],
) -> None:
    path = file_of("bronze_images", "raw_path")
    path.unlink()
    note_lost_originals(tables_of(full_copy), DAY)
    found = check("bronze_images", "originals_whole")
    assert (found.severity, path.name in problems_of(found)) == (dg.AssetCheckSeverity.WARN, True)
    assert f"is gone since {datetime.now(UTC):%Y-%m}" in problems_of(found)
    assert f"image-assets repair --day {DAY}" in problems_of(found)


@pytest.mark.parametrize("number", [0.0, 2.0, float("nan"), float("inf")])
def test_a_vector_that_is_not_of_unit_length_is_found(
    check: Checking, rewrite: Callable[..., None], number: float
) -> None:
    def spoil(rows: pl.DataFrame) -> pl.DataFrame:
        vectors = rows.get_column("embedding").to_numpy().copy()
        vectors[0] = number
        return rows.with_columns(embedding=pl.Series(vectors, dtype=pl.Array(pl.Float32, 3)))

    rewrite("image_embeddings/colours", spoil)
    assert "unit_length" in problems_of(check("image_embeddings", "unit_vectors"))


def test_vectors_that_were_never_made_are_found(check: Checking, full_copy: Settings) -> None:
    for file in (full_copy.root / "tables" / "image_embeddings" / "colours").iterdir():
        file.unlink()
    assert "there are no vectors of colours" in problems_of(check("image_embeddings", "unit_vectors"))


def test_a_newest_file_of_vectors_that_is_no_parquet_is_found(check: Checking, full_copy: Settings) -> None:
    newest = max((full_copy.root / "tables" / "image_embeddings" / "colours").iterdir())
    newest.write_bytes(b"PAR1 no more")
    assert "cannot be read as Parquet" in problems_of(check("image_embeddings", "unit_vectors"))


def rot(path: Path) -> None:
    """What a run cannot see, because the size stays."""
    path.write_bytes(bytes(path.stat().st_size))


def test_a_failed_check_stops_what_follows_in_the_run(
    full_copy: Settings, file_of: Callable[[str, str], Path], execute_days: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    rot(file_of("silver_images", "cleansed_path"))
    run = execute_days(full_copy, DAY)
    started = {event.step_key for event in run.all_events if event.is_step_start}
    assert not started & {"image_embeddings", "rejected_images", "gold_images", "daily_summary"}


def test_a_run_with_a_failed_check_is_no_success(
    full_copy: Settings, file_of: Callable[[str, str], Path], execute_days: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    rot(file_of("thumbnails", "thumbnail_path"))
    assert not execute_days(full_copy, DAY).success


def test_a_failed_check_leaves_the_last_good_gold(
    full_copy: Settings,
    file_of: Callable[[str, str], Path],
    execute_days: Callable[..., dg.ExecuteInProcessResult],
) -> None:
    gold = full_copy.root / "tables" / "gold_images" / f"{DAY}.parquet"
    before = gold.read_bytes()
    rot(file_of("thumbnails", "thumbnail_path"))
    execute_days(full_copy, DAY)
    assert gold.read_bytes() == before


def test_a_few_problems_are_read_at_once_and_many_as_a_list() -> None:
    assert describe_problems(["a", "b"]) == dg.MetadataValue.text("a; b")
    assert describe_problems(["a", "b", "c", "d"]) == dg.MetadataValue.md("- a\n- b\n- c\n- d")
