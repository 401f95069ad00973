"""What happens after a run failed: its good days go on without the bad ones, and somebody is told."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import dagster as dg
import pytest
import yaml

import image_assets
from image_assets.orchestration.automation.alerts import alert_sensor, describe_failure, post_alert
from image_assets.orchestration.jobs import DAILY_JOB
from image_assets.orchestration.runs.bad_days import name_bad_days
from image_assets.orchestration.runs.history import days_of_run
from image_assets.settings import Settings

REPOSITORY = Path(image_assets.__file__).parents[1]
DAYS = ["2026-03-14", "2026-03-15", "2026-03-16", "2026-03-17"]
RANGE = {"dagster/asset_partition_range_start": DAYS[0], "dagster/asset_partition_range_end": DAYS[-1]}
ALONE = [[day] for day in DAYS]

Fail = Callable[..., dg.RunFailureSensorContext]


@pytest.fixture
def fail(instance: dg.DagsterInstance) -> Fail:
    """A run with these tags fails, for these days if it says so: what its sensors are given."""

    @dg.op(config_schema={"bad": [str]})
    def derivatives(context: dg.OpExecutionContext) -> None:
        bad = context.op_config["bad"]
        metadata = name_bad_days(bad) if bad else {}
        raise dg.Failure("the disk is full: free some space", metadata=metadata, allow_retries=False)

    @dg.job
    def a_job() -> None:
        derivatives()

    def run(tags: dict[str, str], *bad: str) -> dg.RunFailureSensorContext:
        config = {"ops": {"derivatives": {"config": {"bad": list(bad)}}}}
        result = a_job.execute_in_process(config, instance=instance, tags=tags, raise_on_error=False)
        (failure,) = (event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE")
        context = dg.build_run_status_sensor_context("any", failure, instance, result.dagster_run)
        return context.for_run_failure()

    return run


@pytest.fixture
def sensor(
    define: Callable[[Settings], dg.Definitions], settings_for: Callable[..., Settings], tmp_path: Path
) -> dg.SensorDefinition:
    return define(settings_for(tmp_path)).resolve_sensor_def("split_failed_runs")


def days_asked_for(sensor: dg.SensorDefinition, failure: dg.RunFailureSensorContext) -> list[list[str]]:
    """The days of each run that is asked for."""
    requests: Any = sensor(failure) or []
    return [[str(day) for day in days_of_run(request.tags)] for request in requests]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ([DAYS[1]], [[DAYS[0]], [DAYS[2], DAYS[3]], [DAYS[1]]]),
        ([DAYS[0], DAYS[3]], [[DAYS[1], DAYS[2]], [DAYS[0]], [DAYS[3]]]),
        (DAYS, ALONE),
        ([], ALONE),
    ],
    ids=["one is bad", "two are bad", "all are bad", "nobody knows"],
)
def test_after_a_failed_run_of_several_days_the_good_ones_go_on_before_the_bad(
    sensor: dg.SensorDefinition, fail: Fail, bad: list[str], expected: list[list[str]]
) -> None:
    assert days_asked_for(sensor, fail(RANGE, *bad)) == expected


@pytest.mark.parametrize(
    "tags",
    [{"dagster/partition": DAYS[0]}, {}, {**RANGE, "image_assets/invocation": "1"}],
    ids=["one day", "none", "cli"],
)
def test_other_failed_runs_are_left_to_a_person(sensor: dg.SensorDefinition, fail: Fail, tags: dict[str, str]) -> None:
    assert days_asked_for(sensor, fail(tags)) == []


@pytest.fixture
def attempts() -> Iterator[list[dg.RunFailureSensorContext]]:
    """A run of several days crashes, such as for want of an answer while it was dequeued, each time it is started."""
    retries = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())["run_retries"]
    with dg.DagsterInstance.ephemeral(settings={"run_retries": retries}) as instance:
        yield list(_crashes(instance, 1 + retries["max_retries"]))


def test_a_run_that_dagster_starts_again_is_not_asked_for_as_well(
    sensor: dg.SensorDefinition, attempts: list[dg.RunFailureSensorContext]
) -> None:
    assert [days_asked_for(sensor, attempt) for attempt in attempts] == [[], [], ALONE]


def test_only_the_last_crash_alerts_somebody(
    hook: tuple[str, list[Any]], attempts: list[dg.RunFailureSensorContext]
) -> None:
    address, sent = hook
    for attempt in attempts:
        alert_sensor(address)(attempt)
    assert [alert["run_id"] for alert in sent] == [attempts[-1].dagster_run.run_id]


def _crashes(instance: dg.DagsterInstance, times: int) -> Iterator[dg.RunFailureSensorContext]:
    """A run of several days and the runs that replace it, each killed from outside."""
    first = last = None
    for _ in range(times):
        tags = {**RANGE, **({"dagster/root_run_id": first} if first else {})}
        run = dg.DagsterRun(
            DAILY_JOB, tags=tags, root_run_id=first, parent_run_id=last, status=dg.DagsterRunStatus.STARTED
        )
        first, last = first or run.run_id, run.run_id
        failure = instance.report_run_failed(instance.add_run(run))
        failed = instance.get_run_by_id(run.run_id)
        assert failed
        yield dg.build_run_status_sensor_context("any", failure, instance, failed).for_run_failure()


def test_an_alert_says_what_failed_for_which_days_and_why(fail: Fail) -> None:
    alert = describe_failure(fail(RANGE))
    assert alert["text"] == (
        "a_job for 2026-03-14 to 2026-03-17 failed\nderivatives: the disk is full: free some space"
    )


def test_an_alert_names_the_run_to_open(fail: Fail, instance: dg.DagsterInstance) -> None:
    alert = describe_failure(fail({}))
    assert (alert["run_id"], alert["days"]) == (instance.get_runs()[0].run_id, [])


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    """A web hook on this machine, and what it was sent."""
    sent: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", sent
        server.shutdown()
        thread.join()


def test_an_alert_reaches_the_hook_as_json(hook: tuple[str, list[Any]]) -> None:
    address, sent = hook
    post_alert(address, {"text": "no"})
    assert sent == [{"text": "no"}]


@pytest.mark.parametrize(("webhook", "sensors"), [("http://127.0.0.1:9/", 1), (None, 0)])
def test_alerts_are_sent_where_a_hook_is_set(
    define: Callable[[Settings], dg.Definitions],
    settings_for: Callable[..., Settings],
    tmp_path: Path,
    webhook: str | None,
    sensors: int,
) -> None:
    found = define(settings_for(tmp_path, alert_webhook=webhook)).sensors or []
    assert sum(sensor.name == "alerts" for sensor in found) == sensors
