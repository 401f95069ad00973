"""What every object store must do, wherever its bytes are."""

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_assets.errors import ObjectChangedError, ObjectForbiddenError, ObjectNotFoundError, StorageError
from image_assets.ids import ObjectKey
from image_assets.lake.local_object_store import STAGING, LocalObjectStore
from image_assets.lake.object_store import ObjectCopy, ObjectInfo, ObjectStore
from image_assets.lake.optimism import until_first
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.lake.sources.folder import SourceFolder
from image_assets.lake.sources.sourced_object_store import SourcedObjectStore
from image_assets.lake.tiered_object_store import TieredObjectStore
from image_assets_tests.servers.clouds import Cloud, use


def _tiered(folder: Path) -> ObjectStore:
    store = TieredObjectStore(LocalObjectStore(folder / "lake"), LocalObjectStore(folder / "archive"))
    store.mark_archive()
    return store


def _no_source(uri: str) -> SourceFolder:
    return SourceFolder(Path(uri))


LOCAL_STORES: dict[str, Callable[[Path], ObjectStore]] = {
    "local": lambda folder: LocalObjectStore(folder / "lake"),
    "tiered": _tiered,
    "sourced": lambda folder: SourcedObjectStore(LocalObjectStore(folder / "lake"), _no_source),
}
CLOUDS = ["memory", "azurite", "s3_server"]
KEY = ObjectKey("silver/2026/10/01/a.jpg")
MEGABYTE = 2**20

names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40).filter(
    lambda name: name not in {".", ".."} and len(name.encode()) <= 255
)


@pytest.fixture(params=[*LOCAL_STORES, *CLOUDS])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    if request.param in LOCAL_STORES:
        return LOCAL_STORES[request.param](tmp_path)
    cloud = Cloud("memory") if request.param == "memory" else request.getfixturevalue(request.param)
    use(cloud, monkeypatch)
    return RemoteObjectStore(cloud.new_root(), cloud.params)


@pytest.fixture(params=LOCAL_STORES)
def local_store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return LOCAL_STORES[request.param](tmp_path)


def fewer(times: int, store: ObjectStore) -> int:
    """How often something is done where each time is a request to a server."""
    is_asked = isinstance(store, RemoteObjectStore) and store.root.scheme != "memory"
    return max(1, times // 20) if is_asked else times


def fail_while_filling(store: ObjectStore, key: ObjectKey, error: BaseException) -> None:
    with store.writing(key) as path:
        path.write_bytes(b"half of it")
        raise error


def fill(store: ObjectStore, key: ObjectKey) -> None:
    with store.writing(key) as path:
        path.write_bytes(b"overwritten")


def keys(store: ObjectStore, prefix: str) -> list[str]:
    return [info.key for info in store.list(prefix)]


def info_of(store: ObjectStore, key: ObjectKey) -> ObjectInfo:
    (found,) = (info for info in store.list(key.rpartition("/")[0]) if info.key == key)
    return found


@pytest.mark.parametrize("data", [b"", b"\0", b"bytes", bytes(3 * MEGABYTE)], ids=len)
def test_what_was_written_is_read(store: ObjectStore, data: bytes) -> None:
    store.write(KEY, data)
    assert store.read(KEY) == data


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=names)
def test_a_key_may_hold_any_text_that_a_file_name_may(store: ObjectStore, name: str) -> None:
    key = ObjectKey(f"landing/{name}/{name}")
    store.write(key, name.encode())
    assert store.read(key) == name.encode()
    assert key in keys(store, f"landing/{name}")


def test_writing_again_replaces_the_bytes(store: ObjectStore) -> None:
    store.write(KEY, b"a long first version")
    store.write(KEY, b"short")
    assert store.read(KEY) == b"short"


def test_a_reader_sees_the_old_bytes_or_the_new_and_never_a_part(store: ObjectStore) -> None:
    versions = [bytes([letter]) * MEGABYTE for letter in b"ab"]
    store.write(KEY, versions[0])
    is_over = threading.Event()
    seen: list[bytes] = []

    def keep_reading() -> None:
        while not is_over.is_set():
            seen.append(store.read(KEY))

    reader = threading.Thread(target=keep_reading)
    reader.start()
    for number in range(2 * fewer(30, store)):
        store.write(KEY, versions[number % 2])
    is_over.set()
    reader.join()
    assert seen
    assert all(data in versions for data in seen)


def test_a_file_that_was_filled_becomes_the_object(store: ObjectStore) -> None:
    with store.writing(KEY) as path:
        path.write_bytes(b"filled")
    assert store.read(KEY) == b"filled"


