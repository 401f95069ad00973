"""Which labelled images are learnt from, which choose and which judge.

Whole groups are assigned, so that no near-duplicate and no second photo by the same user gives an answer away.
An assignment is for good: a champion has learnt from its training images, and comparing it with a challenger is fair
only while none of them turns up in the test split. So images that have a split keep it, whatever arrives or is
relabelled later. Only when two groups turn out to be one does the smaller evil happen: an image leaves a split that
judges for one that teaches, never the other way.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

SHARES: Final = {"train": 0.70, "validation": 0.15, "test": 0.15}


def group_images(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The group of everything that is linked directly or by others: its smallest member (union-find)."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        parents.setdefault(name, name)
        while parents[name] != name:
            parents[name] = name = parents[parents[name]]
        return name

    for one, other in links:
        first, second = sorted((root(one), root(other)))
        parents[second] = first
    return {name: root(name) for name in list(parents)}


def assign_splits(groups: Mapping[str, Counter[str]], settled: Mapping[str, str]) -> dict[str, str]:
    """The split of each group; deterministic.

    Large groups come first, while every split has room; each goes where it brings the counts per label closest to the
    wanted shares, measured as chi-square.

    Args:
        groups: images per label, by group.
        settled: the split of groups that have one.
    """
    totals = sum(groups.values(), Counter[str]())
    filled = {split: Counter[str]() for split in SHARES}
    for group, split in settled.items():
        filled[split] += groups[group]
    assigned = dict(settled)
    for group in sorted(groups.keys() - settled.keys(), key=lambda name: (-groups[name].total(), _digest(name))):
        costs = {split: _cost(groups[group], filled[split], totals, share) for split, share in SHARES.items()}
        assigned[group] = min(costs, key=lambda split: costs[split])
        filled[assigned[group]] += groups[group]
    return assigned


def strictest(splits: Iterable[str]) -> str | None:
    """The split for a group whose images had several: the one that teaches most; None without any."""
    found = set(splits)
    return next((split for split in SHARES if split in found), None)


def _cost(group: Counter[str], filled: Counter[str], totals: Counter[str], share: float) -> float:
    """By how much chi-square grows when the group is added."""
    return sum(
        images * (2 * (filled[label] - share * totals[label]) + images) / (share * totals[label])
        for label, images in group.items()
    )


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
