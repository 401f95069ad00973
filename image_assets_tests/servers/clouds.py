"""Clouds to test with: real servers on free ports, each started once a session and ended with it."""

import base64
import hashlib
import hmac
import http.client
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import httpx
import pytest

from image_assets.lake.remote.address import RemoteRoot, Scheme
from image_assets.lake.remote.params import StorageParams

CONTAINER = "lake"
ACCOUNT = "devstoreaccount1"
# Azurite documents it; it opens nothing else.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_AZURITE = Path(__file__).with_name("azurite") / "node_modules" / "azurite" / "dist" / "src"
_PATIENCE_S = 60
_BLOB = {"x-ms-blob-type": "BlockBlob"}


@dataclass(frozen=True)
class Cloud:
    """A service with an empty container.

    Attributes:
        scheme: of its addresses.
        params: where it is.
        environment: who asks it.
    """

    scheme: Scheme
    params: StorageParams = field(default_factory=StorageParams)
    environment: Mapping[str, str] = field(default_factory=dict)

    def new_root(self) -> RemoteRoot:
        """A prefix that nobody has used."""
        return RemoteRoot(self.scheme, CONTAINER, f"tests/{uuid.uuid4().hex}")


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Azure Blob Storage."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as cloud:
        yield cloud


@contextmanager
def running_azurite(folder: Path, port: int = 0) -> Iterator[Cloud]:
    """Azure Blob Storage that keeps what it holds in a folder, on a free port or one that is given."""
    with azurite_at("blob", folder, port=port) as endpoint:
        make_container(endpoint, CONTAINER)
        login = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": KEY}
        yield Cloud("az", StorageParams(endpoint, retries=2, retry_s=20), login)


@pytest.fixture(scope="session")
def azurite_queues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Azure Queue Storage: where its queues are."""
    with azurite_at("queue", tmp_path_factory.mktemp("queues")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def azurite_for_identities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Azure Blob Storage over TLS, asked by a machine that has an identity and no key."""
    from azure.storage.blob import BlobServiceClient

    from image_assets_tests.servers.identity import login_at, make_certificate, managed_identity

    folder = tmp_path_factory.mktemp("azurite_for_identities")
    certificate, key = make_certificate(folder)
    options = ["--oauth", "basic", "--cert", str(certificate), "--key", str(key)]
    with azurite_at("blob", folder, options) as endpoint, managed_identity() as tokens:
        owner = {"account_name": ACCOUNT, "account_key": KEY}
        with BlobServiceClient(endpoint, owner, connection_verify=str(certificate)) as service:
            service.create_container(CONTAINER)
        login = {"AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT, **login_at(tokens, certificate)}
        yield Cloud("az", StorageParams(endpoint, retries=2, retry_s=20), login)


@contextmanager
def azurite_at(service: str, folder: Path, more: Sequence[str] = (), port: int = 0) -> Iterator[str]:
    """The endpoint of one of Azurite's services, which keeps what it has in a folder."""
    node, program = shutil.which("node"), _AZURITE / service / "main.js"
    if node is None or not program.exists():
        pytest.skip("Azurite is not here: make azurite")
    options = ["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location", str(folder)]
    place = [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port)]
    command = [node, str(program), *options, *place, *more]
    with started(command, folder / "log", r"successfully listens on (https?://\S+)") as (address, _):
        yield f"{address}/{ACCOUNT}"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """S3, as moto serves it."""
    with running_s3(tmp_path_factory.mktemp("s3")) as (cloud, _):
        yield cloud


@contextmanager
def running_s3(folder: Path) -> Iterator[tuple[Cloud, int]]:
    """S3, as moto serves it out of its memory, and its process; the folder is for its log."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip('moto is not here: pip install "moto[s3]"')
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with started(command, folder / "log", r"Running on (http://\S+)") as (endpoint, pid):
        httpx.put(f"{endpoint}/{CONTAINER}").raise_for_status()
        login = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
        yield Cloud("s3", StorageParams(endpoint, retries=2, retry_s=20), login), pid


@contextmanager
def started(command: Sequence[str], log: Path, address: str) -> Iterator[tuple[str, int]]:
    """A server that writes its address into its log, and its process.

    It is terminated, so that it may write down what it holds.
    """
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield _address_in(log, address, server), server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def make_container(endpoint: str, name: str) -> None:
    """Make a container of an Azure account; what is there already stays."""
    assert _put(endpoint, name, {}, "?restype=container", "\nrestype:container") in {201, 409}


def put_as_it_is(cloud: Cloud, name: str, data: bytes) -> None:
    """Put an object into the container under any name that the service takes, as other programs may."""
    if cloud.scheme == "s3":
        status = _put_there(f"{cloud.params.endpoint}/{CONTAINER}", quote(name), {}, data)
    else:
        status = _put(str(cloud.params.endpoint), f"{CONTAINER}/{quote(name)}", _BLOB, content=data)
    assert status in {200, 201}, name


def put_blob(endpoint: str, name: str) -> None:
    """Put an empty blob under a name, container first, that no well-mannered client would use."""
    assert _put(endpoint, name, _BLOB) == 201


def _put(
    endpoint: str,
    name: str,
    headers: Mapping[str, str],
    query: str = "",
    signed_query: str = "",
    content: bytes = b"",
) -> int:
    told = {**headers, "x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
    lines = "\n".join(f"{header}:{value}" for header, value in told.items())
    text = f"PUT\n\n\n{len(content) or ''}{9 * chr(10)}{lines}\n/{ACCOUNT}/{ACCOUNT}/{name}{signed_query}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
    authorization = {"Authorization": f"SharedKey {ACCOUNT}:{signature}"}
    return _put_there(endpoint, f"{name}{query}", {**told, **authorization}, content)


def _put_there(address: str, name: str, headers: Mapping[str, str], content: bytes) -> int:
    """Put it at exactly that name: other clients take the parts `.` and `..` out of one. The status of the answer."""
    there = urlsplit(address)
    connection = http.client.HTTPConnection(there.netloc)
    try:
        connection.request("PUT", f"{there.path}/{name}", content, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def shared_access(permissions: str, ends_in: timedelta) -> str:
    """A shared access signature of the container, as the account's owner would make it."""
    end = (datetime.now(UTC) + ends_in).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = {"sp": permissions, "se": end, "sv": "2021-12-02", "sr": "c"}
    resource = f"/blob/{ACCOUNT}/{CONTAINER}"
    text = "\n".join([permissions, "", end, resource, "", "", "", fields["sv"], "c", *[""] * 7])
    signature = hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)
    return urlencode({**fields, "sig": base64.b64encode(signature).decode()})


def use(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the environment say who asks the cloud, and nothing of another."""
    for name in [name for name in os.environ if name.startswith(("AZURE_", "AWS_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)


def _address_in(log: Path, pattern: str, server: "subprocess.Popen[bytes]") -> str:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(f"no server: {log.read_text()}")
