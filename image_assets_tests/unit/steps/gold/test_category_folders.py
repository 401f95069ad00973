"""Folders of categories: safe names made from users' words, told apart where plain ones would collide."""

from pathlib import Path

import pytest

from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.steps.gold.category_links import folder_of


def test_a_plain_category_is_its_own_folder() -> None:
    assert folder_of("t-shirt") == "t-shirt"


@pytest.mark.parametrize("category", ["../../etc", "T-Shirt", "a/b", "ärmel", "", "con\0", "."])
def test_any_other_category_becomes_one_safe_folder(category: str) -> None:
    folder = folder_of(category)
    assert set(folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert folder != category


def test_categories_that_look_alike_have_folders_of_their_own() -> None:
    assert len({folder_of(category) for category in ("T-shirt", "t-shirt", "t shirt", "t/shirt")}) == 4


def test_a_link_leads_to_its_object_wherever_the_lake_is_moved(tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path / "lake")
    store.write(ObjectKey("silver/a.jpg"), b"picture")
    store.link(ObjectKey("reports/day/hat/a.jpg"), ObjectKey("silver/a.jpg"))
    moved = (tmp_path / "lake").rename(tmp_path / "moved")
    assert (moved / "reports/day/hat/a.jpg").read_bytes() == b"picture"


def test_a_link_that_leads_elsewhere_is_replaced(tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path)
    for name in ("a", "b"):
        store.write(ObjectKey(f"silver/{name}"), name.encode())
        store.link(ObjectKey("reports/x"), ObjectKey(f"silver/{name}"))
    assert (tmp_path / "reports/x").read_bytes() == b"b"
