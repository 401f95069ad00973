"""The index follows the embeddings, and a reader has the former one or the new one."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from image_assets.ids import ObjectKey, Sha256, SourceUri, image_id_of
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.object_store import ANY_VERSION
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.vectors import index_copies
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_manifest import IndexManifest, put_in_force, read_manifest
from image_assets.steps.vectors.index_store import open_shards, search_shards
from image_assets.steps.vectors.index_tiers import TierParams
from image_assets.steps.vectors.vector_index import IndexParams, IndexReport, refresh_index
from image_assets_tests.unit.steps.overtaken import OvertakenStore

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

EXACT, GRAPH = IndexParams(exact_below=1_000), IndexParams(exact_below=0)
ONE_SHARD = replace(EXACT, tiers=TierParams(of_one_size=2))
WEARING = replace(EXACT, tiers=TierParams(removed_ratio=0.5))
QUERY = np.eye(1, 4, dtype=np.float32)
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


@pytest.mark.parametrize("name", ["vectors", "members.parquet", "../manifest.json"])
@pytest.mark.parametrize("data", [b"", b"half of it"])
def test_an_index_that_is_damaged_is_built_anew(
    lake: "Scenario", name: str, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (shard,) = refresh(lake).manifest.shards
    (lake.root / "index" / "colour-means" / shard.name / name).resolve().write_bytes(data)
    assert refresh(lake).is_rebuilt
    assert "the index is built anew: " in caplog.text


def test_members_that_are_damaged_and_as_long_as_before_are_noticed(lake: "Scenario") -> None:
    (shard,) = refresh(lake).manifest.shards
    file = lake.root / "index" / "colour-means" / shard.name / "members.parquet"
    file.write_bytes(bytes(shard.member_bytes))
    assert counts(refresh(lake)) == (2, 2, 0)


def test_of_an_index_that_is_damaged_the_whole_shards_stay(lake: "Scenario") -> None:
    refresh(lake)
    put(lake, NEXT_DAY, "green")
    first, second = refresh(lake).manifest.shards
    (lake.root / "index" / "colour-means" / second.name / "vectors").write_bytes(b"half of it")
    report = refresh(lake)
    assert (counts(report), report.is_rebuilt) == ((3, 1, 0), False)
    assert first in report.manifest.shards


def test_an_index_of_the_former_layout_is_built_anew_and_swept(lake: "Scenario") -> None:
    former = lake.root / "index" / "colour-means"
    former.mkdir(parents=True)
    (former / "current.json").write_text('{"build": "b", "vectors": 2}')
    os.utime(former / "current.json", (0, 0))
    assert refresh(lake).is_rebuilt
    assert not (former / "current.json").exists()


def test_a_lake_without_vectors_has_an_empty_index(scenario: "Scenario") -> None:
    assert (refresh(scenario).manifest.vectors, refresh(scenario).outcome) == (0, "unchanged")


def opened(lake: "Scenario", manifest: IndexManifest) -> list[int]:
    return [len(shard.index) for shard in open_shards(lake.tables, manifest, EXACT.usearch)]


def test_a_reader_of_the_former_manifest_still_finds_its_files(lake: "Scenario") -> None:
    former = refresh(lake, ONE_SHARD).manifest
    put(lake, NEXT_DAY, "green")
    now = refresh(lake, ONE_SHARD).manifest
    age(lake)
    refresh(lake, ONE_SHARD)
    assert (opened(lake, former), opened(lake, now)) == ([2], [3])


def age(lake: "Scenario") -> None:
    """All files are of long ago."""
    for path in (lake.root / "index").rglob("*"):
        os.utime(path, (0, 0))


def test_shards_that_nobody_needs_any_more_are_deleted(lake: "Scenario") -> None:
    refresh(lake)
    refresh(lake, GRAPH)
    age(lake)
    manifest = read_manifest(lake.store, "colour-means")
    assert manifest
    long_ago = {name: datetime(2020, 1, 1, tzinfo=UTC) for name in manifest.retired}
    put_in_force(lake.store, replace(manifest, retired=long_ago), ANY_VERSION)
    refresh(lake, GRAPH)
    assert {path.parent.name for path in (lake.root / "index").rglob("vectors")} == {manifest.shards[0].name}


class ElsewhereStore(LocalObjectStore):
    """A store whose objects have no path on this machine."""

    __slots__ = ()

    def uri(self, key: str) -> str:
        """Like a bucket's; tables are still read by their path."""
        return super().uri(key) if key.endswith(".parquet") else f"az://container/{key}"


