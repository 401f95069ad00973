"""Gold is published as an asset of the day, where a database is named; and looked at when it is."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg
import psycopg
import pytest
from pydantic import SecretStr

from image_assets.settings import Settings

if TYPE_CHECKING:
    from image_assets_tests.servers.postgres import PostgresServer

DAYS = tuple(date(2026, 3, number) for number in (14, 15, 16, 17))

Define = Callable[[Settings], dg.Definitions]
ExecuteDays = Callable[..., dg.ExecuteInProcessResult]
MetadataOf = Callable[[dg.ExecuteInProcessResult], dict[tuple[str, str], dict[str, Any]]]


@pytest.fixture
def publishing(full_copy: Settings, postgres_url: Callable[..., str]) -> Settings:
    """A full lake, and a database for its gold."""
    return full_copy.model_copy(update={"postgres": SecretStr(postgres_url())})


def asked(settings: Settings, query: str) -> list[Any]:
    assert settings.postgres is not None
    with psycopg.connect(settings.postgres.get_secret_value()) as connection:
        # A test's own text.
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def test_days_are_published_and_checked_and_then_left_alone(
    publishing: Settings, execute_days: ExecuteDays, metadata_of: MetadataOf
) -> None:
    first, again = (execute_days(publishing, DAYS[0], DAYS[-1], assets=["postgres_gold"]) for _ in range(2))
    told = {day: made for (_, day), made in metadata_of(first).items()}
    assert [told[str(day)]["graph_built"] for day in DAYS] == [False, False, False, True]
    counts = dict(asked(publishing, "SELECT day::text, count(*) FROM images GROUP BY 1"))
    assert {day: counts.get(day, 0) for day in told} == {
        day: made["dagster/partition_row_count"] for day, made in told.items()
    }
    assert (counts[str(DAYS[1])], len(counts)) == (3, 3)
    assert {each.partition: each.passed for each in first.get_asset_check_evaluations()} == {
        str(day): True for day in DAYS
    }
    assert {made["outcome"] for made in metadata_of(again).values()} == {"unchanged"}


def test_the_check_counts_by_itself_what_is_there(
    publishing: Settings, execute_days: ExecuteDays, define: Define, instance: dg.DagsterInstance
) -> None:
    execute_days(publishing, DAYS[0], DAYS[-1], instance, assets=["postgres_gold"])
    asked(publishing, "DELETE FROM images WHERE day = '2026-03-16' RETURNING 1")
    definitions = define(publishing)
    run = dg.materialize(
        [*(definitions.assets or ()), *(definitions.asset_checks or ())],  # type: ignore[list-item]
        selection=dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("postgres_gold"), "counts_agree")),
        resources=definitions.resources,
        instance=instance,
    )
    (found,) = (each for each in run.get_asset_check_evaluations() if each.partition is None)
    assert not found.passed
    assert "2026-03-16: 0 images there, 3 in the lake: run postgres_gold" in str(found.metadata["what"].value)
    assert "2026-03-15" not in str(found.metadata["what"].value)


def test_a_database_that_will_not_do_stops_nothing_but_itself(
    publishing: Settings, execute_days: ExecuteDays, postgres_server: "PostgresServer"
) -> None:
    url = postgres_server.url("nowhere", user="someone", password="hunter2")
    run = execute_days(publishing.model_copy(update={"postgres": SecretStr(url)}), DAYS[1])
    assert [event.step_key for event in run.all_events if event.is_step_failure] == ["postgres_gold"]
    assert run.asset_materializations_for_node("daily_report")
    told = "".join(str(event) for event in run.all_events)
    assert ("correct IMAGE_ASSETS_POSTGRES" in told, "hunter2" in told) == (True, False)


def test_nothing_is_declared_where_no_database_is_named(define: Define, full_copy: Settings) -> None:
    assert "postgres_gold" not in {spec.key.to_user_string() for spec in define(full_copy).resolve_all_asset_specs()}


def test_it_is_a_daily_asset_like_the_others(define: Define, publishing: Settings) -> None:
    definitions = define(publishing)
    dg.Definitions.validate_loadable(definitions)
    published, gold = (definitions.resolve_assets_def(name) for name in ("postgres_gold", "gold_images"))
    assert (published.backfill_policy, published.partitions_def) == (gold.backfill_policy, gold.partitions_def)
