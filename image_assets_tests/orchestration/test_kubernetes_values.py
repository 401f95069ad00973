"""The values for Dagster's Helm chart, as far as dagster-k8s and Dagster itself can judge them.

The chart turns the keys of these parts into those of dagster.yaml, which is to write them in another case.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.instance.config import dagster_instance_config_schema
from dagster_azure.blob.compute_log_manager import AzureBlobComputeLogManager
from dagster_k8s import K8sRunLauncher

from image_assets.settings import PREFIX, Settings

REPOSITORY = Path(__file__).parents[2]
VALUES = yaml.safe_load((REPOSITORY / "deploy" / "kubernetes" / "values.yaml").read_text())
USUAL = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())
RAW = {"resources", "runK8sConfig", "securityContext", "labels"}
"""What the chart passes on as it is, or with the names of its first level only."""


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def in_snake_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {snake(key): value if key in RAW else in_snake_case(value) for key, value in value.items()}
    return [in_snake_case(each) for each in value] if isinstance(value, list) else value


def problems(schema: Any, config: Any) -> list[str]:
    found = process_config(resolve_to_config_type(schema), config)
    return [error.message for error in found.errors or ()]


def test_the_launcher_takes_what_is_told_of_runs() -> None:
    told = in_snake_case(VALUES["runLauncher"]["config"]["k8sRunLauncher"])
    told["run_k8s_config"] = {snake(part): raw for part, raw in told["run_k8s_config"].items()}
    by_the_chart = {
        "service_account_name": "dagster",
        "job_namespace": "images",
        "instance_config_map": "dagster",
    }
    assert problems(K8sRunLauncher.config_type(), {**told, **by_the_chart}) == []
    assert problems(K8sRunLauncher.config_type(), {**told, "image_pull_polcy": "Always"}) != []


def test_what_runs_are_told_is_a_setting() -> None:
    variables = [each.split("=")[0] for each in VALUES["runLauncher"]["config"]["k8sRunLauncher"]["envVars"]]
    own = {name.removeprefix(PREFIX).lower() for name in variables if name.startswith(PREFIX)}
    assert own
    assert own <= set(Settings.model_fields)


def test_the_instance_is_that_of_one_machine_with_more_runs_at_once() -> None:
    daemon, concurrency = (in_snake_case(VALUES[part]) for part in ("dagsterDaemon", "concurrency"))
    told = {
        "concurrency": {"runs": concurrency["runs"], "pools": concurrency["pools"]},
        "run_monitoring": daemon["run_monitoring"],
        "run_retries": daemon["run_retries"],
        "retention": {name: in_snake_case(VALUES["retention"][name]) for name in ("schedule", "sensor")},
        "python_logs": in_snake_case(VALUES["pythonLogs"]),
        "telemetry": VALUES["telemetry"],
    }
    # The chart writes the key of a tag limit in the case of its values.
    for limit in told["concurrency"]["runs"]["tag_concurrency_limits"]:
        limit["value"] = {"applyLimitPerUniqueValue": limit["value"]["apply_limit_per_unique_value"]}
    assert problems(dagster_instance_config_schema(), told) == []
    more = {"max_concurrent_runs", "default_limit", "start_timeout_seconds", "poll_interval_seconds"}
    assert different(told, {name: USUAL[name] for name in told}) == more


def different(one: Any, other: Any) -> set[str]:
    """Names under which two trees have something else."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return set()
    names = one.keys() | other.keys()
    below = {found for name in names for found in different(one.get(name), other.get(name))}
    both_trees = {name for name in names if isinstance(one.get(name), dict) and isinstance(other.get(name), dict)}
    return below | {name for name in names - both_trees if one.get(name) != other.get(name)}


def test_logs_of_computing_go_where_dagster_azure_takes_them() -> None:
    told = VALUES["computeLogManager"]
    assert told["type"] == AzureBlobComputeLogManager.__name__
    assert (
        problems(AzureBlobComputeLogManager.config_type(), in_snake_case(told["config"]["azureBlobComputeLogManager"]))
        == []
    )


@pytest.mark.parametrize("part", ["postgresql", "dagster-user-deployments"])
def test_no_password_is_written_down(part: str) -> None:
    assert "assword" not in yaml.safe_dump(VALUES[part])
