"""How deep a graph is walked."""

import pytest

from image_assets.search.usearch_index import UsearchParams


@pytest.mark.parametrize(("share", "candidates"), [(1.0, 128), (0.77, 112), (0.25, 64), (0.01, 48)])
def test_the_fewer_of_the_vectors_a_graph_has_the_less_deeply_it_is_walked(share: float, candidates: int) -> None:
    assert UsearchParams(expansion_search=128).for_share(share).expansion_search == candidates


def test_a_graph_is_never_walked_more_deeply_than_asked_for() -> None:
    assert UsearchParams(expansion_search=20).for_share(0.25).expansion_search == 20
