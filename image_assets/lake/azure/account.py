"""An account of Azure Blob Storage, and who asks it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qs, urlsplit

from image_assets.errors import ConfigurationError

Login: TypeAlias = Literal["key", "sas", "identity", "anonymous"]
"""The account's key, a shared access signature, whatever `DefaultAzureCredential` finds, or nothing."""

ACCOUNT_NAME: Final = "AZURE_STORAGE_ACCOUNT_NAME"
ACCOUNT_KEY: Final = "AZURE_STORAGE_ACCOUNT_KEY"
SAS_TOKEN: Final = "AZURE_STORAGE_SAS_TOKEN"  # noqa: S105 - its name
CONNECTION_STRING: Final = "AZURE_STORAGE_CONNECTION_STRING"
LOGIN: Final = f"{ACCOUNT_NAME} and {ACCOUNT_KEY} (or {SAS_TOKEN}, or neither for an identity), or {CONNECTION_STRING}"
"""Variables by which Azure knows who asks."""

_NEEDED: Final = 'it needs: pip install "image-assets[azure]"'


@dataclass(frozen=True, slots=True)
class AzureAccount:
    """Where an account is, and who asks it.

    Attributes:
        name: of the account.
        url: of its blobs.
        login: how it is known who asks.
        secret: key or signature; None for the other logins. It is in no `repr`.
        identity: arguments of `DefaultAzureCredential`.
    """

    name: str
    url: str
    login: Login
    secret: str | None = field(default=None, repr=False)
    identity: tuple[tuple[str, Any], ...] = ()

    @property
    def config(self) -> dict[str, Any]:
        """What obstore and Polars are told alike; an identity is asked for tokens besides."""
        told = {"account_name": self.name}
        match self.login:
            case "key":
                return {**told, "account_key": self.secret}
            case "sas":
                return {**told, "sas_token": (self.secret or "").removeprefix("?")}
            case "anonymous":
                return {**told, "skip_signature": "true"}
            case "identity":
                return told

    @property
    def expires_at(self) -> datetime | None:
        """The end of a signature; None where it has none of its own."""
        if self.login != "sas":
            return None
        end = parse_qs((self.secret or "").removeprefix("?")).get("se")
        return datetime.fromisoformat(end[0]).astimezone(UTC) if end else None

    @property
    def credential(self) -> Any:
        """What Azure's own clients are told."""
        return _identity_of(self) if self.login == "identity" else self.secret


def account_of_environment(endpoint: str | None) -> AzureAccount:
    """The account that the variables of Azure's own tools name.

    Raises:
        ConfigurationError: they name none; says which to set.
    """
    if written := os.environ.get(CONNECTION_STRING):
        return _account_of(written, endpoint)
    name = os.environ.get(ACCOUNT_NAME) or (name_in(endpoint) if endpoint else "")
    if not name:
        raise ConfigurationError(f"no account of Azure is named: set {LOGIN}")
    url = endpoint or f"https://{name}.blob.core.windows.net"
    if key := os.environ.get(ACCOUNT_KEY):
        return AzureAccount(name, url, "key", key)
    if token := os.environ.get(SAS_TOKEN):
        return AzureAccount(name, url, "sas", token)
    return AzureAccount(name, url, "identity")


def name_in(url: str) -> str:
    """The name of the account in its address: the path of an emulator's, the first part of any other's host."""
    there = urlsplit(url)
    return there.path.strip("/").partition("/")[0] or (there.hostname or "").partition(".")[0]


def default_credential(arguments: tuple[tuple[str, Any], ...] = ()) -> Any:
    """Managed and workload identities, service principals, and who is logged in at the command line."""
    try:
        from azure.identity import DefaultAzureCredential
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"neither {ACCOUNT_KEY} nor {SAS_TOKEN} is set; for an identity {_NEEDED}") from error
    return DefaultAzureCredential(**dict(arguments))


@cache
def _identity_of(account: AzureAccount) -> Any:
    """Once in each process: it keeps its tokens while they are good."""
    return default_credential(account.identity)


def blob_service(account: AzureAccount, timeout_s: float) -> Any:
    """Azure's own client of the account.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        from azure.storage.blob import BlobServiceClient
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"Azure's own client is asked for this; {_NEEDED}") from error
    return BlobServiceClient(account.url, account.credential, read_timeout=timeout_s, connection_timeout=timeout_s)


def _account_of(connection_string: str, endpoint: str | None) -> AzureAccount:
    parts = dict(part.split("=", 1) for part in connection_string.strip().strip(";").split(";") if "=" in part)
    url = endpoint or parts.get("BlobEndpoint", "").rstrip("/") or _usual_url(parts)
    name = parts.get("AccountName") or name_in(url)
    if key := parts.get("AccountKey"):
        return AzureAccount(name, url, "key", key)
    if token := parts.get("SharedAccessSignature"):
        return AzureAccount(name, url, "sas", token)
    raise ConfigurationError(f"{CONNECTION_STRING} has neither AccountKey nor SharedAccessSignature: copy it again")


def _usual_url(parts: Mapping[str, str]) -> str:
    if not parts.get("AccountName"):
        raise ConfigurationError(f"{CONNECTION_STRING} has neither AccountName nor BlobEndpoint: copy it again")
    protocol, suffix = parts.get("DefaultEndpointsProtocol", "https"), parts.get("EndpointSuffix", "core.windows.net")
    return f"{protocol}://{parts['AccountName']}.blob.{suffix}"
