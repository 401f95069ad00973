"""Runs for programs that collect logs: a JSON object per line, and in it what an operator counts or is woken by."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import pytest

from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.runs.json_console import console_config
from image_assets.orchestration.runs.local_runs import run_days
from image_assets.settings import Settings

DAY = date(2026, 3, 15)


@pytest.fixture
def definitions(full_copy: Settings, define: Callable[[Settings], dg.Definitions]) -> dg.Definitions:
    return define(full_copy.model_copy(update={"log_format": "json"}))


def run(definitions: dg.Definitions, *assets: str) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(DAILY_JOB).execute_in_process(
        partition_key=str(DAY),
        asset_selection=[dg.AssetKey(name) for name in assets],
        run_config=console_config("DEBUG"),
        raise_on_error=False,
    )


def told(capture: pytest.CaptureFixture[str], event: str) -> Sequence[Mapping[str, Any]]:
    """Lines about a kind of event; every line is JSON."""
    lines = [json.loads(line) for line in capture.readouterr().err.splitlines()]
    return [line for line in lines if line.get("event") == event]


def test_what_was_made_is_told_with_its_numbers(definitions: dg.Definitions, capfd: pytest.CaptureFixture[str]) -> None:
    result = run(definitions, "bronze_images")
    (made,) = told(capfd, "ASSET_MATERIALIZATION")
    assert {
        name: made[name] for name in ("level", "run_id", "job", "step", "asset", "day", "accepted", "rejected")
    } == {
        "level": "INFO",
        "run_id": result.run_id,
        "job": DAILY_JOB,
        "step": "bronze_images",
        "asset": "bronze_images",
        "day": str(DAY),
        "accepted": 3,
        "rejected": 0,
    }


def test_a_failed_step_is_told_with_its_reason(
    full_copy: Settings, definitions: dg.Definitions, capfd: pytest.CaptureFixture[str]
) -> None:
    (full_copy.root / "tables" / "silver_images" / f"{DAY}.parquet").write_bytes(b"PAR1 no more")
    run(definitions, "silver_images")
    failed = next(line for line in told(capfd, "STEP_FAILURE") if line["step"] == "derivatives")
    assert failed["level"] == "ERROR"
    assert "cannot be read as Parquet" in failed["why"]


@pytest.mark.parametrize(("log_format", "runs"), [("json", 1), ("text", 0)])
def test_runs_of_the_command_line_speak_when_asked_to(
    full_copy: Settings,
    define: Callable[[Settings], dg.Definitions],
    capfd: pytest.CaptureFixture[str],
    log_format: str,
    runs: int,
) -> None:
    definitions = define(full_copy.model_copy(update={"log_format": log_format}))
    with dg.DagsterInstance.ephemeral() as instance:
        next(run_days(definitions, instance, [DAY]))
    said = capfd.readouterr().err
    assert said.count('"event": "PIPELINE_START"') == runs
    assert bool(said) == bool(runs)
