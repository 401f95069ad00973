"""What `doctor` says of the places that gold is published to: what a run would meet, before one does."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import write_deltalake
from pydantic import SecretStr

from image_assets.errors import ConfigurationError, StoreReadOnlyError, StoreUnavailableError
from image_assets.publishing.postgres.rehearsal import rehearse
from image_assets.publishing.postgres.server import Postgres
from image_assets.publishing.postgres.vector_column import VectorColumn
from image_assets.steps.publishing.delta_gold import examine_delta_place, publish_delta
from image_assets.tables.gold import GOLD_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.servers.postgres import PostgresServer
    from image_assets_tests.unit.steps.publishing.conftest import Shop

UrlOf = Callable[..., str]
COLUMN = VectorColumn("halfvec", 4)


def test_a_new_database_is_well_and_stays_empty(shop: "Shop") -> None:
    assert "halfvec(4); 0 days are published" in rehearse(shop.server, COLUMN)
    assert shop.ask("SELECT to_regclass('images') IS NULL") == [True]


def test_of_a_database_with_gold_nothing_is_changed(published: "Shop") -> None:
    before = published.writes()
    assert "1 days are published" in rehearse(published.server, COLUMN)
    assert published.writes() == before


def test_another_dimension_is_found(published: "Shop") -> None:
    with pytest.raises(ConfigurationError, match=r"is halfvec\(4\), wanted is halfvec\(8\)"):
        rehearse(published.server, VectorColumn("halfvec", 8))


def test_a_schema_of_a_newer_program_is_found(published: "Shop") -> None:
    published.ask("INSERT INTO schema_version VALUES (99, now())")
    with pytest.raises(ConfigurationError, match="of version 99, this program knows"):
        rehearse(published.server, COLUMN)


def test_a_user_who_may_only_read_is_found(
    published: "Shop", postgres_server: "PostgresServer", postgres_url: UrlOf
) -> None:
    (schema,) = published.ask("SELECT current_schema()")
    if not postgres_server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'looker'"):
        postgres_server.execute("CREATE ROLE looker LOGIN")
    published.ask(f"GRANT USAGE ON SCHEMA {schema} TO looker")
    published.ask(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO looker")
    with pytest.raises(ConfigurationError, match="names looker, who may not: who publishes owns the tables"):
        rehearse(Postgres(SecretStr(postgres_url(user="looker"))), COLUMN)


def test_a_database_that_can_only_be_read_is_found(published: "Shop") -> None:
    read_only = f"{published.url}%20-cdefault_transaction_read_only%3Don"
    with pytest.raises(StoreReadOnlyError, match="it can only be read there"):
        rehearse(Postgres(SecretStr(read_only)), COLUMN)


def test_a_database_that_does_not_answer_is_found() -> None:
    with pytest.raises(StoreUnavailableError, match=r"db at 127\.0\.0\.1:9"):
        rehearse(Postgres(SecretStr("postgresql://u@127.0.0.1:9/db")), COLUMN)


def test_pgvector_that_is_not_there_is_found(postgres_server: "PostgresServer") -> None:
    if not postgres_server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'nobody_special'"):
        postgres_server.execute("CREATE ROLE nobody_special LOGIN")
    with postgres_server.database() as name:
        postgres_server.execute("GRANT ALL ON SCHEMA public TO nobody_special", name)
        url = postgres_server.url(name, user="nobody_special")
        with pytest.raises(ConfigurationError, match="pgvector cannot be had there"):
            rehearse(Postgres(SecretStr(url)), COLUMN)


def test_a_place_of_delta_tables_is_well_and_no_file_is_left(shop: "Shop", tmp_path: Path) -> None:
    place = tmp_path / "delta"
    assert "gold_images: not published yet" in examine_delta_place(str(place))
    publish_delta(shop.lake.tables, shop.lake.day, shop.lake.encoder.description, str(place))
    assert "gold_images: version 0" in examine_delta_place(str(place))
    assert not list(place.glob(".doctor*"))


def test_a_place_that_takes_no_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailableError, match="cannot be used"):
        examine_delta_place(str(tmp_path / "file" / "delta"))


def test_another_table_in_the_place_is_found(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / GOLD_IMAGES.name), pl.DataFrame({"a": [1]}))
    with pytest.raises(ConfigurationError, match=r"is another Delta table \(partitions \[\]"):
        examine_delta_place(str(tmp_path))
