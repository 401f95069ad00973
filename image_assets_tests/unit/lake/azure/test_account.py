"""Who asks an account of Azure: the same for the command line, Dagster and worker processes, and shown to nobody."""

import os
import pickle
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from image_assets.compute.engine import EngineParams, ProcessEngine
from image_assets.errors import ConfigurationError, StorageError, StoreUnavailableError
from image_assets.ids import ObjectKey
from image_assets.lake.azure.account import AzureAccount, account_of_environment
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets_tests.servers.clouds import ACCOUNT, KEY, Cloud, shared_access, use
from image_assets_tests.servers.identity import JsonHandler, served

A = ObjectKey("silver/a.jpg")


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)


def asked_with(cloud: Cloud, account: AzureAccount) -> RemoteObjectStore:
    return RemoteObjectStore(cloud.new_root(), StorageParams(retries=2, retry_s=20, azure=account))


def test_a_connection_string_says_where_and_who(azurite: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    where = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={azurite.params.endpoint};"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", f"DefaultEndpointsProtocol=http;{where}")
    store = RemoteObjectStore(azurite.new_root())
    store.write(A, b"bytes")
    assert store.read(A) == b"bytes"


def test_a_connection_string_without_an_address_is_of_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=shop;AccountKey=a==;EndpointSuffix=example.org")
    account = account_of_environment(None)
    assert (account.name, account.url, account.secret) == ("shop", "https://shop.blob.example.org", "a==")


@pytest.mark.parametrize("written", ["AccountName=shop", "AccountKey=a==", "nonsense"])
def test_half_a_connection_string_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", written)
    with pytest.raises(ConfigurationError, match="AZURE_STORAGE_CONNECTION_STRING has neither") as told:
        account_of_environment(None)
    assert "a==" not in str(told.value)


def test_a_secret_is_shown_nowhere() -> None:
    account = AzureAccount("shop", "https://shop.blob.core.windows.net", "key", "hush")
    store = RemoteObjectStore(Cloud("az").new_root(), StorageParams(azure=account))
    assert "hush" not in f"{account} {store!r} {StorageParams(azure=account)}"


def test_a_signature_says_itself_when_it_has_expired(azurite: Cloud) -> None:
    token = shared_access("rl", -timedelta(hours=1))
    store = asked_with(azurite, AzureAccount(ACCOUNT, str(azurite.params.endpoint), "sas", token))
    with pytest.raises(StorageError, match=r"expired at 20.*: make another, AZURE_STORAGE_SAS_TOKEN") as told:
        store.read(A)
    assert not isinstance(told.value, StoreUnavailableError)
    assert token.rpartition("sig=")[2] not in str(told.value)


def test_a_signature_is_enough(azurite: Cloud) -> None:
    token = shared_access("rlcwd", timedelta(hours=1))
    store = asked_with(azurite, AzureAccount(ACCOUNT, str(azurite.params.endpoint), "sas", f"?{token}"))
    with store.writing(ObjectKey("tables/t.parquet")) as path:
        pl.DataFrame({"a": [1]}).write_parquet(path)
    assert pl.read_parquet(store.uri("tables/t.parquet"), **store.scan_options)["a"].to_list() == [1]


def test_an_account_that_is_not_there_is_told_with_its_name(azurite: Cloud) -> None:
    url = str(azurite.params.endpoint).replace(ACCOUNT, "nobodysaccount")
    with pytest.raises(StorageError, match="AZURE_STORAGE_ACCOUNT_NAME"):
        asked_with(azurite, AzureAccount("nobodysaccount", url, "key", KEY)).read(A)


def test_a_machine_with_an_identity_needs_no_key(
    azurite_for_identities: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(azurite_for_identities, monkeypatch)
    store = RemoteObjectStore(azurite_for_identities.new_root(), azurite_for_identities.params)
    with store.writing(ObjectKey("tables/t.parquet")) as path:
        pl.DataFrame({"a": [1]}).write_parquet(path)
    assert pl.read_parquet(store.uri("tables/t.parquet"), **store.scan_options)["a"].to_list() == [1]


def test_without_an_identity_it_is_said_what_to_set(azurite: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    store = RemoteObjectStore(azurite.new_root(), azurite.params)
    with pytest.raises(StorageError, match=r"no identity is found.*set AZURE_STORAGE_ACCOUNT_NAME") as told:
        store.read(A)
    assert not isinstance(told.value, StoreUnavailableError)


def test_worker_processes_ask_as_the_one_that_started_them(azurite: Cloud) -> None:
    store = asked_with(azurite, AzureAccount(ACCOUNT, str(azurite.params.endpoint), "key", KEY))
    store.write(A, b"bytes")
    assert pickle.loads(pickle.dumps(store)) == store
    engine = ProcessEngine(EngineParams(workers=1))
    try:
        assert [outcome.result for outcome in engine.map(store.read, [A])] == [b"bytes"]
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ("Request date header too old: 'Sun, 29 Nov 2026 05:00:00 GMT'", "clock of this machine is wrong"),
        (
            "Signature not valid in the specified time frame: Start [Sun, 01 Nov 2026 00:00:00 GMT] - "
            "Expiry [Mon, 02 Nov 2026 00:00:00 GMT] - Current [Sun, 29 Nov 2026 05:00:00 GMT]",
            "has expired: renew it",
        ),
    ],
    ids=["clock", "expired"],
)
def test_an_answer_as_azure_documents_it_is_told_with_what_to_do_which_azurite_does_not_give(
    monkeypatch: pytest.MonkeyPatch, detail: str, told: str
) -> None:
    class Refuses(JsonHandler):
        def do_GET(self) -> None:
            failed = "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
            message = f"<Code>AuthenticationFailed</Code><Message>{failed}correctly including the signature.</Message>"
            body = f"<Error>{message}<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail></Error>"
            self.send_response(403)
            self.send_header("x-ms-error-code", "AuthenticationFailed")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

    with served(Refuses) as address:
        account = AzureAccount("shop", f"{address}/shop", "key", KEY)
        store = RemoteObjectStore(Cloud("az").new_root(), StorageParams(retries=0, azure=account))
        with pytest.raises(StorageError, match=told) as error:
            store.read(A)
    assert not isinstance(error.value, StoreUnavailableError)


def test_the_time_in_a_signature_is_that_of_its_end() -> None:
    end = datetime(2026, 5, 1, 12, tzinfo=UTC)
    account = AzureAccount("shop", "https://shop", "sas", "sp=r&se=2026-05-01T12%3A00%3A00Z&sig=a")
    assert account.expires_at == end
    assert AzureAccount("shop", "https://shop", "sas", "sp=r&si=policy&sig=a").expires_at is None
