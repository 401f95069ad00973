"""A day on two machines of Ray, of which one goes while it works; the lake is where both see it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from image_assets.cli.runs import SOME_REJECTED
from image_assets.compute.engine import EngineParams, ProcessEngine
from image_assets.ids import ObjectKey
from image_assets.imaging.derivatives import DerivativeParams
from image_assets.imaging.inspect import InspectParams
from image_assets.lake import object_keys
from image_assets.lake.opening import LakeParams, open_tables
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.remote.address import RemoteRoot
from image_assets.samples.feed import generate_feed
from image_assets.steps.images.bronze import take_in_day
from image_assets.steps.images.silver import DERIVED_TABLES, derive_day
from image_assets.tables.embeddings import embeddings_name
from image_assets.tables.images import SILVER_IMAGES
from image_assets_tests.servers.clouds import Cloud, use
from image_assets_tests.servers.equality import differences
from image_assets_tests.servers.ray_cluster import ENVIRONMENT, Cluster, kill_tree, running_cluster

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
PHOTOS = 40
EMBEDDINGS = embeddings_name("builtin")

Run = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def cluster(s3_server: Cloud) -> Iterator[Cluster]:
    """A head that may ask the cloud, as a node may."""
    with running_cluster(s3_server.environment) as cluster:
        yield cluster


@pytest.fixture
def run(
    new_home: Callable[[], Path], repository: Path, environment: dict[str, str], s3_server: Cloud, cluster: Cluster
) -> Run:
    """Have the command line bring yesterday of a lake up to date."""

    def start(root: RemoteRoot) -> subprocess.Popen[str]:
        lake = {"IMAGE_ASSETS_ROOT": str(root), "IMAGE_ASSETS_STORAGE_ENDPOINT": str(s3_server.params.endpoint)}
        who = {**environment, **ENVIRONMENT, **s3_server.environment, **lake, "RAY_ADDRESS": cluster.address}
        who |= {"IMAGE_ASSETS_ENGINE": "ray", "PYTHONPATH": str(repository)}
        command = [sys.executable, "-m", "image_assets", "run", "--day", str(YESTERDAY)]
        home = new_home()
        with (home / "log").open("wb") as log:
            return subprocess.Popen(command, cwd=home, env=who, stdout=log, stderr=log, text=True)

    return start


def filled_lake(cloud: Cloud) -> tuple[RemoteRoot, ParquetTables]:
    """With uploads of yesterday."""
    root = cloud.new_root()
    tables = open_tables(LakeParams(root, storage=cloud.params))
    for file in generate_feed([YESTERDAY], PHOTOS, seed=7):
        place = f"{object_keys.landing_prefix(YESTERDAY)}/{file.user_id}/{file.filename}"
        tables.store.write(ObjectKey(place), file.data)
    return root, tables


def wait_until_it_works(node: "subprocess.Popen[bytes]", driver: "subprocess.Popen[str]") -> None:
    """Its foreman starts workers for the first items that it is given."""
    give_up_at = time.monotonic() + 200
    while not any("image_assets.compute.worker" in each.cmdline() for each in children_of(node)):
        assert driver.poll() is None, "the run ended first"
        assert time.monotonic() < give_up_at, "the node was given nothing"
        time.sleep(0.02)


def children_of(node: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    found = psutil.Process(node.pid).children(recursive=True)
    return [each for each in found if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.timeout(900)
def test_of_a_machine_that_goes_in_mid_run_nothing_is_lost_and_nothing_is_twice(
    cluster: Cluster, run: Run, s3_server: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(s3_server, monkeypatch)
    (_, usual), (root, scattered) = filled_lake(s3_server), filled_lake(s3_server)
    node = cluster.start_node()
    driver = run(root)
    wait_until_it_works(node, driver)
    kill_tree(node)
    assert driver.wait(600) == SOME_REJECTED
    take_in_and_derive(usual)
    assert [told for told in differences(usual, scattered) if "in one lake only" not in told] == []
    found = {name: scattered.read_column(name, YESTERDAY, "image_id") for name in (SILVER_IMAGES.name, EMBEDDINGS)}
    assert found[EMBEDDINGS].n_unique() == found[EMBEDDINGS].len() == found[SILVER_IMAGES.name].len() > PHOTOS / 2


def take_in_and_derive(tables: ParquetTables) -> None:
    """On one machine, undisturbed."""
    with ProcessEngine(EngineParams(workers=2)) as engine:
        take_in_day(tables, YESTERDAY, InspectParams(), engine, chunk_size=256)
        derive_day(tables, YESTERDAY, DerivativeParams(), engine, wanted=DERIVED_TABLES, chunk_size=256)


def test_the_roll_is_called_on_all_nodes_and_a_folder_is_refused_where_one_does_not_see_it(cluster: Cluster) -> None:
    node = cluster.start_node()
    program = (
        "from image_assets.compute.cluster.roll_call import call_the_roll\n"
        "print(len(call_the_roll(is_lake_shared=True)), 'nodes')\n"
        "call_the_roll(is_lake_shared=False)\n"
    )
    there = {**os.environ, **ENVIRONMENT, "RAY_ADDRESS": cluster.address}
    done = subprocess.run([sys.executable, "-c", program], env=there, capture_output=True, text=True, check=False)
    kill_tree(node)
    assert done.stdout == "2 nodes\n", done.stderr
    assert "1 other nodes of the Ray cluster do not see it" in done.stderr
