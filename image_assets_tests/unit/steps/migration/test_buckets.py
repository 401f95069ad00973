"""A source in a cloud is brought in as a folder is."""

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from image_assets.ids import ObjectKey
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.lake.sources.prefix import SourcePrefix
from image_assets.lake.sources.record import ScanTold, Source, keep_source
from image_assets.lake.sources.sourced_object_store import SourcedObjectStore
from image_assets.steps.migration.migration import Migration
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of

DAY, ROOT = date(2026, 10, 1), "0123456789ab"
_number = itertools.count()


@pytest.fixture
def bucket() -> RemoteObjectStore:
    return RemoteObjectStore(RemoteRoot("memory", f"migrated-{next(_number)}", "photos"))


def test_photos_of_a_bucket_are_taken_in_where_they_lie(
    scenarios: ModuleType, bucket: RemoteObjectStore, paint: Callable[..., bytes], tmp_path: Path
) -> None:
    for name, data in {
        "a/1.jpg": paint("red"),
        "a/1.jpg.json": b'{"label": "dress"}',
        "b.txt": b"words",
        "a/2.jpg": paint("blue"),
        "a.jpg": paint("green"),
    }.items():
        bucket.write(ObjectKey(name), data)
    place = SourcePrefix(bucket.root)

    class Sourced(scenarios.Scenario):  # type: ignore[name-defined,misc]
        """A day that reads the bucket too."""

        @property
        def store(self) -> SourcedObjectStore:
            return SourcedObjectStore(scenarios.HastyStore(self.root), lambda _: place)

    scenario = Sourced(tmp_path / "lake", DAY)
    told = ScanTold("day", DAY, "ann", day=DAY)
    source = keep_source(scenario.store, Source(ROOT, str(bucket.root), tuple(place.signs()), 0, "scanning", told))
    now = datetime.now(UTC) + timedelta(days=1)
    tally = Migration(scenario.tables, place, DAY, now).run(source, lambda _: None, lambda _, __: None)
    assert tally.kinds == {"image": 3, "sidecar": 1, "not_an_image": 1}
    bucket.write(ObjectKey("a/2.jpg"), paint("red"))
    scenario.take_in()
    assert {(row["raw_name"], row["label"]) for row in scenario.rows(BRONZE_IMAGES)} == {
        ("1.jpg", "dress"),
        ("a.jpg", None),
    }
    assert [row["reason"] for row in scenario.rows(rejections_of(BRONZE_IMAGES))] == ["unreadable"]
