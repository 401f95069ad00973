"""A day of three pictures and an empty schema of a real PostgreSQL to publish it to."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pydantic import SecretStr

from image_assets.ids import ImageId
from image_assets.publishing.postgres.server import Postgres
from image_assets.steps.audits.published import audit_published
from image_assets.steps.publishing.postgres_gold import Publication, PublishedReport, PublishParams
from image_assets.tables.gold import GOLD_IMAGES

if TYPE_CHECKING:
    from image_assets_tests.scenario import Scenario

UrlOf = Callable[..., str]


class Shop:
    """A lake and the database that its gold is published to."""

    def __init__(self, lake: "Scenario", url: str) -> None:
        self.lake, self.url, self.server = lake, url, Postgres(SecretStr(url))

    def at(self, url: str) -> "Shop":
        """The same lake with another database."""
        return Shop(self.lake, url)

    def of(self, lake: "Scenario") -> "Shop":
        """Another lake with the same database."""
        return Shop(lake, self.url)

    def publication(self, **params: Any) -> Publication:
        return Publication(self.server, self.lake.tables, self.lake.encoder.description, PublishParams(**params))

    def publish(self, **params: Any) -> PublishedReport:
        publication = self.publication(**params)
        publication.begin([self.lake.day])
        report = publication.publish(self.lake.day)
        publication.finish()
        return report

    def curate(self) -> None:
        """Make gold again of what people said meanwhile."""
        self.lake.gather()
        self.lake.curate()

    def problems(self) -> list[str]:
        """What the check of the day says."""
        name = self.lake.encoder.description.name
        return list(audit_published(self.server, self.lake.tables, name, self.lake.day).problems)

    def id_of(self, name: str) -> ImageId:
        return next(ImageId(row["image_id"]) for row in self.lake.rows(GOLD_IMAGES) if row["raw_name"] == name)

    def ask(self, query: str, *values: object) -> list[Any]:
        """Rows; the values alone of one column."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(query, values)  # type: ignore[arg-type]
            rows = cursor.fetchall() if cursor.description else []
        return [row[0] if len(row) == 1 else row for row in rows]

    def writes(self) -> list[Any]:
        """Which transaction wrote or locked each row, of every table."""
        tables = ("images", "image_tags", "published_days")
        return [self.ask(f"SELECT xmin::text, xmax::text, ctid::text FROM {table} ORDER BY 3") for table in tables]

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection


@pytest.fixture(scope="module")
def three(scenarios: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> "Scenario":
    """A day of three pictures."""
    made: Scenario = scenarios.Scenario(tmp_path_factory.mktemp("three") / "lake")
    for colour in ("red", "green", "blue"):
        made.land(f"anna/{colour}.jpg", scenarios.paint(colour), label=colour)
    made.run()
    return made


@pytest.fixture
def shop(three: "Scenario", tmp_path: Path, postgres_url: UrlOf) -> Shop:
    """A copy of the day, not published yet."""
    return Shop(replace(three, root=Path(shutil.copytree(three.root, tmp_path / "three"))), postgres_url())


@pytest.fixture
def published(shop: Shop) -> Shop:
    shop.publish()
    return shop
