"""What every index of vectors must do, however it looks for them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from image_assets.errors import SearchError
from image_assets.search.exact_index import ExactIndex
from image_assets.search.usearch_index import UsearchIndex, UsearchParams
from image_assets.search.vector_index import Keys, VectorIndex, Vectors

if TYPE_CHECKING:
    from image_assets.publishing.postgres.server import Postgres
    from image_assets_tests.servers.postgres import PostgresServer

DIMENSION = 8
PARAMS = UsearchParams(threads=1)
EMPTY: dict[str, Callable[[], VectorIndex]] = {
    "exact": lambda: ExactIndex.empty(DIMENSION),
    "usearch": lambda: UsearchIndex.empty(DIMENSION, PARAMS),
}
OPEN: dict[str, Callable[[Path], VectorIndex]] = {
    "exact": ExactIndex.open,
    "usearch": lambda path: UsearchIndex.open(path, PARAMS),
}
LOAD = {**OPEN, "usearch": lambda path: UsearchIndex.load(path, PARAMS)}
PRECISIONS: tuple[Literal["halfvec", "vector"], ...] = ("halfvec", "vector")


def keys_of(*numbers: int) -> Keys:
    return np.array(numbers, dtype=np.uint64)


def vectors_of(*numbers: int) -> Vectors:
    """A unit vector for each number, always the same one."""
    rows = np.stack([np.random.default_rng(number).normal(size=DIMENSION) for number in numbers])
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def exact_keys(numbers: dict[int, int], query: Vectors, count: int) -> list[int]:
    """Keys of the nearest by definition; `numbers` says which vector each key has."""
    scores = {key: float(vectors_of(number)[0] @ query[0]) for key, number in numbers.items()}
    return sorted(scores, key=lambda key: (-scores[key], key))[:count]


@pytest.fixture(scope="module")
def server(postgres_server: "PostgresServer") -> Iterator["Postgres"]:
    """A database in which every index is a table of its own."""
    from image_assets.publishing.postgres.server import Postgres

    with postgres_server.database() as name:
        postgres_server.execute("CREATE EXTENSION vector", name)
        yield Postgres(SecretStr(postgres_server.url(name)))


@pytest.fixture(params=[*EMPTY, *PRECISIONS])
def kind(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name in PRECISIONS:
        _add_pgvector(request.getfixturevalue("server"), name)
    return name


def _add_pgvector(server: "Postgres", precision: Any) -> None:
    """Known to all tests from the first that asks for it."""
    from image_assets.publishing.postgres.pgvector_index import PgvectorIndex
    from image_assets.publishing.postgres.vector_column import VectorColumn

    column = VectorColumn(precision, DIMENSION)
    EMPTY[precision] = lambda: PgvectorIndex.empty(server, column)
    OPEN[precision] = LOAD[precision] = lambda path: PgvectorIndex.load(path, server, column)


@pytest.fixture
def index(kind: str) -> VectorIndex:
    return EMPTY[kind]()


@pytest.fixture
def filled(index: VectorIndex) -> VectorIndex:
    """Twenty vectors, each under the number that it is made of."""
    index.add(keys_of(*range(20)), vectors_of(*range(20)))
    return index


def test_an_empty_index_finds_nothing(index: VectorIndex) -> None:
    assert (len(index), index.keys.size, index.search(vectors_of(1), 3).keys.size) == (0, 0, 0)


def test_the_nearest_comes_first_with_its_cosine(filled: VectorIndex) -> None:
    found = filled.search(vectors_of(7), 5)
    assert found.keys.tolist() == exact_keys({n: n for n in range(20)}, vectors_of(7), 5)
    assert found.scores == pytest.approx((vectors_of(*found.keys.tolist()) @ vectors_of(7)[0]).tolist(), abs=2e-3)


def test_all_are_found_when_more_are_asked_for(filled: VectorIndex) -> None:
    assert sorted(filled.search(vectors_of(7), 99).keys) == list(range(20))


def test_keys_are_sorted(index: VectorIndex) -> None:
    index.add(keys_of(9, 2, 5), vectors_of(9, 2, 5))
    assert index.keys.tolist() == [2, 5, 9]


def test_a_key_that_is_in_gets_the_new_vector(filled: VectorIndex) -> None:
    filled.add(keys_of(3), vectors_of(77))
    assert (len(filled), filled.search(vectors_of(77), 1).keys.tolist()) == (20, [3])


def test_what_was_taken_out_is_not_found(filled: VectorIndex) -> None:
    filled.remove(keys_of(7, 8))
    assert (len(filled), sorted(filled.search(vectors_of(7), 99).keys)) == (18, sorted({*range(20)} - {7, 8}))


def test_taking_out_what_is_not_in_changes_nothing(filled: VectorIndex) -> None:
    filled.remove(keys_of(700, 800))
    assert filled.keys.tolist() == list(range(20))


def test_nothing_can_be_put_in_and_taken_out(filled: VectorIndex) -> None:
    filled.add(keys_of(), np.empty((0, DIMENSION), np.float32))
    filled.remove(keys_of())
    assert len(filled) == 20


def test_only_the_allowed_are_found(filled: VectorIndex) -> None:
    allowed = keys_of(1, 4, 7, 11, 500)
    expected = exact_keys({n: n for n in (1, 4, 7, 11)}, vectors_of(7), 3)
    assert filled.search(vectors_of(7), 3, among=allowed).keys.tolist() == expected


def test_the_allowed_are_found_though_most_of_the_nearest_are_forbidden(filled: VectorIndex) -> None:
    expected = exact_keys({n: n for n in range(20)}, vectors_of(7), 8)
    found = filled.search(vectors_of(7), 3, among=keys_of(*sorted({*range(20)} - {*expected[:5]})))
    assert found.keys.tolist() == expected[5:]


@pytest.mark.parametrize("allowed", [keys_of(), keys_of(99)], ids=["none", "none that is in"])
def test_nothing_is_found_among_nothing(filled: VectorIndex, allowed: Keys) -> None:
    assert filled.search(vectors_of(7), 3, among=allowed).keys.size == 0


def test_equal_scores_come_in_the_order_of_their_keys(index: VectorIndex) -> None:
    index.add(keys_of(5, 3, 9, 1), np.repeat(vectors_of(7), 4, axis=0))
    assert index.search(vectors_of(7), 4).keys.tolist() == [1, 3, 5, 9]


@pytest.mark.parametrize("change", ["add", "search"])
def test_vectors_of_another_dimension_are_refused(filled: VectorIndex, change: str) -> None:
    wide = np.ones((1, DIMENSION + 1), np.float32)
    with pytest.raises(SearchError, match=rf"\(1, {DIMENSION + 1}\) do not fit an index of {DIMENSION} dimensions"):
        filled.add(keys_of(50), wide) if change == "add" else filled.search(wide, 1)


@pytest.mark.parametrize("way", [OPEN, LOAD], ids=["in place", "loaded"])
def test_a_saved_index_is_the_same_index(
    kind: str, filled: VectorIndex, tmp_path: Path, way: dict[str, Callable[[Path], VectorIndex]]
) -> None:
    filled.remove(keys_of(7))
    filled.save(tmp_path / "index")
    read = way[kind](tmp_path / "index")
    assert (read.dimension, read.keys.tolist()) == (DIMENSION, filled.keys.tolist())
    assert read.search(vectors_of(7), 4).keys.tolist() == filled.search(vectors_of(7), 4).keys.tolist()


def test_a_loaded_index_can_be_changed(kind: str, filled: VectorIndex, tmp_path: Path) -> None:
    filled.save(tmp_path / "index")
    read = LOAD[kind](tmp_path / "index")
    read.add(keys_of(50), vectors_of(50))
    read.remove(keys_of(0))
    assert read.keys.tolist() == [*range(1, 20), 50]


@pytest.mark.parametrize("data", [b"", b"no index at all"], ids=["empty", "other"])
def test_a_file_that_is_no_index_is_refused(kind: str, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "index").write_bytes(data)
    with pytest.raises(SearchError, match="cannot be read as an index"):
        OPEN[kind](tmp_path / "index")


numbers = st.lists(st.integers(0, 30), min_size=1, max_size=10, unique=True)
operations = st.lists(st.tuples(st.sampled_from(["add", "replace", "remove"]), numbers), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=operations, asked=st.integers(0, 99), count=st.integers(1, 12))
def test_after_any_changes_it_finds_what_comparing_all_would(
    kind: str, operations: list[tuple[str, list[int]]], asked: int, count: int
) -> None:
    index, known = EMPTY[kind](), dict[int, int]()
    for step, (operation, keys) in enumerate(operations):
        if operation == "remove":
            index.remove(keys_of(*keys))
            known = {key: number for key, number in known.items() if key not in keys}
        else:
            given = {key: key if operation == "add" else 1000 * step + key for key in keys}
            index.add(keys_of(*given), vectors_of(*given.values()))
            known |= given
    assert index.keys.tolist() == sorted(known)
    query, found = vectors_of(asked), index.search(vectors_of(asked), count).keys.tolist()
    right = exact_keys(known, query, count)
    assert len({*found} & known.keys()) == len(found) == len(right)
    # Half precision does not tell apart what is as good as equally near.
    scores = [[float(vectors_of(known[key])[0] @ query[0]) for key in keys] for keys in (found, right)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


EVERY_OTHER = np.arange(1, 3_000, 2, dtype=np.uint64)


@pytest.mark.parametrize(
    ("kind", "allowed"), [("usearch", None), ("usearch", EVERY_OTHER), ("halfvec", EVERY_OTHER)], indirect=["kind"]
)
def test_the_graph_finds_nearly_all_of_many_after_much_coming_and_going(kind: str, allowed: Keys | None) -> None:
    index, exact = EMPTY[kind](), ExactIndex.empty(DIMENSION)
    vectors = np.random.default_rng(0).normal(size=(3_000, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for one in (index, exact):
        one.add(np.arange(2_000, dtype=np.uint64), vectors[:2_000])
        one.remove(np.arange(0, 2_000, 3, dtype=np.uint64))
        one.add(np.arange(2_000, 3_000, dtype=np.uint64), vectors[2_000:])
    found = [set(one.search(query[None], 10, among=allowed).keys) for query in vectors[:100] for one in (index, exact)]
    shared = [len(mine & right) for mine, right in zip(found[::2], found[1::2], strict=True)]
    assert sum(shared) / 1_000 >= 0.99