def test_a_file_that_is_being_filled_is_no_object_yet(store: ObjectStore) -> None:
    with store.writing(KEY) as path:
        path.write_bytes(b"half of it")
        assert not store.exists(KEY)
        assert keys(store, "silver") == []


def test_an_error_while_filling_leaves_the_former_object(store: ObjectStore) -> None:
    store.write(KEY, b"former")
    with pytest.raises(ZeroDivisionError):
        fail_while_filling(store, KEY, ZeroDivisionError())
    assert store.read(KEY) == b"former"


def test_an_interruption_while_filling_makes_no_object(store: ObjectStore) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail_while_filling(store, KEY, KeyboardInterrupt())
    assert not store.exists(KEY)
    assert keys(store, "silver") == []


def stage(store: ObjectStore, key: ObjectKey, *pieces: bytes, **options: str | None) -> None:
    with store.staging() as staged:
        for piece in pieces:
            staged.write(piece)
        staged.land(key, **options)


def staged_files(store: ObjectStore) -> list[str]:
    return keys(store, STAGING)


@pytest.mark.parametrize("pieces", [(), (b"",), (b"one",), (b"one", bytes(MEGABYTE), b"three")], ids=len)
def test_what_was_staged_in_pieces_lands_whole_under_a_key_that_is_told_last(
    store: ObjectStore, pieces: tuple[bytes, ...]
) -> None:
    stage(store, KEY, *pieces)
    assert store.read(KEY) == b"".join(pieces)
    assert staged_files(store) == []


