"""Opens the client of a container, once in each process, and sees that the container is there."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import obstore
import polars as pl
from obstore.exceptions import BaseError
from obstore.fsspec import FsspecStore
from obstore.store import AzureStore, GCSStore, MemoryStore, ObjectStore, S3Store
from pyarrow import fs

from image_assets.errors import ConfigurationError, StorageError
from image_assets.lake.azure.account import SAS_TOKEN, AzureAccount, account_of_environment
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.errors import explained, login_of, told_shortly
from image_assets.lake.remote.params import StorageParams

_NOTHING_THERE: Final = ".locks/looked-at"
# Each pause is drawn between the first one and the last one times the base: half again as long on average.
_BACKOFF: Final[Any] = {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=15), "base": 3}
_ENDPOINT: Final = {"az": "azure_storage_endpoint", "s3": "aws_endpoint_url", "gs": "google_base_url"}


@cache
def open_client(root: RemoteRoot, params: StorageParams) -> ObjectStore:
    """The client of the lake's prefix, which threads may share.

    Raises:
        ConfigurationError: the environment does not say who asks.
        StoreUnavailableError: there is no such container, or nobody answers.
        StorageError: whoever asks may not.
    """
    try:
        client = _client(root, params)
    except ConfigurationError:
        raise
    except (BaseError, ValueError) as error:
        raise ConfigurationError(f"{root}: {told_shortly(error)}; set {login_of(root)}") from error
    with explained("list", "objects", root):
        next(iter(obstore.list(client, _NOTHING_THERE)), None)
    return client


def scan_options(root: RemoteRoot, params: StorageParams) -> Mapping[str, Any]:
    """What Polars is to be told: the same service, and to ask nobody for credentials but whom the client asks."""
    told: dict[str, str | int] = {"max_retries": params.retries}
    if root.scheme == "az":
        account = account_of(params)
        told |= {_ENDPOINT["az"]: account.url, "allow_http": _is_plain(account.url), **account.config}
        return {"storage_options": told, "credential_provider": _polars_provider(account)}
    if params.endpoint:
        told |= {_ENDPOINT[root.scheme]: params.endpoint, "allow_http": _is_plain(params.endpoint)}
    return {"storage_options": told, "credential_provider": None}


@cache
def arrow_files(root: RemoteRoot, params: StorageParams) -> Any:
    """The whole container as Arrow opens files in it: by container and name."""
    open_client(root, params)
    there: dict[str, Any] = {"protocol": root.scheme, **_told(root, params)}
    del there["prefix"]
    return fs.PyFileSystem(fs.FSSpecHandler(FsspecStore(**there)))


def _client(root: RemoteRoot, params: StorageParams) -> ObjectStore:
    there = _told(root, params)
    match root.scheme:
        case "az":
            return AzureStore(root.container, **there)
        case "s3":
            return S3Store(root.container, **there)
        case "gs":
            return GCSStore(root.container, **there)
        case "memory":
            return MemoryStore()


def _told(root: RemoteRoot, params: StorageParams) -> dict[str, Any]:
    account = account_of(params) if root.scheme == "az" else None
    endpoint = account.url if account else params.endpoint
    return {
        "prefix": root.prefix or None,
        "config": {**({_ENDPOINT[root.scheme]: endpoint} if endpoint else {}), **(account.config if account else {})},
        "client_options": {"timeout": timedelta(seconds=params.timeout_s), "allow_http": _is_plain(endpoint) == "true"},
        "retry_config": {
            "max_retries": params.retries,
            "retry_timeout": timedelta(seconds=params.retry_s),
            "backoff": _BACKOFF,
        },
        **({"credential_provider": _provider(account)} if account and account.login == "identity" else {}),
    }


def account_of(params: StorageParams) -> AzureAccount:
    """The account that the parameters name, else the environment.

    Raises:
        ConfigurationError: neither names one.
        StorageError: the signature with which to ask has expired.
    """
    account = params.azure or account_of_environment(params.endpoint)
    if account.expires_at and account.expires_at <= datetime.now(UTC):
        raise StorageError(
            f"the signature for {account.url} expired at {account.expires_at}: make another, {SAS_TOKEN}"
        )
    return account


def _provider(account: AzureAccount) -> Any:
    credential = account.credential
    from obstore.auth.azure import AzureCredentialProvider

    return AzureCredentialProvider(credential)


def _polars_provider(account: AzureAccount) -> Any:
    if account.login != "identity":
        return None
    return pl.CredentialProviderAzure(credential=account.credential)


def _is_plain(endpoint: str | None) -> str:
    """Whether it is asked without TLS, which only who writes such an address wants."""
    return "true" if (endpoint or "").startswith("http://") else "false"
