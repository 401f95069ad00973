"""The real Prometheus collects a running service with the files that are shipped: Debian's package `prometheus`."""

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Served

REPOSITORY = Path(__file__).parents[2]
CONFIG = REPOSITORY / "deploy" / "prometheus"
DASHBOARD = json.loads((REPOSITORY / "deploy" / "grafana" / "image-assets.json").read_text())
RULES = [rule for group in yaml.safe_load((CONFIG / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
IN_DASHBOARD = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [*IN_DASHBOARD, *((rule["alert"], rule["expr"]) for rule in RULES)]
NAMES = re.compile(r"\b(?:image_assets|process)_\w+")

pytestmark = pytest.mark.skipif(
    not shutil.which("prometheus") or not shutil.which("promtool"),
    reason="prometheus and promtool are not installed: apt install prometheus",
)


def promtool(*arguments: str, said: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], input=said, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(served: "Served", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped files beside a key, for the service that runs."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "image-assets.key").write_text(served.lake.keys["admin"])
    shutil.copy(CONFIG / "alerts.yml", folder)
    config = yaml.safe_load((CONFIG / "prometheus.yml").read_text())
    config["global"]["scrape_interval"] = "1s"
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [served.url.removeprefix("http://")]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    return folder


class Prometheus:
    """A running one."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, **params: str) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=params).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def values(self, expression: str) -> list[float]:
        return [float(each["value"][1]) for each in self.ask("query", query=expression)["result"]]

    def wait_for(self, expression: str) -> list[float]:
        """What an expression comes to, once it comes to anything."""
        deadline = time.monotonic() + 30
        while not (found := self.values(expression)):
            assert time.monotonic() < deadline, self.ask("targets")
            time.sleep(0.2)
        return found


@pytest.fixture(scope="module")
def prometheus(folder: Path) -> Iterator[Prometheus]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address={address}"], cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not _is_ready(f"http://{address}/-/ready"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(20)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.ConnectError:
        return False


def test_promtool_finds_no_fault_in_what_is_shipped(folder: Path) -> None:
    checked = promtool("check", "config", str(folder / "prometheus.yml"))
    assert checked.returncode == 0, checked.stderr
    assert f"{len(RULES)} rules found" in checked.stdout


def test_promtool_finds_no_fault_in_the_numbers(served: "Served") -> None:
    numbers = served.ask("/metrics", "admin")
    checked = promtool("check", "metrics", said=numbers.text)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_prometheus_collects_a_running_service(served: "Served", prometheus: Prometheus) -> None:
    served.ask("/v1/images/00000000-0000-5000-8000-000000000000", "read")
    assert prometheus.wait_for('up{job="image-assets"} == 1') == [1.0]
    (count,) = prometheus.wait_for('image_assets_http_requests_total{route="/v1/images/{image_id}", status="404"}')
    assert count >= 1
    assert set(prometheus.wait_for('image_assets_part_state{state="failed"}')) == {0.0}
    assert prometheus.wait_for("image_assets_tables_partitions") == [2.0]


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS, ids=[title for title, _ in EXPRESSIONS])
def test_every_expression_is_one_and_names_what_there_is(
    served: "Served", prometheus: Prometheus, title: str, expression: str
) -> None:
    plain = expression.replace("$__rate_interval", "5m").replace("$instance", ".*")
    prometheus.ask("query", query=plain)
    exposed = set(re.findall(r"^# TYPE (\w+)", served.ask("/metrics", "admin").text, re.MULTILINE))
    named = {re.sub(r"_(bucket|sum|count)$", "", name) for name in NAMES.findall(expression)}
    assert named <= exposed


def test_no_alert_goes_off_while_all_is_well(prometheus: Prometheus) -> None:
    prometheus.wait_for('up{job="image-assets"} == 1')
    # How full and how busy the machine is, is its own affair.
    about_the_service = ("ServiceDown", "PartFailed", "ModelStuck", "RequestsFail", "TooBusy")
    rules = [rule for rule in RULES if rule["alert"] in about_the_service]
    assert [rule["alert"] for rule in rules if prometheus.values(rule["expr"])] == []
    assert len(rules) == len(about_the_service)


def test_the_dashboard_takes_its_source_as_a_variable() -> None:
    sources = [each["datasource"]["uid"] for panel in DASHBOARD["panels"] for each in (panel, *panel["targets"])]
    assert set(sources) == {"${datasource}"}
    assert [each["name"] for each in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
