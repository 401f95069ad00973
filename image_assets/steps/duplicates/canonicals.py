"""Which photo stands for which: a pure function of the photos in order of arrival and of what links them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NewType

PhotoKey = NewType("PhotoKey", str)
"""Names a photo, of which there may be many copies."""

PhotoPair = tuple[PhotoKey, PhotoKey]


def choose_canonicals(
    ordered: Sequence[PhotoKey],
    near: Iterable[PhotoPair],
    same: Collection[PhotoPair] = (),
    different: Collection[PhotoPair] = (),
) -> Mapping[PhotoKey, PhotoKey]:
    """The photo that stands for each, itself for most.

    A photo is taken for the earliest that it is near to and that stands for itself. So every near-duplicate was
    compared with its canonical photo, none comes in by a chain of others, and what comes later changes nothing.
    What a person calls the same does form chains; what a person calls different is never joined.

    Args:
        ordered: earliest first.
        near: pairs in any order.
        same: pairs that a person joined.
        different: pairs that a person separated.
    """
    alike, joined = _neighbours(near), _neighbours(same)
    separated = {frozenset(pair) for pair in different}
    rank = {photo: number for number, photo in enumerate(ordered)}
    canonical: dict[PhotoKey, PhotoKey] = {}
    for photo in ordered:
        leaders = {other for other in alike.get(photo, ()) if canonical.get(other) == other}
        leaders |= {canonical[other] for other in joined.get(photo, ()) if other in canonical}
        allowed = [leader for leader in leaders if frozenset((photo, leader)) not in separated]
        canonical[photo] = min(allowed, key=rank.__getitem__, default=photo)
    return canonical


def _neighbours(pairs: Iterable[PhotoPair]) -> Mapping[PhotoKey, set[PhotoKey]]:
    found: defaultdict[PhotoKey, set[PhotoKey]] = defaultdict(set)
    for one, other in pairs:
        found[one].add(other)
        found[other].add(one)
    return found
