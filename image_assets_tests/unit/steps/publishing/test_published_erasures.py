"""What is erased goes from the database too, and stays away."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from pydantic import SecretStr

from image_assets.errors import StoreUnavailableError
from image_assets.ids import ImageId
from image_assets.publishing.postgres.server import Postgres
from image_assets.steps.images.certificates import certificates_of, copies_of
from image_assets.steps.publishing.postgres_copy import PostgresCopy
from image_assets.steps.upkeep.erasure import PublishedCopy, erase, find_remains
from image_assets.tables.upkeep import ERASURES

if TYPE_CHECKING:
    from image_assets_tests.unit.steps.publishing.conftest import Shop

NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)


def erased(shop: "Shop", image_id: ImageId, *copies: PublishedCopy) -> dict[str, Any]:
    """The certificate."""
    tables = shop.lake.tables
    return erase(tables, find_remains(tables, image_id), "ticket 7", copies).row(0, named=True)


def test_an_erasure_reaches_the_database_before_it_is_certified(published: "Shop") -> None:
    red, copy = published.id_of("red.jpg"), PostgresCopy(published.server)
    assert erased(published, red, copy)["erased_at"] is not None
    assert sorted(published.ask("SELECT raw_name FROM images")) == ["blue.jpg", "green.jpg"]
    assert published.ask("SELECT tag FROM image_tags") == ["blue"]
    assert published.problems() == []


def test_an_erasure_that_does_not_reach_the_database_is_ended_by_the_next(published: "Shop") -> None:
    red, tables = published.id_of("red.jpg"), published.lake.tables
    away = PostgresCopy(Postgres(SecretStr("postgresql://u@127.0.0.1:9/db")))
    with pytest.raises(StoreUnavailableError, match=rf"{red} is gone from the lake and may be in PostgreSQL \(db at"):
        erased(published, red, away)
    assert find_remains(tables, red).is_nothing
    assert certificates_of(tables, published.lake.day, red)["erased_at"].to_list() == [None]
    assert [problem.partition(":")[0] for problem in published.problems()] == [
        "3 images there, 2 in the lake",
        "3 vectors there, 2 in the lake",
        "2 tags there, 1 in the lake",
        "1 erased images there, 0 in the lake",
    ]
    certificate = erased(published, red, PostgresCopy(published.server))
    assert (certificate["erased_at"] is not None, published.problems()) == (True, [])


def test_the_certificate_names_the_database_and_what_may_be_left_there(published: "Shop") -> None:
    red, copy = published.id_of("red.jpg"), PostgresCopy(published.server)
    for _ in range(2):
        erased(published, red, copy)
    (told,) = copies_of(published.lake.tables, published.lake.day, red).to_dicts()
    assert (told["place"], told["rows_removed"]) == (copy.place, 1)
    assert "backups" in told["remains"]


def test_a_database_that_was_not_reached_is_not_certified(published: "Shop") -> None:
    red, away = published.id_of("red.jpg"), PostgresCopy(Postgres(SecretStr("postgresql://u@127.0.0.1:9/db")))
    with pytest.raises(StoreUnavailableError):
        erased(published, red, PostgresCopy(published.server), away)
    places = copies_of(published.lake.tables, published.lake.day, red)["place"].to_list()
    assert places == [PostgresCopy(published.server).place]


def test_a_run_of_the_day_removes_what_was_erased(published: "Shop") -> None:
    erased(published, published.id_of("red.jpg"))
    assert published.publish().outcome == "0 added, 0 changed, 1 removed"


def test_an_image_is_not_published_when_its_erasure_has_begun(published: "Shop") -> None:
    certificate = {
        **dict.fromkeys(("objects_removed", "rows_removed"), 0),
        "image_id": published.id_of("red.jpg"),
        "day": published.lake.day,
        "requested_by": "ticket 7",
        "sha256": None,
        "begun_at": NOON,
        "erased_at": None,
    }
    rows = pl.DataFrame([certificate], schema=ERASURES.schema.create_empty().schema)
    published.lake.tables.replace(ERASURES, published.lake.day, rows)
    assert published.publish().outcome == "0 added, 0 changed, 1 removed"
