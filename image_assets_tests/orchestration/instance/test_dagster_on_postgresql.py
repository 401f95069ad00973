"""Dagster's memory in a real PostgreSQL, by the words of the documentation."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
import yaml

import image_assets
from image_assets.errors import StorageError
from image_assets.orchestration.instance.opening import open_instance
from image_assets.orchestration.runs.at_work import end_abandoned_runs

if TYPE_CHECKING:
    from image_assets_tests.servers.postgres import PostgresServer

REPOSITORY = Path(image_assets.__file__).parents[1]
PAGE = REPOSITORY / "docs" / "how-to" / "dagster-on-postgresql.md"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The repository's dagster.yaml with the `storage` of the page."""
    pytest.importorskip("dagster_postgres", reason="pip install -c constraints.txt dagster-postgres")
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    settings = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({**settings, **yaml.safe_load(block)}))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def database(postgres_server: "PostgresServer", home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database, named as the page says."""
    with postgres_server.database() as name:
        url = postgres_server.url(name).replace("postgresql://", "postgresql+psycopg2://")
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
        yield name


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["one"]))
def thing() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"images": 3})


def test_what_a_run_records_is_in_the_database(database: str, postgres_server: "PostgresServer") -> None:
    with open_instance() as instance:
        result = dg.materialize([thing], instance=instance, partition_key="one", run_config={})
    with open_instance() as again:
        records = again.fetch_materializations(thing.key, limit=10).records
    assert [record.run_id for record in records] == [result.run_id]
    ((runs,),) = postgres_server.execute("SELECT count(*) FROM runs", database)
    assert runs == 1


def test_runs_of_dead_processes_are_ended_there_too(database: str) -> None:
    with open_instance() as instance:
        run = instance.add_run(
            dg.DagsterRun(job_name="any", status=dg.DagsterRunStatus.STARTED, tags={"image_assets/invocation": "1"})
        )
        assert end_abandoned_runs(instance) == 1
        ended = instance.get_run_by_id(run.run_id)
        assert ended is not None
        assert ended.status is dg.DagsterRunStatus.CANCELED


def test_a_server_that_does_not_answer_is_told_without_the_password(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = uuid.uuid4().hex
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", f"postgresql+psycopg2://u:{secret}@127.0.0.1:9/dagster")
    with (
        pytest.raises(StorageError, match=r"Dagster's memory in .*dagster.yaml cannot be used") as told,
        open_instance(),
    ):
        pass
    assert secret not in str(told.value)
