"""Whatever is wrong with a database is told with its remedy; nothing is half published, and the next run heals."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pydantic import SecretStr

from image_assets.errors import ConfigurationError, StoreReadOnlyError, StoreUnavailableError
from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.publishing.postgres import images_table
from image_assets.publishing.postgres.server import Postgres
from image_assets.publishing.postgres.vector_column import VectorColumn
from image_assets.steps.publishing.postgres_gold import Publication, PublishParams
from image_assets.steps.publishing.published_rows import PublishedDay

if TYPE_CHECKING:
    from image_assets_tests.servers.postgres import PostgresServer
    from image_assets_tests.unit.steps.publishing.conftest import Shop

UrlOf = Callable[..., str]
COLUMN = VectorColumn("halfvec", 4)


def test_another_dimension_is_refused_with_the_way_out(published: "Shop") -> None:
    wider = EncoderDescription("wider", "1", 8, 1, "none", "made in code")
    publication = Publication(published.server, published.lake.tables, wider, PublishParams())
    with pytest.raises(ConfigurationError, match=r"is halfvec\(4\), wanted is halfvec\(8\).*DROP COLUMN embedding"):
        publication.begin([published.lake.day])


def test_who_takes_the_way_out_has_all_vectors_again(published: "Shop") -> None:
    published.ask("ALTER TABLE images DROP COLUMN embedding")
    published.publish(vectors="vector")
    assert published.ask("SELECT count(embedding) FROM images") == [3]
    (graph,) = published.ask("SELECT pg_get_indexdef('images_embedding'::regclass)")
    assert "(embedding vector_cosine_ops)" in graph


def test_vectors_too_long_for_the_graph_are_refused_before_anything_is_made(shop: "Shop") -> None:
    long = EncoderDescription("long", "1", 2_001, 1, "none", "made in code")
    publication = Publication(shop.server, shop.lake.tables, long, PublishParams(vectors="vector"))
    with pytest.raises(ConfigurationError, match="IMAGE_ASSETS_POSTGRES_VECTORS=halfvec"):
        publication.begin([shop.lake.day])


def test_tables_of_others_by_our_names_stay_as_they_are(shop: "Shop") -> None:
    shop.ask("CREATE TABLE images (name text); INSERT INTO images VALUES ('theirs')")
    with pytest.raises(ConfigurationError, match=r"which image-assets did not make.*CREATE SCHEMA photos"):
        shop.publish()
    assert shop.ask("SELECT name FROM images") == ["theirs"]


@dataclass(frozen=True)
class Interrupted(PublishedDay):
    """A day in which something happens when its images are in and its tags are not."""

    happens: Callable[[], object] = print

    def tags(self, ids: Any) -> Any:
        self.happens()
        return super().tags(ids)


def interrupted(shop: "Shop", happens: Callable[[], object]) -> Interrupted:
    lake = shop.lake
    return Interrupted(lake.tables, lake.day, lake.encoder.description, COLUMN, happens=happens)


def test_a_server_that_goes_in_mid_transaction_has_nothing_of_the_day_and_all_of_it_next_time(
    shop: "Shop", postgres: Any
) -> None:
    with postgres.running_server(fsync="on") as own:
        alone = shop.at(own.url())
        alone.publication().begin([])
        with (
            pytest.raises(StoreUnavailableError, match="nothing was half published"),
            alone.server.connected() as there,
        ):
            images_table.replace_day(there, COLUMN, interrupted(shop, own.stop))
        with pytest.raises(StoreUnavailableError, match="No such file or directory"):
            alone.publish()
        own.start()
        assert alone.ask("SELECT count(*) FROM images") == [0]
        assert alone.publish().outcome == "3 added, 0 changed, 0 removed"
        assert alone.problems() == []


def test_two_who_publish_a_day_at_once_write_it_once(shop: "Shop") -> None:
    shop.publication().begin([shop.lake.day])
    reports: list[str] = []

    def publish_too() -> None:
        with shop.connected() as other:
            other.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                images_table.replace_day(other, COLUMN, interrupted(shop, print))
        reports.append("it has to wait")

    with shop.connected() as first:
        images_table.replace_day(first, COLUMN, interrupted(shop, publish_too))
    assert (reports, shop.publish().outcome) == (["it has to wait"], "unchanged")


def refused(url: str) -> str:
    with pytest.raises(ConfigurationError) as caught, Postgres(SecretStr(url)).connected():
        pass
    return str(caught.value)


def test_a_wrong_password_is_told_without_it(postgres_server: "PostgresServer") -> None:
    postgres_server.execute("DROP ROLE IF EXISTS guarded")
    postgres_server.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    said = refused(postgres_server.url(user="guarded", password="hunter2"))
    assert 'password authentication failed for user "guarded"; correct IMAGE_ASSETS_POSTGRES' in said.replace("…", "")
    assert "hunter2" not in said


@pytest.mark.parametrize("url", ["postgresql://u:hunt er2@/db", "postgresql://u:hunter2%zz@/db"])
def test_a_url_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    said = refused(url)
    assert "IMAGE_ASSETS_POSTGRES is no libpq URL" in said
    assert "hunt" not in said


def test_a_database_that_is_not_there_is_told(postgres_server: "PostgresServer") -> None:
    assert 'database "nowhere" does not exist' in refused(postgres_server.url("nowhere"))


def test_a_server_that_is_away_is_worth_a_retry() -> None:
    away = Postgres(SecretStr("postgresql://u:hunter2@127.0.0.1:9/db"))
    with pytest.raises(StoreUnavailableError, match=r"db at 127\.0\.0\.1:9.*refused") as caught, away.connected():
        pass
    assert "hunter2" not in str(caught.value)


def test_a_user_who_may_only_read_is_told_what_is_missing(
    published: "Shop", postgres_server: "PostgresServer", postgres_url: UrlOf
) -> None:
    postgres_server.execute("DROP ROLE IF EXISTS reader")
    postgres_server.execute("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data")
    published.ask("DELETE FROM images WHERE raw_name = 'red.jpg'")
    reading = published.at(postgres_url(user="reader"))
    with pytest.raises(ConfigurationError, match=r"permission denied.*names reader, who may not: who publishes owns"):
        reading.publish()


def test_a_copy_that_can_only_be_read_is_told(published: "Shop", postgres_url: UrlOf) -> None:
    published.ask("DELETE FROM images WHERE raw_name = 'red.jpg'")
    standby = published.at(postgres_url().replace("options=", "options=-cdefault_transaction_read_only%3Don%20"))
    with pytest.raises(StoreReadOnlyError, match="name its primary in IMAGE_ASSETS_POSTGRES"):
        standby.publish()


def test_a_server_without_pgvector_is_told_what_to_install(shop: "Shop", postgres_server: "PostgresServer") -> None:
    with postgres_server.database() as name:
        postgres_server.execute(f"ALTER DATABASE {name} SET extension_control_path = '/nowhere'")
        bare = shop.at(postgres_server.url(name))
        with pytest.raises(ConfigurationError, match=r"pgvector cannot be had there: install it.*CREATE EXTENSION"):
            bare.publish()
        assert bare.ask("SELECT to_regclass('images')") == [None]


def test_a_schema_of_a_newer_program_is_left_alone(published: "Shop") -> None:
    published.ask("INSERT INTO schema_version VALUES (99, now())")
    with pytest.raises(ConfigurationError, match="version 99, this program knows 3: update image-assets"):
        published.publish()


def test_a_schema_of_an_older_program_is_brought_on(published: "Shop") -> None:
    published.ask("DROP TABLE published_days; DELETE FROM schema_version WHERE version = 3")
    published.publish()
    assert published.ask("SELECT max(version) FROM schema_version") == [3]
    assert published.ask("SELECT images FROM published_days") == [3]
