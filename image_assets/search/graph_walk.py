"""How a graph of neighbours is searched when not all of them may be found."""

from typing import Final, Protocol

import numpy as np

from image_assets.search.vector_index import Keys, Neighbours, Vectors, best_of, is_in

DEEPER: Final = 4
"""By how much more is looked at when too little of what was found is allowed."""


class Graph(Protocol):
    """An index that can be walked, and whose vectors can be compared one by one."""

    def __len__(self) -> int:
        """How many vectors are in."""
        ...

    def walk(self, query: Vectors, depth: int) -> Neighbours:
        """The `depth` nearest by the graph."""
        ...

    def compare(self, query: Vectors, keys: Keys, count: int) -> Neighbours:
        """The `count` nearest of these keys; keys that are not in are passed over."""
        ...


def walk_deeper(graph: Graph, query: Vectors, count: int, among: Keys | None) -> Neighbours:
    """Walk a graph deeper until enough of what it finds is allowed.

    Comparing the allowed one by one ends that where it is cheaper than to walk deeper still.
    """
    size = len(graph)
    # Twice what would do if the allowed were spread evenly: a walk that has to go on deeper begins again.
    depth = count if among is None else max(count, 2 * count * size // max(1, among.size))
    while among is None or depth < among.size:
        depth = min(depth, size)
        found = graph.walk(query, depth)
        allowed = np.ones(found.keys.shape, np.bool_) if among is None else is_in(found.keys, among)
        if depth == size or np.count_nonzero(allowed) >= count:
            found = found.of(allowed)
            return best_of(found.keys, found.scores, count)
        depth *= DEEPER
    return graph.compare(query, among, count)
