"""`image-assets doctor`: what is well, what is not, and what to do."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.cli.examinations import (
    EXAMINATIONS,
    examine_dagster,
    examine_enrichment,
    examine_landing,
    examine_model,
    examine_storage,
    examine_tables,
    examine_tracking,
)
from image_assets.cli.setup import examine
from image_assets.errors import ConfigurationError, ImageAssetsError, ModelError, StorageError, TableError
from image_assets.settings import Settings, load_settings

Invoke = Callable[..., Result]


@pytest.fixture
def settings(damaged_home: Path) -> Settings:
    return load_settings()


def test_a_healthy_installation_is_well(full_home: Path, invoke: Invoke) -> None:
    result = invoke("doctor")
    marks = [line.split()[1] for line in result.output.splitlines() if line.startswith("│")]
    assert (result.exit_code, marks) == (0, ["ok"] * len(EXAMINATIONS))


def test_one_trouble_does_not_hide_the_others(full_home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    (full_home / "file").touch()
    monkeypatch.setenv("IMAGE_ASSETS_ROOT", str(full_home / "file" / "lake"))
    monkeypatch.setenv("IMAGE_ASSETS_ENCODER", str(full_home / "no-model"))
    result = invoke("doctor")
    marks = [line.split()[1] for line in result.output.splitlines() if line.startswith(("│ ok", "│ no"))]
    assert marks == ["ok", "no", "no", "no", "no", "no", "ok", "no", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok"]
    assert isinstance(result.exception, ImageAssetsError)


def test_a_root_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=f"below {tmp_path}/file/lake"):
        examine_storage(settings.model_copy(update={"root": tmp_path / "file" / "lake"}))


def test_the_examination_of_the_storage_leaves_nothing_behind(settings: Settings) -> None:
    before = {path for path in settings.root.rglob("*") if path.is_file()}
    examine_storage(settings)
    assert {path for path in settings.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "place",
    ["photo.jpg", "2026-3-4/ann/photo.jpg", "20260304/ann/photo.jpg", "2025-12-31/ann/photo.jpg", "ann/photo.jpg"],
)
def test_a_file_that_belongs_to_no_day_is_named(settings: Settings, place: str) -> None:
    path = settings.root / "landing" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with pytest.raises(ConfigurationError, match=f"1 files belong to no day, such as 'landing/{place}': move them"):
        examine_landing(settings)


def test_a_landing_zone_whose_files_all_have_a_day_is_well(settings: Settings) -> None:
    assert examine_landing(settings) == "1 days have uploads; no file lies outside a day"


def test_a_table_file_that_cannot_be_read_is_named(settings: Settings) -> None:
    (file,) = (settings.root / "tables" / "thumbnails").iterdir()
    file.write_bytes(b"PAR1 no more")
    with pytest.raises(TableError, match=f"{file} cannot be read as Parquet"):
        examine_tables(settings)


def test_a_file_of_vectors_that_cannot_be_read_is_named(settings: Settings) -> None:
    (file,) = (settings.root / "tables" / "image_embeddings" / "builtin").iterdir()
    file.write_bytes(b"PAR1 no more")
    with pytest.raises(TableError, match=f"{file} cannot be read as Parquet"):
        examine_tables(settings)


def test_a_missing_model_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no-model"):
        examine_model(settings.model_copy(update={"encoder": str(tmp_path / "no-model")}))


def test_a_model_that_runs_is_described(settings: Settings) -> None:
    assert examine_model(settings.model_copy(update={"device": "cpu"})).startswith("builtin (")


def test_a_folder_without_dagster_yaml_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").unlink()
    with pytest.raises(ConfigurationError, match=r"no dagster\.yaml in"):
        examine_dagster(settings)


def test_a_dagster_home_that_is_not_there_is_a_finding(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "/no/such/folder")
    with pytest.raises(ImageAssetsError, match="DAGSTER_HOME"):
        examine_dagster(settings)


def test_an_empty_lake_is_well(settings: Settings, tmp_path: Path) -> None:
    shutil.rmtree(settings.root)
    assert examine_tables(settings) == "0 table files can be read"


def test_what_is_asked_of_images_is_counted(settings: Settings) -> None:
    told = examine_enrichment(settings)
    assert "tags" in told
    assert "captions by template, text is not read" in told


def test_a_captioner_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="IMAGE_ASSETS_CAPTIONER"):
        examine_enrichment(settings.model_copy(update={"captioner": str(tmp_path)}))


def test_a_record_of_trainings_that_cannot_be_read_is_named(settings: Settings) -> None:
    assert examine_tracking(settings) == "no training was recorded yet"
    (settings.root / "mlflow.db").write_bytes(b"no database " * 1000)
    with pytest.raises(StorageError, match=f"{settings.root}/mlflow.db is damaged .*: move it away"):
        examine_tracking(settings)


def test_a_damaged_file_of_dagsters_is_named_and_hides_nothing(damaged_home: Path, invoke: Invoke) -> None:
    invoke("plan")
    file = damaged_home / "data" / "dagster" / "history" / "runs.db"
    file.write_bytes(b"no database " * 1000)
    result = invoke("doctor")
    marks = [line.split()[1] for line in result.output.splitlines() if line.startswith(("│ ok", "│ no"))]
    assert marks == ["ok"] * 9 + ["no"] + ["ok"] * 6
    assert "history/runs.db is damaged" in " ".join(result.output.split())


class Panic(BaseException):
    """As Rust's, which is no Exception."""


@pytest.mark.parametrize(
    "error", [RuntimeError("of a kind that nobody has met"), Panic("of a kind that nobody has met")]
)
def test_a_doctor_outlives_what_it_examines(settings: Settings, error: BaseException) -> None:
    def broken(_settings: Settings) -> str:
        raise error

    words = f"cannot be examined: {type(error).__name__}: of a kind that nobody has met"
    assert examine("anything", broken, settings) == (False, "anything", words)
