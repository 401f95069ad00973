"""How deep a graph is walked."""

import pytest

from image_assets.search.usearch_index import UsearchParams


@pytest.mark.parametrize(("shards", "candidates"), [(1, 128), (4, 64), (16, 48), (100, 48)])
def test_of_many_graphs_each_is_walked_less_deeply(shards: int, candidates: int) -> None:
    assert UsearchParams(expansion_search=128).for_one_of(shards).expansion_search == candidates


def test_a_graph_is_never_walked_more_deeply_than_asked_for() -> None:
    assert UsearchParams(expansion_search=20).for_one_of(4).expansion_search == 20
