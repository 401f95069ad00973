"""What the code location declares, whatever the lake holds."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

import image_assets
from image_assets.orchestration.partitions import BACKFILL_POLICY
from image_assets.settings import Settings
from image_assets.tables.catalogue import TABLES

DAILY = ["landing", *(table.name for table in TABLES), "image_embeddings", "image_predictions", "daily_report"]
TRAINED = ["training_set", "label_issues", "classifier", "classifier_evaluations"]
WHOLE = [*TRAINED, "vector_index", "vector_map", "warehouse", "reconciliation", "scrub", "run_history"]
ENRICHED = ["image_tags", "image_moderation", "image_captions"]
CONSERVED = ["bronze_images", "silver_images", "thumbnails", "watermarked_previews", "image_embeddings", *ENRICHED]
INFERENCE = ["image_embeddings", "image_tags", "image_moderation", "image_predictions"]
HEAVY = ["torch", "transformers", "mlflow", "sklearn", "psycopg", "ray"]


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


def test_every_asset_says_what_it_is_and_whose(specs: dict[str, dg.AssetSpec]) -> None:
    assert {name for name, spec in specs.items() if spec.group_name in {None, "default"}} == set()
    assert {name for name, spec in specs.items() if len(spec.description or "") <= 20} == set()
    assert {name for name, spec in specs.items() if not spec.kinds} == set()
    assert {name for name, spec in specs.items() if spec.owners != ["team:photos"]} == set()


def test_groups_are_plain_words_which_dagster_can_send_to_its_ui(specs: dict[str, dg.AssetSpec]) -> None:
    assert [name for name, spec in specs.items() if type(spec.group_name) is not str] == []


def test_every_daily_asset_is_partitioned_by_utc_days_from_the_start_day(specs: dict[str, dg.AssetSpec]) -> None:
    days = dg.DailyPartitionsDefinition("2026-02-03", timezone="UTC", end_offset=1)
    assert {name: specs[name].partitions_def for name in DAILY} == dict.fromkeys(DAILY, days)
    assert {name for name in WHOLE if specs[name].partitions_def} == set()


def test_the_days_end_with_today(specs: dict[str, dg.AssetSpec]) -> None:
    partitions = specs["bronze_images"].partitions_def
    assert partitions is not None
    assert partitions.get_last_partition_key() == datetime.now(UTC).date().isoformat()


def test_every_daily_asset_has_the_one_backfill_policy(definitions: dg.Definitions) -> None:
    policies = {name: definitions.resolve_assets_def(name).backfill_policy for name in DAILY[1:]}
    assert policies == dict.fromkeys(policies, BACKFILL_POLICY)


def test_a_backfill_of_some_days_takes_in_no_other_day(specs: dict[str, dg.AssetSpec]) -> None:
    """A dependency on other days would also split a day's chain into runs in which no check gates what follows."""
    mapped = {name for name in DAILY[1:] for dep in specs[name].deps if dep.partition_mapping is not None}
    assert mapped == set()
    assert [name for name in DAILY[1:] if not specs[name].deps] == []


def test_every_table_asset_declares_the_columns_of_its_schema(specs: dict[str, dg.AssetSpec]) -> None:
    for table in TABLES:
        declared: dg.TableSchema = specs[table.name].metadata["dagster/column_schema"]
        found = [(each.name, each.type, each.description, each.constraints.nullable) for each in declared.columns]
        assert found == [
            (name, str(column.dtype), column.description, column.nullable)
            for name, column in table.schema.columns().items()
        ]


@pytest.mark.parametrize("name", ["rejected_images", "daily_summary"])
def test_no_single_column_of_a_composite_key_is_declared_unique(specs: dict[str, dg.AssetSpec], name: str) -> None:
    declared: dg.TableSchema = specs[name].metadata["dagster/column_schema"]
    assert [column.name for column in declared.columns if column.constraints.unique] == []


def test_every_table_asset_has_a_version_of_its_code(specs: dict[str, dg.AssetSpec]) -> None:
    assert [table.name for table in TABLES if not specs[table.name].code_version] == []


def test_what_must_not_be_wrong_is_checked_and_stops_what_follows(
    checks: dict[tuple[str, str], dg.AssetCheckSpec],
) -> None:
    wanted = {(table.name, "schema") for table in TABLES}
    wanted |= {(name, "conservation") for name in CONSERVED}
    wanted |= {(name, "pixels_only") for name in ("silver_images", "thumbnails", "watermarked_previews")}
    wanted |= {("image_embeddings", "unit_vectors")}
    assert wanted - {key for key, spec in checks.items() if spec.blocking} == set()


def test_a_day_unlike_the_last_ones_stops_nothing(checks: dict[tuple[str, str], dg.AssetCheckSpec]) -> None:
    names = {"volume", "rejected_share", "blur_drift", "label_drift", "embedding_drift"}
    found = {name: spec.blocking for (_, name), spec in checks.items() if name in names}
    assert found == dict.fromkeys(names, False)


def test_every_job_schedule_and_sensor_is_described(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    named = [*repository.get_all_jobs(), *repository.schedule_defs, *repository.sensor_defs]
    nameless = [each.name for each in named if not each.description and not each.name.startswith("__")]
    assert nameless == []


def test_every_check_says_what_it_wants(checks: dict[tuple[str, str], dg.AssetCheckSpec]) -> None:
    assert [key for key, spec in checks.items() if not spec.description] == []


def test_inference_and_nothing_else_takes_a_slot_of_the_gpu_pool(definitions: dg.Definitions) -> None:
    pools = {name: definitions.resolve_assets_def(name).op.pool for name in DAILY[1:]}
    assert pools == {name: "gpu" if name in INFERENCE else None for name in pools}


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
