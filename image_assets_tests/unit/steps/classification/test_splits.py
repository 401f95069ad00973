"""Groups and splits: whole groups, wanted shares, and no image ever moves to a split that judges."""

from collections import Counter

import pytest

from image_assets.steps.classification.splits import assign_splits, group_images, strictest


def users(count: int, images: int = 4) -> dict[str, Counter[str]]:
    return {f"user-{number}": Counter({"hat": images, "dress": number % 3}) for number in range(count)}


def shares(groups: dict[str, Counter[str]], splits: dict[str, str], label: str) -> dict[str, float]:
    total = sum(groups.values(), Counter[str]())[label]
    counts = Counter(dict.fromkeys(("train", "validation", "test"), 0))
    for group, split in splits.items():
        counts[split] += groups[group][label]
    return {split: images / total for split, images in counts.items()}


def test_what_is_linked_through_others_is_one_group() -> None:
    groups = group_images([("b", "user x"), ("c", "user x"), ("a", "c"), ("d", "d")])
    assert groups == {"a": "a", "b": "a", "c": "a", "user x": "a", "d": "d"}


@pytest.mark.parametrize("label", ["hat", "dress"])
def test_every_label_is_shared_out_seventy_fifteen_fifteen(label: str) -> None:
    groups = users(200)
    found = shares(groups, assign_splits(groups, {}), label)
    assert found == pytest.approx({"train": 0.7, "validation": 0.15, "test": 0.15}, abs=0.01)


def test_the_same_groups_get_the_same_splits_in_whatever_order_they_come() -> None:
    groups = users(50)
    assert assign_splits(groups, {}) == assign_splits(dict(reversed(groups.items())), {})


def test_groups_that_have_a_split_keep_it_whatever_arrives() -> None:
    first = assign_splits(users(50), {})
    second = assign_splits(users(80, images=9), first)
    assert {group: second[group] for group in first} == first


def test_new_groups_even_out_what_is_there() -> None:
    settled = dict.fromkeys(users(30), "train")
    groups = users(60)
    assert shares(groups, assign_splits(groups, settled), "hat")["train"] < 0.75


def test_one_large_group_is_learnt_from() -> None:
    groups = {**users(20), "shop": Counter({"hat": 60})}
    assert assign_splits(groups, {})["shop"] == "train"


@pytest.mark.parametrize(
    ("former", "kept"),
    [({"test"}, "test"), ({"test", "validation"}, "validation"), ({"test", "train"}, "train"), (set(), None)],
)
def test_groups_that_turn_out_to_be_one_go_where_nothing_learnt_is_judged(former: set[str], kept: str | None) -> None:
    assert strictest(former) == kept
