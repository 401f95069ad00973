"""Searches look through what was published, and beside it at what is newer."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from image_assets.errors import StoreUnavailableError
from image_assets.imaging.inspect import InspectParams
from image_assets.publishing.postgres.pgvector_index import PgvectorIndex
from image_assets.publishing.postgres.server import Postgres
from image_assets.steps.publishing.postgres_index import PostgresIndex
from image_assets.steps.search.image_search import ImageSearch
from image_assets.steps.search.requests import SearchRequest
from image_assets.steps.search.vector_pool import VectorPool, open_pool
from image_assets.tables.gold import GOLD_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.servers.postgres import PostgresServer
    from image_assets_tests.unit.steps.publishing.conftest import Shop

Paint = Callable[..., bytes]


def pool_of(shop: "Shop") -> VectorPool:
    source, encoder = PostgresIndex(shop.server, "halfvec"), shop.lake.encoder.description
    return open_pool(shop.lake.tables, encoder, source.find(shop.lake.tables, encoder), source)


def names_near(shop: "Shop", pool: VectorPool, colour: str) -> list[str]:
    names = {row["image_id"]: row["raw_name"] for row in shop.lake.rows(GOLD_IMAGES)}
    found = pool.nearest(shop.lake.encoder.encode_texts([colour]), 9)
    return [names[each.image_id] for each in found]


def test_what_is_published_is_searched_there(published: "Shop") -> None:
    pool = pool_of(published)
    assert isinstance(pool.opened[0].vectors.index, PgvectorIndex)
    assert [part.vectors.members.height for part in pool.opened] == [3]
    assert [names_near(published, pool, colour)[0] for colour in ("red", "green", "blue")] == [
        "red.jpg",
        "green.jpg",
        "blue.jpg",
    ]


def test_what_is_not_published_yet_is_found_beside_it(published: "Shop", paint: Paint) -> None:
    published.lake.land("berta/late.jpg", paint("red", size=(80, 60)))
    published.lake.run()
    pool = pool_of(published)
    assert [part.vectors.members.height for part in pool.opened] == [3, 1]
    assert sorted(names_near(published, pool, "red")[:2]) == ["late.jpg", "red.jpg"]


def test_what_was_published_since_is_not_taken_for_another(published: "Shop", paint: Paint) -> None:
    pool = pool_of(published)
    published.lake.land("berta/late.jpg", paint("red", size=(80, 60)))
    published.lake.run()
    published.publish()
    assert sorted(names_near(published, pool, "red")) == ["blue.jpg", "green.jpg", "red.jpg"]
    assert len(names_near(published, pool_of(published), "red")) == 4


def test_before_anything_is_published_the_lake_is_searched(shop: "Shop") -> None:
    pool = pool_of(shop)
    assert names_near(shop, pool, "red")[0] == "red.jpg"
    assert not any(isinstance(part.vectors.index, PgvectorIndex) for part in pool.opened)


def test_a_search_in_a_database_that_is_away_says_so_and_lists_go_on(published: "Shop") -> None:
    source = PostgresIndex(Postgres(SecretStr("postgresql://u@127.0.0.1:9/db")), "halfvec")
    search = ImageSearch(published.lake.tables, published.lake.encoder, limits=InspectParams(), source=source)
    assert search.search(SearchRequest()).rows.height == 3
    with pytest.raises(StoreUnavailableError, match=r"PostgreSQL \(db at 127\.0\.0\.1:9\)"):
        search.search(SearchRequest(text="red"))


def test_a_connection_that_went_stale_is_made_anew(published: "Shop", postgres_server: "PostgresServer") -> None:
    pool = pool_of(published)
    postgres_server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert names_near(published, pool, "blue")[0] == "blue.jpg"
