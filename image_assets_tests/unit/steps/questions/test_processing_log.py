"""How far each entry of a source has come, by its place in the tables of its day."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from image_assets.lake.object_keys import registered_key, source_uri_of
from image_assets.lake.sql import query
from image_assets.steps.migration.ledger import Ledger
from image_assets.steps.questions.processing_log import processing_log
from image_assets.steps.vectors.embeddings import lake_tables
from image_assets.tables.migration import PROCESSING_LOG

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

ROOT = "0123456789ab"


@pytest.fixture
def ledger(scenario: "Scenario") -> Ledger:
    return Ledger(scenario.tables, ROOT)


def entry(
    scenario: "Scenario", path: str, kind: str = "image", scan: int = 0, uri: str | None = None
) -> tuple[Any, ...]:
    detail = None if kind in {"image", "sidecar", "litter", "erased"} else "why"
    told = ROOT, scan, path, kind, detail, 5, "v"
    if kind != "image":
        return (*told, *[None] * 7)
    uri = uri or source_uri_of(registered_key(scenario.day, "ann", ROOT, path))
    return (*told, scenario.day, uri, None, "ann", datetime(2026, 10, 1, tzinfo=UTC), "mtime", None)


def log(scenario: "Scenario") -> dict[str, tuple[str, str | None]]:
    encoder = scenario.encoder.description.name
    sql, views = "select * from processing_log", [processing_log(scenario.tables, encoder)]
    rows = query(scenario.tables, lake_tables(scenario.tables, encoder), sql, views)
    assert rows.columns == PROCESSING_LOG.schema.column_names()
    return {row["path"]: (row["state"], row["reason"]) for row in rows.iter_rows(named=True)}


def test_without_a_source_it_is_empty(scenario: "Scenario") -> None:
    assert log(scenario) == {}


def test_what_is_no_upload_has_failed_for_what_it_is(scenario: "Scenario", ledger: Ledger) -> None:
    kinds = ["link", "loop", "empty", "unreadable", "erased", "sidecar", "litter"]
    ledger.put(0, 0, [entry(scenario, kind, kind) for kind in kinds])
    failed = {kind: ("failed", kind) for kind in kinds[:4]}
    assert log(scenario) == {**failed, "erased": ("erased", None)}


def test_the_last_word_on_a_path_counts(scenario: "Scenario", ledger: Ledger) -> None:
    ledger.put(0, 0, [entry(scenario, "a", "empty"), entry(scenario, "b")])
    ledger.put(1, 0, [entry(scenario, "a", scan=1)])
    ledger.put(2, 0, [entry(scenario, "b", "unreadable", scan=2)])
    assert log(scenario) == {"a": ("pending", None), "b": ("failed", "unreadable")}
