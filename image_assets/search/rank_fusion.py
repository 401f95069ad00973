"""Several rankings made into one, whatever their scores mean."""

from collections.abc import Sequence

from image_assets.ids import ImageId

_CONSTANT = 60
"""Softens how much more the first place counts than the next (Cormack, Clarke and Büttcher 2009, SIGIR)."""


def fuse(rankings: Sequence[Sequence[ImageId]]) -> dict[ImageId, float]:
    """The sum of reciprocal ranks of every id that any ranking has; higher is better."""
    fused: dict[ImageId, float] = {}
    for ranking in rankings:
        for place, image_id in enumerate(ranking, start=1):
            fused[image_id] = fused.get(image_id, 0.0) + 1 / (_CONSTANT + place)
    return fused
