"""The index can be trusted, and its audits notice when it cannot."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest

from image_assets.search.usearch_index import UsearchIndex, UsearchParams
from image_assets.steps.audits.index_audits import audit_coverage, audit_searchable
from image_assets.steps.audits.index_recall import measure_recall
from image_assets.steps.vectors.vector_index import IndexParams, refresh_index

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

LONG_AGO, EVER = datetime(2020, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
PARAMS = IndexParams(exact_below=0)


@pytest.fixture(scope="module")
def made(scenarios: ModuleType, paint: Callable[..., bytes], tmp_path_factory: pytest.TempPathFactory) -> "Scenario":
    """A day with three images."""
    scenario: Scenario = scenarios.Scenario(tmp_path_factory.mktemp("audited") / "lake")
    for colour in ("red", "green", "blue"):
        scenario.land(f"anna/{colour}.png", paint(colour, kind="PNG"))
    scenario.run()
    return scenario


@pytest.fixture
def lake(made: "Scenario", tmp_path: Path) -> "Scenario":
    """A copy of it with an index, to damage."""
    shutil.copytree(made.root, tmp_path / "copy")
    copy = replace(made, root=tmp_path / "copy")
    refresh_index(copy.tables, copy.encoder.description, PARAMS)
    return copy


def coverage(lake: "Scenario", before: datetime = EVER) -> tuple[str, ...]:
    return audit_coverage(lake.tables, lake.encoder.description, UsearchParams(), before).problems


def recall(lake: "Scenario") -> float | None:
    return measure_recall(lake.tables, lake.encoder.description, UsearchParams(), queries=2, count=2)


def searchable(lake: "Scenario", before: datetime = EVER) -> tuple[tuple[str, ...], float | None]:
    audits = audit_searchable(lake.tables, lake.encoder.description, UsearchParams(), [lake.day], before)
    audit = audits[lake.day]
    return audit.problems, audit.measured


def rewrite_vectors(lake: "Scenario", keep: slice) -> None:
    lake.rewrite(lake.embeddings, lake.tables.read(lake.embeddings, lake.day)[keep])


def index_file(lake: "Scenario") -> Path:
    (file,) = (lake.root / "index").rglob("vectors")
    return file


def test_a_refreshed_index_has_everything(lake: "Scenario") -> None:
    assert coverage(lake) == ()


def test_a_missing_index_is_a_problem_with_a_way_out(made: "Scenario") -> None:
    (problem,) = coverage(made)
    assert "there should be an index of revision 1, there is none; materialize vector_index" in problem


def test_an_index_of_other_weights_is_a_problem(lake: "Scenario", scenarios: ModuleType) -> None:
    (problem,) = coverage(replace(lake, encoder=scenarios.ColourMeans(revision="2")))
    assert "there should be an index of revision 2, there is one of revision 1" in problem


def test_a_vector_that_the_index_lacks_is_a_problem(lake: "Scenario") -> None:
    rewrite_vectors(lake, slice(0, 1))
    refresh_index(lake.tables, lake.encoder.description, PARAMS)
    shutil.rmtree(lake.root / "tables" / lake.embeddings.name)
    lake.embed()
    assert coverage(lake)[0].startswith("2026-10-01: 2 vectors are not in the index, such as of ")


def test_a_ghost_is_a_problem(lake: "Scenario") -> None:
    rewrite_vectors(lake, slice(0, 1))
    assert coverage(lake) == ("2026-10-01: 2 vectors are in the index alone",)


def test_a_day_that_is_gone_leaves_ghosts(lake: "Scenario") -> None:
    shutil.rmtree(lake.root / "tables" / lake.embeddings.name)
    assert coverage(lake) == ("2026-10-01: 3 vectors are in the index alone",)


def test_keys_that_nobody_knows_are_a_problem(lake: "Scenario") -> None:
    index = UsearchIndex.load(index_file(lake), UsearchParams())
    index.remove(np.array([0], np.uint64))
    index.add(np.array([77], np.uint64), np.eye(1, 4, dtype=np.float32))
    index.save(index_file(lake))
    (problem,) = coverage(lake)
    assert problem.startswith("the keys of the index are not those of its members: shard ")


def test_a_damaged_index_is_a_problem(lake: "Scenario") -> None:
    index_file(lake).write_bytes(b"half of it")
    (problem,) = coverage(lake)
    assert "is damaged" in problem


def test_a_day_that_came_after_the_run_began_is_for_the_next_one(
    lake: "Scenario", scenarios: ModuleType, paint: Callable[..., bytes]
) -> None:
    later = scenarios.Scenario(lake.root, date(2026, 10, 2))
    later.land("anna/new.png", paint("red", kind="PNG"))
    later.run()
    assert coverage(lake, before=LONG_AGO) == ()
    assert len(coverage(lake, before=EVER)) == 1


def test_a_good_index_finds_all_of_the_nearest(lake: "Scenario") -> None:
    assert recall(lake) == 1.0


def test_an_index_that_finds_other_vectors_has_a_low_recall(lake: "Scenario") -> None:
    index = UsearchIndex.load(index_file(lake), UsearchParams())
    index.add(np.arange(3, dtype=np.uint64), -np.eye(3, 4, dtype=np.float32))
    index.save(index_file(lake))
    found = recall(lake)
    assert found is not None
    assert found < 0.5


def test_without_vectors_there_is_no_recall(scenario: "Scenario") -> None:
    assert recall(scenario) is None
    refresh_index(scenario.tables, scenario.encoder.description, PARAMS)
    assert recall(scenario) is None


def test_a_day_can_be_found_without_an_index(made: "Scenario") -> None:
    assert searchable(made) == ((), None)


def test_seconds_to_the_hit_are_measured_for_vectors_of_this_run(made: "Scenario") -> None:
    _, seconds = searchable(made, before=LONG_AGO)
    assert seconds is not None
    assert 0 <= seconds < 3600


def test_an_image_that_gold_shows_but_nothing_can_find_is_a_problem(lake: "Scenario") -> None:
    rewrite_vectors(lake, slice(0, 2))
    (problem,), _ = searchable(lake)
    assert problem.endswith("cannot be found")


def test_what_cannot_be_found_is_a_problem_of_its_own_day(
    lake: "Scenario", scenarios: ModuleType, paint: Callable[..., bytes]
) -> None:
    later = scenarios.Scenario(lake.root, date(2026, 10, 2))
    later.land("anna/new.png", paint("red", kind="PNG"))
    later.run()
    rewrite_vectors(lake, slice(0, 2))
    audits = audit_searchable(
        lake.tables, lake.encoder.description, UsearchParams(), [lake.day, later.day], before=LONG_AGO
    )
    told = {day: (audit.examined, len(audit.problems), audit.measured is None) for day, audit in audits.items()}
    assert told == {lake.day: (3, 1, True), later.day: (1, 0, False)}


def test_an_image_that_the_index_has_a_wrong_vector_of_is_a_problem(lake: "Scenario") -> None:
    index = UsearchIndex.load(index_file(lake), UsearchParams())
    index.add(np.arange(3, dtype=np.uint64), -np.eye(3, 4, dtype=np.float32))
    index.save(index_file(lake))
    (problem,), _ = searchable(lake)
    assert "is not found with its own vector" in problem


def test_a_day_without_images_is_searchable(scenario: "Scenario") -> None:
    scenario.run()
    assert searchable(scenario) == ((), None)
