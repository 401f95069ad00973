"""Links to one object in a cloud: they work without a login, until they expire, and give nothing else."""

import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from image_assets.errors import ConfigurationError
from image_assets.ids import ObjectKey
from image_assets.lake.azure.account import AzureAccount
from image_assets.lake.local_object_store import LocalObjectStore
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.params import StorageParams
from image_assets.lake.remote.remote_object_store import RemoteObjectStore
from image_assets.lake.tiered_object_store import TieredObjectStore, signed_url
from image_assets_tests.servers.clouds import ACCOUNT, Cloud, shared_access, use

PAGE, OTHER = ObjectKey("reports/2026-10-01/report.html"), ObjectKey("reports/2026-10-01/report.csv")
HOUR = timedelta(hours=1)


@pytest.fixture(params=["azurite", "azurite_for_identities"], ids=["key", "identity"])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    found: Cloud = request.getfixturevalue(request.param)
    use(found, monkeypatch)
    return found


@pytest.fixture
def browser(cloud: Cloud) -> Iterator[httpx.Client]:
    """Somebody without a login."""
    trusted = cloud.environment.get("SSL_CERT_FILE")
    verify = ssl.create_default_context(cafile=trusted) if trusted else True
    with httpx.Client(verify=verify, trust_env=False) as client:
        yield client


@pytest.fixture
def store(cloud: Cloud) -> RemoteObjectStore:
    made = RemoteObjectStore(cloud.new_root(), cloud.params)
    for key in (PAGE, OTHER):
        made.write(key, b"<h1>A day</h1>")
    return made


def test_a_link_shows_the_object_as_what_it_is(store: RemoteObjectStore, browser: httpx.Client) -> None:
    answer = browser.get(signed_url(store, PAGE, HOUR))
    assert (answer.status_code, answer.text) == (200, "<h1>A day</h1>")
    assert answer.headers["Content-Type"] == "text/html"


def test_a_link_gives_nothing_else(store: RemoteObjectStore, browser: httpx.Client) -> None:
    link = signed_url(store, PAGE, HOUR)
    other, container = link.replace("report.html", "report.csv"), link.partition("/tests/")[0]
    query = link.partition("?")[2]
    refused = [
        browser.get(other),
        browser.get(f"{container}?restype=container&comp=list&{query}"),
        browser.put(link, content=b"mine", headers={"x-ms-blob-type": "BlockBlob"}),
        browser.delete(link),
        browser.get(link.partition("?")[0]),
    ]
    assert {answer.status_code for answer in refused} <= {401, 403, 404, 409}
    assert store.read(PAGE) == store.read(OTHER) == b"<h1>A day</h1>"
    assert not any("A day" in answer.text for answer in refused)


def test_a_link_ends(store: RemoteObjectStore, browser: httpx.Client) -> None:
    link = signed_url(store, PAGE, timedelta(seconds=1))
    time.sleep(2.1)
    assert browser.get(link).status_code == 403


def test_a_link_to_an_archived_original_is_one_into_the_archive(
    azurite: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(azurite, monkeypatch)
    hot, archive = (RemoteObjectStore(azurite.new_root(), azurite.params) for _ in range(2))
    tiers = TieredObjectStore(hot, archive)
    tiers.mark_archive()
    key = ObjectKey("bronze/2026/10/01/a.jpg")
    archive.write(key, b"bytes")
    assert httpx.get(signed_url(tiers, key, HOUR)).content == b"bytes"


def test_who_asks_with_a_signature_cannot_pass_it_on(azurite: Cloud) -> None:
    account = AzureAccount(ACCOUNT, str(azurite.params.endpoint), "sas", shared_access("rl", HOUR))
    store = RemoteObjectStore(azurite.new_root(), StorageParams(azure=account))
    with pytest.raises(ConfigurationError, match="signs no links: set AZURE_STORAGE_ACCOUNT_NAME"):
        signed_url(store, PAGE, HOUR)


@pytest.mark.parametrize("place", ["folder", "memory"])
def test_what_nobody_else_reads_has_no_link(place: str, tmp_path: Path) -> None:
    store = LocalObjectStore(tmp_path) if place == "folder" else RemoteObjectStore(RemoteRoot("memory", "lake"))
    with pytest.raises(ConfigurationError, match=r"is a file|is the memory"):
        signed_url(store, PAGE, HOUR)


def test_a_link_into_s3_works_too(s3_server: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    use(s3_server, monkeypatch)
    store = RemoteObjectStore(s3_server.new_root(), s3_server.params)
    store.write(PAGE, b"<h1>A day</h1>")
    assert httpx.get(signed_url(store, PAGE, HOUR)).text == "<h1>A day</h1>"
