"""What the code location declares, whatever the lake holds."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

import image_assets
from image_assets.orchestration.partitions import BACKFILL_POLICY
from image_assets.settings import Settings
from image_assets.tables.catalogue import TABLES
from image_assets.tables.table import Table

DAILY = ["landing", *(table.name for table in TABLES), "image_embeddings", "image_predictions", "daily_report"]
TRAINED = ["training_set", "label_issues", "classifier", "classifier_evaluations"]
WHOLE = [*TRAINED, "vector_index", "warehouse", "reconciliation", "scrub", "run_history"]
ENRICHED = ["image_tags", "image_moderation", "image_captions"]
CONSERVED = ["bronze_images", "silver_images", "thumbnails", "watermarked_previews", "image_embeddings", *ENRICHED]
INFERENCE = ["image_embeddings", "image_tags", "image_moderation", "image_predictions"]
HEAVY = ["torch", "transformers", "mlflow", "sklearn"]


@pytest.fixture(scope="module")
def definitions(define: Callable[[Settings], dg.Definitions], settings_for: Callable[..., Settings]) -> dg.Definitions:
    return define(settings_for(Path("nowhere"), owner="team:photos", start_day="2026-02-03"))


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def checks(definitions: dg.Definitions) -> dict[tuple[str, str], dg.AssetCheckSpec]:
    found = [spec for each in definitions.asset_checks or () for spec in each.check_specs]
    return {(spec.asset_key.to_user_string(), spec.name): spec for spec in found}


def test_the_definitions_load(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_assets_are_those_of_a_day_and_those_of_the_whole_lake(specs: dict[str, dg.AssetSpec]) -> None:
    assert sorted(specs) == sorted([*DAILY, *WHOLE])


@pytest.mark.parametrize("name", [*DAILY, *WHOLE])
def test_every_asset_says_which_group_it_belongs_to(specs: dict[str, dg.AssetSpec], name: str) -> None:
    assert specs[name].group_name not in {None, "default"}


def test_groups_are_plain_words_which_dagster_can_send_to_its_ui(specs: dict[str, dg.AssetSpec]) -> None:
    assert [name for name, spec in specs.items() if type(spec.group_name) is not str] == []


@pytest.mark.parametrize("name", [*DAILY, *WHOLE])
def test_every_asset_is_described(specs: dict[str, dg.AssetSpec], name: str) -> None:
    assert len(specs[name].description or "") > 20


@pytest.mark.parametrize("name", [*DAILY, *WHOLE])
def test_every_asset_says_of_what_kind_it_is(specs: dict[str, dg.AssetSpec], name: str) -> None:
    assert specs[name].kinds


@pytest.mark.parametrize("name", [*DAILY, *WHOLE])
def test_every_asset_belongs_to_the_owner_in_the_settings(specs: dict[str, dg.AssetSpec], name: str) -> None:
    assert specs[name].owners == ["team:photos"]


@pytest.mark.parametrize("name", DAILY)
def test_every_daily_asset_is_partitioned_by_utc_days_from_the_start_day(
    specs: dict[str, dg.AssetSpec], name: str
) -> None:
    partitions = specs[name].partitions_def
    assert isinstance(partitions, dg.DailyPartitionsDefinition)
    assert (partitions.start.date(), partitions.timezone) == (date(2026, 2, 3), "UTC")


def test_the_days_end_with_today(specs: dict[str, dg.AssetSpec]) -> None:
    partitions = specs["bronze_images"].partitions_def
    assert partitions is not None
    assert partitions.get_last_partition_key() == datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize("name", DAILY[1:])
def test_every_daily_asset_has_the_one_backfill_policy(definitions: dg.Definitions, name: str) -> None:
    assert definitions.resolve_assets_def(name).backfill_policy == BACKFILL_POLICY


@pytest.mark.parametrize("name", DAILY[1:])
def test_a_backfill_of_some_days_takes_in_no_other_day(specs: dict[str, dg.AssetSpec], name: str) -> None:
    """A dependency on other days would also split a day's chain into runs in which no check gates what follows."""
    assert {dep.partition_mapping for dep in specs[name].deps} == {None}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_asset_declares_the_columns_of_its_schema(specs: dict[str, dg.AssetSpec], table: Table) -> None:
    declared: dg.TableSchema = specs[table.name].metadata["dagster/column_schema"]
    columns = [(name, str(column.dtype), column.description) for name, column in table.schema.columns().items()]
    assert [(column.name, column.type, column.description) for column in declared.columns] == columns


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_asset_declares_which_columns_may_be_null(specs: dict[str, dg.AssetSpec], table: Table) -> None:
    declared: dg.TableSchema = specs[table.name].metadata["dagster/column_schema"]
    nullable = {name for name, column in table.schema.columns().items() if column.nullable}
    assert {column.name for column in declared.columns if column.constraints.nullable} == nullable