def test_an_index_that_lies_elsewhere_is_copied_here_once(
    lake: "Scenario", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_copies, "_CACHE", tmp_path / "cache")
    tables = ParquetTables(ElsewhereStore(lake.root))
    manifest = refresh_index(tables, lake.encoder.description, GRAPH).manifest
    first = open_shards(tables, manifest, GRAPH.usearch)
    tables.store.delete(ObjectKey(f"index/colour-means/{manifest.shards[0].name}/vectors"))
    second = open_shards(tables, manifest, GRAPH.usearch)
    assert [len(shard.index) for shard in (*first, *second)] == [2, 2]


@pytest.mark.parametrize("params", [EXACT, GRAPH], ids=["exact", "usearch"])
def test_what_is_there_is_not_written_again_for_a_new_day(lake: "Scenario", params: IndexParams) -> None:
    former = refresh(lake, params).manifest.shards
    put(lake, NEXT_DAY, "green")
    report = refresh(lake, params)
    assert (report.moved, report.manifest.shards[:1]) == (0, former)
    assert report.bytes_written == sum(shard.size_bytes + shard.member_bytes for shard in report.manifest.shards[1:])


def test_shards_of_one_size_become_one(lake: "Scenario") -> None:
    refresh(lake)
    moved = []
    for number in range(3):
        put(lake, NEXT_DAY + timedelta(days=number), "green")
        moved.append(refresh(lake).moved)
    manifest = read_manifest(lake.store, "colour-means")
    assert manifest
    assert (moved, [shard.vectors for shard in manifest.shards]) == ([0, 0, 4], [5])


def test_a_shard_is_as_large_as_it_may_be(lake: "Scenario") -> None:
    put(lake, NEXT_DAY, "green", "red", "blue")
    report = refresh(lake, replace(EXACT, tiers=TierParams(largest=2)))
    assert [shard.vectors for shard in report.manifest.shards] == [2, 2, 1]
    assert refresh(lake, replace(EXACT, tiers=TierParams(largest=2))).outcome == "unchanged"


def test_a_shard_of_which_little_has_gone_is_not_written_again(lake: "Scenario") -> None:
    put(lake, lake.day, "red", "green", "blue")
    (former,) = refresh(lake, WEARING).manifest.shards
    put(lake, lake.day, "red", "blue")
    report = refresh(lake, WEARING)
    assert (counts(report), report.bytes_written) == ((2, 0, 1), 0)
    assert [(shard.name, shard.current) for shard in report.manifest.shards] == [(former.name, 2)]
    assert len(search_shards(open_shards(lake.tables, report.manifest, WEARING.usearch), QUERY, 9).keys) == 2


def test_a_shard_of_which_much_has_gone_is_written_again(lake: "Scenario") -> None:
    refresh(lake)
    put(lake, lake.day, "red")
    report = refresh(lake)
    assert [(shard.vectors, shard.current) for shard in report.manifest.shards] == [(1, 1)]


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_refreshes_at_once_the_second_goes_on_from_the_first(lake: "Scenario", is_first: bool) -> None:
    if not is_first:
        refresh(lake)
        put(lake, NEXT_DAY, "green")
    store = OvertakenStore(lake.root, name="manifest.json", happens=[lambda: refresh(lake)])
    report = refresh_index(ParquetTables(store), lake.encoder.description, EXACT)
    assert (store.happens, report.outcome) == ([], "unchanged")
    assert report.manifest == read_manifest(lake.store, "colour-means")
