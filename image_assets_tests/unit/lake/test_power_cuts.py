"""What others go by is on the disk before they can."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from image_assets.lake.lake_mark import lake_mark, remember_keys
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets_tests.soak.own_disk import OwnDisk, own_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[OwnDisk]:
    with own_disk(tmp_path / "disk") as disk:
        if disk is None:
            pytest.skip("this user may mount no disk")
        yield disk


def test_a_lake_is_the_same_after_a_power_cut(disk: OwnDisk) -> None:
    store = LocalObjectStore(disk.folder / "lake")
    mark = lake_mark(store)
    disk.lose_power()
    disk.come_back()
    assert lake_mark(store) == mark
    remember_keys(store)
    disk.lose_power()
    disk.come_back()
    assert lake_mark(store).has_keys
