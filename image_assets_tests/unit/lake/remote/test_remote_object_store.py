import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from image_assets.errors import (
    ConfigurationError,
    ObjectForbiddenError,
    StorageError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from image_assets.ids import ObjectKey
from image_assets.lake.opening import LakeParams, open_store
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.claims import claimed
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets_tests.servers.clouds import ACCOUNT, Cloud, put_blob, shared_access, use

A = ObjectKey("silver/a.jpg")


@pytest.fixture
def store(azurite: Cloud, monkeypatch: pytest.MonkeyPatch) -> RemoteObjectStore:
    use(azurite, monkeypatch)
    return RemoteObjectStore(azurite.new_root(), azurite.params)


def opened_with(store: RemoteObjectStore, monkeypatch: pytest.MonkeyPatch, **environment: str) -> RemoteObjectStore:
    """The same lake, asked anew by somebody else."""
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_KEY")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return replace(store, params=replace(store.params, timeout_s=store.params.timeout_s + len(environment)))


def test_a_wrong_key_is_no_missing_object(store: RemoteObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    other = opened_with(store, monkeypatch, AZURE_STORAGE_ACCOUNT_KEY="Zm9v")
    with pytest.raises(StorageError, match="AZURE_STORAGE_ACCOUNT_KEY") as told:
        other.read(A)
    assert not isinstance(told.value, ObjectForbiddenError | StoreUnavailableError)


def test_who_asks_must_be_said(store: RemoteObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME")
    with pytest.raises(ConfigurationError, match="set AZURE_STORAGE_ACCOUNT_NAME"):
        replace(store, params=StorageParams()).read(A)


def test_who_may_only_read_reads_and_hears_why_nothing_is_written(
    store: RemoteObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write(A, b"bytes")
    other = opened_with(store, monkeypatch, AZURE_STORAGE_SAS_TOKEN=shared_access("rl", timedelta(hours=1)))
    assert (other.read(A), [info.key for info in other.list("silver")]) == (b"bytes", [A])
    for change in (lambda: other.write(A, b"mine"), lambda: other.delete(A)):
        with pytest.raises(StoreReadOnlyError, match="no right"):
            change()
    assert store.read(A) == b"bytes"


def test_a_container_that_is_not_there_is_no_empty_lake(store: RemoteObjectStore) -> None:
    other = replace(store, root=RemoteRoot("az", "elsewhere", "a"))
    with pytest.raises(StoreUnavailableError, match="no container 'elsewhere'; make it"):
        other.exists(A)


def test_a_service_that_is_away_is_unavailable(store: RemoteObjectStore) -> None:
    other = replace(store, params=StorageParams(f"http://127.0.0.1:9/{ACCOUNT}", retries=1, retry_s=1))
    with pytest.raises(StoreUnavailableError, match="run it again"):
        other.read(A)


def test_an_object_that_a_cloud_names_as_no_key_is_told_with_what_to_do(store: RemoteObjectStore) -> None:
    put_blob(str(store.params.endpoint), f"{store.root.container}/{store.root.prefix}/landing/2026-10-01//a")
    with pytest.raises(StorageError, match="rename or remove"):
        list(store.list("landing"))


def test_the_claim_of_a_process_that_was_killed_is_taken_over_when_it_has_run_out(
    store: RemoteObjectStore, azurite: Cloud
) -> None:
    program = (
        "import sys, time; from image_assets.lake.remote.address import RemoteRoot\n"
        "from image_assets.lake.remote.params import StorageParams\n"
        "from image_assets.lake.remote.remote_object_store import RemoteObjectStore\n"
        "from image_assets.lake.remote.claims import claimed\n"
        f"with claimed(RemoteObjectStore({store.root!r}, {store.params!r}), 'a name', 2) as is_mine:\n"
        "    print(is_mine, flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder.stdout as said:
        assert said.readline() == "True\n"
        # It lives, and renews its claim, for longer than that lasts.
        time.sleep(4)
        with claimed(store, "a name", 2) as is_mine:
            assert not is_mine
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    end = time.monotonic() + 20
    is_mine = False
    while not is_mine and time.monotonic() < end:
        with claimed(store, "a name", 2) as is_mine:
            time.sleep(0.2)
    assert is_mine


def test_a_claim_is_renewed_while_its_block_lasts(store: RemoteObjectStore) -> None:
    with claimed(store, "a name", 1.5) as is_mine:
        time.sleep(3.5)
        with claimed(store, "a name", 1.5) as other:
            assert (is_mine, other) == (True, False)


def test_what_claims_leave_is_swept(store: RemoteObjectStore) -> None:
    with store.claiming("a name"):
        assert store.sweep() == 0
    assert list(store.list(".locks/claims")) == []


def test_no_client_of_a_cloud_is_loaded_for_a_local_lake(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from image_assets.lake.opening import LakeParams, open_tables\n"
        "open_tables(LakeParams(Path(sys.argv[1]))).days('gold_images')\n"
        "sys.exit(any(name in sys.modules for name in ('obstore', 'azure', 'boto3')))\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == 0


def test_a_lake_in_a_cloud_is_opened_by_its_address(azurite: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    use(azurite, monkeypatch)
    root = azurite.new_root()
    store = open_store(LakeParams(root, RemoteRoot("az", root.container, f"{root.prefix}-old"), storage=azurite.params))
    store.write(A, b"bytes")
    assert store.read(A) == b"bytes"
    assert store.uri(A) == f"az://lake/{root.prefix}/silver/a.jpg"


def test_threads_share_one_client(store: RemoteObjectStore) -> None:
    threads = [threading.Thread(target=store.write, args=(ObjectKey(f"a/{number}"), b"bytes")) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.sizes([ObjectKey(f"a/{number}") for number in range(33)]) == {f"a/{n}": 5 for n in range(32)}


def test_a_large_object_is_read_in_place(store: RemoteObjectStore) -> None:
    large = ObjectKey("silver/large")
    store.write(A, b"bytes")
    store.write(large, bytes(5 * 2**20))
    assert list(store.copies([A, large])) == [A]
