"""Links expire; a page is cut; other origins are named one by one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from image_assets.access.links import open_signer
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.serving.application import create_app
from image_assets.serving.links import Picture, link_to
from image_assets.serving.routes.search import ListQuery
from image_assets.settings import Settings

IMAGE = "5c1f8a3e-8f0b-5d6c-9a55-2f1f0f1d7a11"


@pytest.mark.parametrize(
    ("picture", "age", "expected"),
    [
        (Picture.THUMBNAIL, timedelta(minutes=59), 404),
        (Picture.THUMBNAIL, timedelta(hours=2), 403),
        (Picture.ORIGINAL, timedelta(minutes=4), 404),
        (Picture.ORIGINAL, timedelta(minutes=6), 403),
    ],
)
def test_a_link_is_followed_until_it_expires(tmp_path: Path, picture: Picture, age: timedelta, expected: int) -> None:
    link = link_to(open_signer(LocalObjectStore(tmp_path)), IMAGE, picture, datetime.now(UTC) - age)
    with TestClient(create_app(Settings(root=tmp_path)), base_url="http://localhost") as client:
        assert client.get(link).status_code == expected


def test_a_link_is_the_same_for_an_hour(tmp_path: Path) -> None:
    signer, hour = open_signer(LocalObjectStore(tmp_path)), datetime(2026, 3, 14, 9, 0, 1, tzinfo=UTC)
    links = {link_to(signer, IMAGE, Picture.PREVIEW, hour + timedelta(minutes=passed)) for passed in range(60)}
    assert len(links) == 1


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (200, 200), (100_000, 200)])
def test_a_page_has_two_hundred_images_at_most(asked: int, given: int) -> None:
    assert ListQuery(page_size=asked).count == given


def test_only_origins_that_are_named_may_call(tmp_path: Path) -> None:
    app = create_app(Settings(root=tmp_path, cors_origins="https://shop.example"))
    client = TestClient(app, base_url="http://localhost")
    named, other = (
        client.get("/health", headers={"Origin": origin}) for origin in ("https://shop.example", "https://evil.example")
    )
    assert named.headers["access-control-allow-origin"] == "https://shop.example"
    assert "Origin" in named.headers["vary"]
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-credentials" not in named.headers
