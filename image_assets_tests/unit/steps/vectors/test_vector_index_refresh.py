"""The index follows the embeddings, and a reader has the former one or the new one."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import polars as pl
import pytest

from image_assets.ids import ObjectKey, Sha256, SourceUri, image_id_of
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.vectors import index_store
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_store import open_index, read_manifest
from image_assets.steps.vectors.vector_index import IndexParams, IndexReport, refresh_index

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

EXACT, GRAPH = IndexParams(exact_below=1_000), IndexParams(exact_below=0)
NEXT_DAY = date(2026, 10, 2)


def put(lake: "Scenario", day: date, *colours: str, version: str = "1") -> None:
    """Commit the day's vectors: one image per colour."""
    encoder = lake.encoder
    rows = pl.DataFrame({"image_id": [image_id_of(SourceUri(f"{day}/{colour}"), Sha256("")) for colour in colours]})
    rows = rows.with_columns(
        day=pl.lit(day),
        embedding=pl.Series(encoder.encode_texts(colours)),
        input_version=pl.lit(version),
        recipe_version=pl.lit(embedding_target(encoder.description).recipe_version),
        processed_at=pl.lit(datetime.now(UTC)),
    )
    lake.tables.replace(lake.embeddings, day, rows.sort("image_id"))


@pytest.fixture
def lake(scenario: "Scenario") -> "Scenario":
    """One day with a red and a blue image."""
    put(scenario, scenario.day, "red", "blue")
    return scenario


def refresh(lake: "Scenario", params: IndexParams = EXACT) -> IndexReport:
    return refresh_index(lake.tables, lake.encoder.description, params)


def counts(report: IndexReport) -> tuple[int, int, int]:
    return report.manifest.vectors, report.added, report.removed


def index_files(lake: "Scenario") -> dict[str, tuple[int, int]]:
    return {name: stamp for name, stamp in lake.files().items() if name.startswith("index/")}


@pytest.mark.parametrize("params", [EXACT, GRAPH], ids=["exact", "usearch"])
def test_an_index_is_built_of_every_vector(lake: "Scenario", params: IndexParams) -> None:
    assert counts(refresh(lake, params)) == (2, 2, 0)


@pytest.mark.parametrize("params", [EXACT, GRAPH], ids=["exact", "usearch"])
def test_nothing_is_written_when_nothing_changed(lake: "Scenario", params: IndexParams) -> None:
    refresh(lake, params)
    before = index_files(lake)
    report = refresh(lake, params)
    assert (report.outcome, report.days, index_files(lake)) == ("unchanged", 0, before)


@pytest.mark.parametrize("params", [EXACT, GRAPH], ids=["exact", "usearch"])
def test_only_the_days_that_changed_are_read(lake: "Scenario", params: IndexParams) -> None:
    refresh(lake, params)
    put(lake, NEXT_DAY, "green")
    report = refresh(lake, params)
    assert (report.days, counts(report), report.is_rebuilt) == (1, (3, 1, 0), False)


def test_an_image_that_went_leaves_the_index(lake: "Scenario") -> None:
    refresh(lake)
    put(lake, lake.day, "red")
    assert counts(refresh(lake)) == (1, 0, 1)


def test_a_day_that_went_leaves_the_index(lake: "Scenario") -> None:
    refresh(lake)
    (lake.root / "tables" / lake.embeddings.name / f"{lake.day}.parquet").unlink()
    assert counts(refresh(lake)) == (0, 0, 2)


def test_a_vector_of_another_input_is_replaced(lake: "Scenario") -> None:
    refresh(lake)
    put(lake, lake.day, "red", "blue", version="2")
    assert counts(refresh(lake)) == (2, 2, 2)


def test_a_file_that_was_only_copied_changes_no_vector(lake: "Scenario") -> None:
    build = refresh(lake).manifest.build
    lake.rewrite(lake.embeddings, lake.tables.read(lake.embeddings, lake.day))
    report = refresh(lake)
    assert (report.outcome, report.days, report.manifest.build) == ("unchanged", 1, build)
    assert refresh(lake).days == 0


def test_a_pool_that_outgrows_comparison_gets_the_other_kind(lake: "Scenario") -> None:
    refresh(lake, EXACT)
    report = refresh(lake, GRAPH)
    assert (report.manifest.kind, report.is_rebuilt, counts(report)) == ("usearch", True, (2, 2, 0))


def test_other_weights_make_another_index(lake: "Scenario", scenarios: ModuleType) -> None:
    refresh(lake)
    renewed = replace(lake, encoder=scenarios.ColourMeans(revision="2"))
    put(renewed, lake.day, "red", "blue")
    report = refresh(renewed)
    assert (report.manifest.revision, report.is_rebuilt, report.manifest.vectors) == ("2", True, 2)


def test_vectors_of_former_weights_are_left_out(lake: "Scenario", scenarios: ModuleType) -> None:
    renewed = replace(lake, encoder=scenarios.ColourMeans(revision="2"))
    assert refresh(renewed).manifest.vectors == 0


def test_an_index_that_was_deleted_is_built_anew(lake: "Scenario") -> None:
    refresh(lake)
    for path in sorted((lake.root / "index").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert (refresh(lake).is_rebuilt, counts(refresh(lake))[0]) == (True, 2)


@pytest.mark.parametrize("name", ["vectors", "members.parquet", "../current.json"])
@pytest.mark.parametrize("data", [b"", b"half of it"])
def test_an_index_that_is_damaged_is_built_anew(
    lake: "Scenario", name: str, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    build = refresh(lake).manifest.build
    (lake.root / "index" / "colour-means" / build / name).resolve().write_bytes(data)
    assert refresh(lake).is_rebuilt
    assert "the index is built anew: " in caplog.text


def test_a_lake_without_vectors_has_an_empty_index(scenario: "Scenario") -> None:
    assert (refresh(scenario).manifest.vectors, refresh(scenario).outcome) == (0, "unchanged")


def test_a_reader_of_the_former_manifest_still_finds_its_files(lake: "Scenario") -> None:
    former = refresh(lake).manifest
    put(lake, NEXT_DAY, "green")
    refresh(lake)
    stored = open_index(lake.store, former, EXACT.usearch, to_change=False)
    assert len(stored.index) == 2


def test_builds_that_nobody_needs_any_more_are_deleted(lake: "Scenario") -> None:
    first = refresh(lake).manifest
    for params in (GRAPH, EXACT, GRAPH):
        for path in (lake.root / "index").rglob("*"):
            os.utime(path, (0, 0))
        refresh(lake, params)
    builds = {path.parent.name for path in (lake.root / "index").rglob("vectors")}
    now = read_manifest(lake.store, "colour-means")
    assert now
    assert (builds, first.build in builds) == ({now.build, now.former}, False)


class ElsewhereStore(LocalObjectStore):
    """A store whose objects have no path on this machine."""

    __slots__ = ()

    def uri(self, key: str) -> str:
        """Like a bucket's; tables are still read by their path."""
        return super().uri(key) if key.endswith(".parquet") else f"az://container/{key}"


def test_an_index_that_lies_elsewhere_is_copied_here_once(
    lake: "Scenario", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_store, "_CACHE", tmp_path / "cache")
    store = ElsewhereStore(lake.root)
    manifest = refresh_index(ParquetTables(store), lake.encoder.description, GRAPH).manifest
    opened = open_index(store, manifest, GRAPH.usearch, to_change=False)
    store.delete(ObjectKey(f"index/colour-means/{manifest.build}/vectors"))
    assert len(opened.index) == len(open_index(store, manifest, GRAPH.usearch, to_change=False).index) == 2