@pytest.mark.parametrize("name", ["rejected_images", "daily_summary"])
def test_no_single_column_of_a_composite_key_is_declared_unique(specs: dict[str, dg.AssetSpec], name: str) -> None:
    declared: dg.TableSchema = specs[name].metadata["dagster/column_schema"]
    assert [column.name for column in declared.columns if column.constraints.unique] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_asset_has_a_version_of_its_code(specs: dict[str, dg.AssetSpec], table: Table) -> None:
    assert specs[table.name].code_version


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_has_a_schema_check(checks: dict[tuple[str, str], dg.AssetCheckSpec], table: Table) -> None:
    assert (table.name, "schema") in checks


@pytest.mark.parametrize("name", CONSERVED)
def test_every_layer_that_could_lose_an_image_has_a_conservation_check(
    checks: dict[tuple[str, str], dg.AssetCheckSpec], name: str
) -> None:
    assert (name, "conservation") in checks


@pytest.mark.parametrize("name", ["silver_images", "thumbnails", "watermarked_previews"])
def test_every_derivative_has_a_privacy_check(checks: dict[tuple[str, str], dg.AssetCheckSpec], name: str) -> None:
    assert (name, "pixels_only") in checks


def test_the_vectors_have_a_check_of_their_length(checks: dict[tuple[str, str], dg.AssetCheckSpec]) -> None:
    assert ("image_embeddings", "unit_vectors") in checks


@pytest.mark.parametrize("name", ["schema", "conservation", "pixels_only", "unit_vectors"])
def test_what_must_not_be_wrong_stops_what_follows(checks: dict[tuple[str, str], dg.AssetCheckSpec], name: str) -> None:
    assert {spec.blocking for (_, found), spec in checks.items() if found == name} == {True}


@pytest.mark.parametrize("name", ["volume", "rejected_share", "blur_drift", "label_drift", "embedding_drift"])
def test_a_day_unlike_the_last_ones_stops_nothing(checks: dict[tuple[str, str], dg.AssetCheckSpec], name: str) -> None:
    assert {spec.blocking for (_, found), spec in checks.items() if found == name} == {False}


def test_every_job_schedule_and_sensor_is_described(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    named = [*repository.get_all_jobs(), *repository.schedule_defs, *repository.sensor_defs]
    nameless = [each.name for each in named if not each.description and not each.name.startswith("__")]
    assert nameless == []


def test_every_check_says_what_it_wants(checks: dict[tuple[str, str], dg.AssetCheckSpec]) -> None:
    assert [key for key, spec in checks.items() if not spec.description] == []


@pytest.mark.parametrize("name", INFERENCE)
def test_inference_takes_a_slot_of_the_gpu_pool(definitions: dg.Definitions, name: str) -> None:
    assert definitions.resolve_assets_def(name).op.pool == "gpu"


def test_a_captioning_model_takes_a_slot_of_the_gpu_pool(
    define: Callable[[Settings], dg.Definitions], settings_for: Callable[..., Settings]
) -> None:
    definitions = define(settings_for(Path("nowhere"), captioner="blip"))
    assert definitions.resolve_assets_def("image_captions").op.pool == "gpu"


def test_text_is_conserved_when_it_is_read(
    define: Callable[[Settings], dg.Definitions], settings_for: Callable[..., Settings]
) -> None:
    checks = define(settings_for(Path("nowhere"), ocr=True)).asset_checks or ()
    assert ("image_text", "conservation") in {
        (spec.asset_key.to_user_string(), spec.name) for each in checks for spec in each.check_specs
    }


def test_nothing_else_waits_for_the_gpu(definitions: dg.Definitions) -> None:
    others = [name for name in DAILY[1:] if name not in INFERENCE]
    assert {definitions.resolve_assets_def(name).op.pool for name in others} == {None}


def test_a_run_stays_in_one_process(definitions: dg.Definitions) -> None:
    assert definitions.resolve_job_def("daily_images").executor_def is dg.in_process_executor


def test_the_daily_job_makes_every_daily_table(definitions: dg.Definitions) -> None:
    made = definitions.resolve_job_def("daily_images").asset_layer.selected_asset_keys
    assert {key.to_user_string() for key in made} == set(DAILY[1:])


def test_derivatives_can_be_run_one_by_one(definitions: dg.Definitions) -> None:
    assert definitions.resolve_assets_def("thumbnails").can_subset


def test_loading_the_definitions_imports_no_heavy_library(tmp_path: Path) -> None:
    script = (
        f"import sys; from image_assets.definitions import defs; defs(); print(*(set({HEAVY}) & sys.modules.keys()))"
    )
    package_root = str(Path(image_assets.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": package_root}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
