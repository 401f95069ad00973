"""A service whose gold is published: it searches there, its erasures go there, and it does without where it must."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg
import pytest
from pydantic import SecretStr

from image_assets.models.encoders.checkpoint_description import describe_checkpoint
from image_assets.models.encoders.checkpoints import locate_checkpoint
from image_assets.publishing.postgres.server import Postgres
from image_assets.steps.publishing.postgres_gold import Publication, PublishParams
from image_assets.tables.gold import GOLD_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.serving.conftest import Lake, Served

AWAY = "postgresql://u:hunter2@127.0.0.1:9/db"
WHY = {"reason": "ticket 7"}


@pytest.fixture
def published(own_lake: "Lake", postgres_url: Callable[..., str]) -> str:
    """The URL of a database that has all days of the lake."""
    encoder = describe_checkpoint(locate_checkpoint("builtin", None))
    publication = Publication(Postgres(SecretStr(postgres_url())), own_lake.tables, encoder, PublishParams())
    days = own_lake.tables.days(GOLD_IMAGES.name)
    publication.begin(days)
    for day in days:
        publication.publish(day)
    publication.finish()
    return postgres_url()


def found(served: "Served", address: str) -> list[str]:
    return [each["image_id"] for each in served.ask(address, "admin").json()["items"]]


def test_it_finds_in_the_database_what_it_finds_in_the_lake_and_erases_there(
    own_lake: "Lake", served: "Served", serve_lake: "Callable[..., Served]", published: str
) -> None:
    image_id, other, *_ = own_lake.ids_of("anna")
    there = serve_lake(own_lake, POSTGRES=published, INDEX_IN="postgres")
    for address in (f"/v1/images/{image_id}/similar", "/v1/search?text=dress"):
        assert found(there, address) == found(served, address) != []
    assert there.ask(f"/v1/images/{image_id}", "admin", "DELETE", params=WHY).json()["erased_at"]
    with psycopg.connect(published) as connection:
        left = {row[0] for row in connection.execute("SELECT image_id::text FROM images")}
    assert (len(left), image_id in left) == (4, False)
    assert image_id not in found(there, f"/v1/images/{other}/similar")


def test_where_the_database_is_away_searches_say_so_lists_go_on_and_an_erasure_stays_open(
    own_lake: "Lake", serve_lake: "Callable[..., Served]"
) -> None:
    image_id = own_lake.ids_of("anna")[0]
    served = serve_lake(own_lake, POSTGRES=AWAY, INDEX_IN="postgres")
    assert len(found(served, "/v1/images")) == 5
    searched = served.ask("/v1/search?text=dress", "admin")
    assert (searched.status_code, "hunter2" in searched.text) == (503, False)
    erased = served.ask(f"/v1/images/{image_id}", "admin", "DELETE", params=WHY)
    assert (erased.status_code, "hunter2" in erased.text) == (503, False)
    assert image_id not in found(served, "/v1/images")
    assert own_lake.tables.scan_files(own_lake.tables.files("erasures"))["erased_at"].to_list() == [None]


def test_the_command_line_says_where_an_image_may_be_still(own_lake: "Lake") -> None:
    (own_lake.folder / ".env").write_text(f"IMAGE_ASSETS_POSTGRES={AWAY}\n")
    done = own_lake.command("erase", own_lake.ids_of("anna")[0], "--yes", "--no-run")
    assert done.returncode == 1
    assert "goes there too: PostgreSQL (db at 127.0.0.1:9)" in done.stdout
    assert "is gone from the lake and may be in PostgreSQL (db at 127.0.0.1:9) still: erase it again" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