def test_what_is_staged_is_no_object_and_what_does_not_land_leaves_nothing(store: ObjectStore) -> None:
    with store.staging() as staged:
        staged.write(b"not wanted")
        assert (keys(store, "silver"), store.exists(KEY)) == ([], False)
    with suppress(ZeroDivisionError), store.staging() as staged:
        staged.write(b"%d" % (1 // 0))
    assert (keys(store, "silver"), staged_files(store)) == ([], [])


def test_what_was_staged_lands_over_the_version_that_was_told_and_no_other(store: ObjectStore) -> None:
    stage(store, KEY, b"former", over=None)
    version = store.version(KEY)
    stage(store, KEY, b"later", over=version)
    for over in (version, None):
        with pytest.raises(ObjectChangedError):
            stage(store, KEY, b"too late", over=over)
    assert (store.read(KEY), staged_files(store)) == (b"later", [])


def test_of_those_who_claim_a_name_one_has_it(store: ObjectStore) -> None:
    with store.claiming("a name") as first, store.claiming("a name") as second, store.claiming("another") as other:
        assert (first, second, other) == (True, False, True)
    with store.claiming("a name") as again:
        assert again


def test_a_claim_that_was_refused_does_not_end_the_first(store: ObjectStore) -> None:
    with store.claiming("a name"):
        for _ in range(2):
            with store.claiming("a name") as refused:
                assert not refused


def test_at_no_moment_two_have_a_name(store: ObjectStore) -> None:
    inside: list[int] = []
    most: list[int] = []

    def claim() -> None:
        for _ in range(fewer(200, store)):
            with store.claiming("a name") as is_mine:
                if is_mine:
                    inside.append(1)
                    most.append(len(inside))
                    inside.pop()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}


def test_the_free_share_is_a_share(store: ObjectStore) -> None:
    assert 0 <= store.free_ratio() <= 1


def test_one_object_is_made_safe_whether_it_is_there_or_not(store: ObjectStore) -> None:
    store.sync(KEY)
    store.write(KEY, b"bytes")
    store.sync(KEY)
    assert store.read(KEY) == b"bytes"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_write_over_the_version_that_is_there_replaces_it(store: ObjectStore, is_there: bool) -> None:
    if is_there:
        store.write(KEY, b"former")
    store.write(KEY, b"later", over=store.version(KEY))
    with store.writing(KEY, over=store.version(KEY)) as path:
        path.write_bytes(b"latest")
    assert store.read(KEY) == b"latest"


@pytest.mark.parametrize("is_there", [True, False])
def test_a_write_over_another_version_changes_nothing(store: ObjectStore, is_there: bool) -> None:
    if is_there:
        store.write(KEY, b"former")
    version = store.version(KEY)
    store.write(KEY, b"another's")
    with pytest.raises(ObjectChangedError, match="another process replaced"):
        store.write(KEY, b"mine", over=version)
    with pytest.raises(ObjectChangedError), store.writing(KEY, over=version) as path:
        path.write_bytes(b"mine")
    assert store.read(KEY) == b"another's"


def test_a_copy_leaves_the_version_of_its_source(store: ObjectStore) -> None:
    store.write(KEY, b"first")
    version = store.version(KEY)
    store.copy(KEY, ObjectKey("silver/elsewhere/b.jpg"))
    assert store.version(KEY) == version


def test_of_many_who_count_at_once_none_is_lost(store: ObjectStore) -> None:
    store.write(KEY, b"0")

    def count() -> None:
        there = store.version(KEY)
        store.write(KEY, b"%d" % (int(store.read(KEY)) + 1), over=there)

    times = fewer(40, store)
    threads = [threading.Thread(target=lambda: [until_first(count) for _ in range(times)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read(KEY) == b"%d" % (4 * times)


def test_a_copy_keeps_its_bytes_when_the_first_is_replaced_or_deleted(store: ObjectStore) -> None:
    other = ObjectKey("silver/elsewhere/b.jpg")
    store.write(KEY, b"first")
    store.copy(KEY, other)
    store.copy(KEY, other)
    store.write(KEY, b"second")
    assert store.read(other) == b"first"
    store.delete(KEY)
    assert store.read(other) == b"first"
    assert keys(store, "silver") == [other]


def test_copying_what_is_not_there_names_the_key(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError, match=KEY):
        store.copy(KEY, ObjectKey("silver/elsewhere/b.jpg"))


def test_flushing_is_possible_at_any_time(store: ObjectStore) -> None:
    store.flush()
    store.write(KEY, b"bytes")
    store.flush()
    assert store.read(KEY) == b"bytes"


def test_a_deleted_object_is_gone(store: ObjectStore) -> None:
    store.write(KEY, b"bytes")
    store.delete(KEY)
    assert not store.exists(KEY)
    assert keys(store, "silver") == []


def test_deleting_what_is_not_there_is_no_error(store: ObjectStore) -> None:
    store.delete(KEY)
    store.write(KEY, b"bytes")
    store.delete(ObjectKey(f"{KEY}/below-an-object"))
    store.delete(KEY)
    store.delete(KEY)


def test_only_an_exact_key_exists(store: ObjectStore) -> None:
    store.write(KEY, b"bytes")
    assert store.exists(KEY)
    assert not store.exists(ObjectKey("silver/2026/10/01"))
    assert not store.exists(ObjectKey(f"{KEY}x"))
    assert not store.exists(ObjectKey(f"{KEY}/x"))


def test_reading_what_is_not_there_names_the_key(store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError, match=KEY):
        store.read(KEY)


def test_a_missing_object_is_also_a_missing_file_of_python(store: ObjectStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.read(ObjectKey(f"{KEY}/below-nothing"))


def test_a_listing_holds_everything_below_the_folder_and_nothing_else(store: ObjectStore) -> None:
    for key in ("a/1", "a/b/2", "a/b/c/3", "ab/4", "b/5"):
        store.write(ObjectKey(key), b"bytes")
    assert sorted(keys(store, "a")) == ["a/1", "a/b/2", "a/b/c/3"]


def test_a_listing_is_in_the_same_order_each_time(store: ObjectStore) -> None:
    for number in (3, 11, 2, 7, 5):
        store.write(ObjectKey(f"a/{number}/x"), b"")
        store.write(ObjectKey(f"a/{number}"[:3] + "-y"), b"")
    first = keys(store, "a")
    store.write(ObjectKey("b/x"), b"")
    assert keys(store, "a") == first


def test_a_missing_folder_lists_as_empty(store: ObjectStore) -> None:
    assert keys(store, "landing/2026-10-01") == []


def test_a_listing_tells_the_size_and_the_time(store: ObjectStore) -> None:
    store.write(KEY, b"12345")
    info = info_of(store, KEY)
    assert info.size_bytes == 5
    for instant in (info.modified_at, info.arrived_at):
        assert abs(instant - datetime.now(UTC)) < timedelta(hours=1)


def test_what_goes_while_it_is_listed_is_passed_over(store: ObjectStore) -> None:
    is_over = threading.Event()

    def come_and_go() -> None:
        for number in itertools.count():
            store.write(ObjectKey(f"a/{number % 50}"), b"")
            store.delete(ObjectKey(f"a/{number * 7 % 50}"))
            if is_over.is_set():
                return

    rival = threading.Thread(target=come_and_go)
    rival.start()
    try:
        for _ in range(fewer(500, store)):
            assert all(info.size_bytes == 0 for info in store.list("a"))
    finally:
        is_over.set()
        rival.join()


def test_the_version_stays_while_the_bytes_stay(store: ObjectStore) -> None:
    store.write(KEY, b"bytes")
    before = info_of(store, KEY).version
    store.write(ObjectKey("silver/2026/10/01/other.jpg"), b"bytes")
    store.read(KEY)
    assert info_of(store, KEY).version == before


def test_sizes_are_told_of_those_objects_that_there_are(store: ObjectStore) -> None:
    other, gone, below = ObjectKey("silver/b.jpg"), ObjectKey("silver/c.jpg"), ObjectKey(f"{KEY}/d.jpg")
    store.write(KEY, b"bytes")
    store.write(other, b"")
    folder = ObjectKey("silver/2026")
    assert store.sizes([KEY, other, gone, below, folder]) == {KEY: 5, other: 0}


def test_sizes_are_not_asked_of_what_is_no_key(store: ObjectStore) -> None:
    with pytest.raises(StorageError, match="is not an object key"):
        store.sizes([ObjectKey("../outside")])


def test_the_version_changes_with_the_size(store: ObjectStore) -> None:
    store.write(KEY, b"before")
    before = info_of(store, KEY).version
    store.write(KEY, b"after")
    assert info_of(store, KEY).version != before


def test_the_version_of_one_object_is_that_of_the_listing(store: ObjectStore) -> None:
    store.write(KEY, b"bytes")
    assert store.version(KEY) == info_of(store, KEY).version


def test_what_is_not_there_has_no_version(store: ObjectStore) -> None:
    store.write(KEY, b"bytes")
    assert [store.version(ObjectKey(key)) for key in ("silver/2026", f"{KEY}x", f"{KEY}/x")] == [None] * 3


REFUSED = ["", "/", "/etc/passwd", "a//b", "a/", "../a", "a/../b", "a/..", ".", "a/./b", "a\0b", "a/\0"]


@pytest.mark.parametrize("key", REFUSED)
def test_a_key_that_is_no_plain_path_is_refused_everywhere(store: ObjectStore, key: str) -> None:
    actions: tuple[Callable[[ObjectKey], object], ...] = (
        store.read,
        store.exists,
        store.version,
        store.delete,
        lambda key: store.write(key, b""),
        lambda key: store.writing(key).__enter__(),
        lambda key: stage(store, key, b""),
        store.sync,
        lambda key: list(store.list(key)),
        store.uri,
    )
    for action in actions:
        with pytest.raises(StorageError, match="is not an object key"):
            action(ObjectKey(key))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that is no part of the store, with a file in it."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"secret")
    return folder


LINKED = ["landing/2026-10-01/anna/a.jpg", "landing/2026-10-01/anna", "landing/2026-10-01"]


def link(store: ObjectStore, linked: str, elsewhere: Path) -> None:
    """Make a name of the store a symbolic link to what lies elsewhere."""
    path = Path(store.uri(linked))
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere / "a.jpg" if linked.endswith(".jpg") else elsewhere)


@pytest.mark.parametrize("linked", LINKED)
@pytest.mark.parametrize("name", ["a.jpg", "b.jpg"])
def test_what_a_link_points_to_is_neither_read_nor_copied_nor_changed(
    local_store: ObjectStore, elsewhere: Path, linked: str, name: str
) -> None:
    link(local_store, linked, elsewhere)
    key = ObjectKey(f"{linked}/{name}") if not linked.endswith(".jpg") else ObjectKey(linked)
    actions: tuple[Callable[[], object], ...] = (
        lambda: local_store.read(key),
        lambda: local_store.copy(key, ObjectKey("silver/stolen.jpg")),
        lambda: local_store.write(key, b"overwritten"),
        lambda: fill(local_store, key),
        lambda: stage(local_store, key, b"overwritten"),
        lambda: local_store.delete(key),
    )
    for action in actions:
        with suppress(StorageError):
            assert action() is None
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == {"a.jpg": b"secret"}
    assert not local_store.exists(ObjectKey("silver/stolen.jpg"))


@pytest.mark.parametrize("linked", LINKED)
def test_a_link_is_listed_as_one_object_that_says_why_it_is_not_read(
    local_store: ObjectStore, elsewhere: Path, linked: str
) -> None:
    link(local_store, linked, elsewhere)
    for prefix in ("landing", "landing/2026-10-01"):
        assert keys(local_store, prefix) == [linked]
    with pytest.raises(ObjectForbiddenError, match="symbolic link"):
        local_store.read(ObjectKey(linked))


def test_no_object_exists_behind_a_link(local_store: ObjectStore, elsewhere: Path) -> None:
    link(local_store, LINKED[0], elsewhere)
    assert not local_store.exists(ObjectKey(LINKED[0]))


def test_a_folder_that_becomes_a_link_at_any_moment_leads_nowhere(local_store: ObjectStore, elsewhere: Path) -> None:
    key = ObjectKey("landing/2026-10-01/anna/a.jpg")
    local_store.write(key, b"mine")
    folder = Path(local_store.uri("landing/2026-10-01/anna"))
    aside, away = folder.with_name("aside"), folder.with_name("link")
    away.symlink_to(elsewhere)
    (elsewhere / "private").write_bytes(b"")
    is_over = threading.Event()

    def swap() -> None:
        while not is_over.is_set():
            folder.rename(aside)
            away.rename(folder)
            folder.rename(away)
            aside.rename(folder)

    rival = threading.Thread(target=swap)
    rival.start()
    seen: set[object] = set()
    try:
        for _ in range(1_000):
            with suppress(StorageError):
                seen.add(local_store.read(key))
            with suppress(StorageError):
                seen.update(key for key in keys(local_store, "landing") if "private" in key)
    finally:
        is_over.set()
        rival.join()
    assert seen == {b"mine"}


def test_a_root_that_is_a_link_holds_objects_like_any_other(tmp_path: Path) -> None:
    for name, make in LOCAL_STORES.items():
        (tmp_path / "disk" / name).mkdir(parents=True)
        (tmp_path / name).mkdir()
        for root in ("lake", "archive"):
            (tmp_path / "disk" / name / root).mkdir()
            (tmp_path / name / root).symlink_to(tmp_path / "disk" / name / root)
        linked = make(tmp_path / name)
        linked.write(KEY, b"bytes")
        assert (linked.read(KEY), keys(linked, "silver")) == (b"bytes", [KEY])


def test_a_folder_right_in_the_root_may_be_placed_elsewhere(local_store: ObjectStore, elsewhere: Path) -> None:
    Path(local_store.uri("landing")).parent.mkdir(parents=True, exist_ok=True)
    Path(local_store.uri("landing")).symlink_to(elsewhere)
    local_store.write(ObjectKey("landing/2026-10-01/b.jpg"), b"bytes")
    assert (elsewhere / "2026-10-01" / "b.jpg").read_bytes() == b"bytes"
    assert keys(local_store, "landing") == ["landing/2026-10-01/b.jpg", "landing/a.jpg"]


def _with_table(store: ObjectStore) -> str:
    import polars as pl

    with store.writing(ObjectKey("tables/t/2026-10-01.parquet")) as path:
        pl.DataFrame({"number": [1, 2]}).write_parquet(path)
    return store.uri("tables/t/2026-10-01.parquet")


def test_polars_finds_the_object_under_its_address(store: ObjectStore, request: pytest.FixtureRequest) -> None:
    import polars as pl

    if "[memory]" in request.node.name:
        pytest.skip("the memory of a process has no address")
    assert pl.scan_parquet(_with_table(store), **store.scan_options).collect().height == 2


def test_duckdb_finds_the_object_under_its_address(local_store: ObjectStore) -> None:
    import duckdb

    with duckdb.connect() as database:
        found = database.execute("SELECT sum(number) FROM read_parquet(?)", [_with_table(local_store)]).fetchall()
    assert found == [(3,)]


def test_the_start_of_an_object_is_read_without_the_rest(store: ObjectStore) -> None:
    store.write(KEY, b"0123456789")
    assert (store.read_start(KEY, 4), store.read_start(KEY, 99)) == (b"0123", b"0123456789")
    with pytest.raises(ObjectNotFoundError):
        store.read_start(ObjectKey("landing/nothing"), 4)


def test_an_object_is_fetched_into_a_local_file(store: ObjectStore, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40_000
    store.write(KEY, data)
    store.fetch(KEY, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == data
    with pytest.raises(ObjectNotFoundError):
        store.fetch(ObjectKey("silver/nothing"), tmp_path / "nothing")


def test_a_copy_is_of_the_bytes_that_are_there_by_now(store: ObjectStore) -> None:
    for data in (b"first", b"second", b"second"):
        store.write(KEY, data)
        version = store.version(KEY)
        assert version is not None
        assert store.copies([KEY]) == store.copies([KEY, KEY]) == {KEY: ObjectCopy(data, version)}


def test_what_is_not_there_has_no_copy(store: ObjectStore) -> None:
    store.write(KEY, b"bytes")
    store.copies([KEY])
    store.delete(KEY)
    with pytest.raises(ObjectNotFoundError):
        store.copies([KEY])
