"""Which shards are made into one with what arrives: as few as need be, so that each vector is moved a few times only.

Shards of about one size gather until there are enough of them to make one of the next size (log-structured merge trees;
O'Neil et al. 1996). A vector is then put into a graph once for each size, and a search looks through a few shards of
each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log

from image_assets.steps.vectors.index_manifest import IndexShard


@dataclass(frozen=True, slots=True)
class TierParams:
    """How large shards grow, and how many there may be.

    Attributes:
        smallest: vectors; all below count as of one size.
        largest: vectors; what is as large is not made larger.
        of_one_size: so many are made into one, and the sizes differ by as much.
        removed_ratio: a shard of which more has been removed is written again.
    """

    smallest: int = 1_000
    largest: int = 250_000
    of_one_size: int = 4
    removed_ratio: float = 0.1


def to_merge(shards: Sequence[IndexShard], arriving: int, params: TierParams) -> list[IndexShard]:
    """Those that are written again, together with so many new vectors."""
    worn = [shard for shard in shards if len(shard.removed) > params.removed_ratio * shard.vectors]
    growing = sorted(
        (shard for shard in shards if shard not in worn and shard.current < params.largest),
        key=lambda shard: shard.current,
    )
    chosen, total = worn, arriving + sum(shard.current for shard in worn)
    while total and len(peers := _peers(growing, total, params)) + 1 >= params.of_one_size:
        chosen, growing = chosen + peers, growing[len(peers) :]
        total += sum(shard.current for shard in peers)
    return chosen


def _peers(shards: Sequence[IndexShard], total: int, params: TierParams) -> list[IndexShard]:
    """Of shards in the order of their sizes those that are no larger than a size."""
    return [shard for shard in shards if _tier(shard.current, params) <= _tier(total, params)]


def _tier(vectors: int, params: TierParams) -> int:
    return max(0, floor(log(max(1, vectors) / params.smallest, params.of_one_size)))
