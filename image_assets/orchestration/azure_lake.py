"""The lake in an account that dagster-azure knows: its address and login are a resource of Dagster's."""

import os
from dataclasses import replace
from typing import Any

import dagster as dg
from dagster_azure.blob import (
    AzureBlobStorageDefaultCredential,
    AzureBlobStorageKeyCredential,
    AzureBlobStorageResource,
    AzureBlobStorageSASTokenCredential,
)

from image_assets.lake.azure.account import (
    ACCOUNT_KEY,
    CONNECTION_STRING,
    SAS_TOKEN,
    AzureAccount,
    Login,
    account_of_environment,
    name_in,
)
from image_assets.lake.remote.params import StorageParams
from image_assets.orchestration.resources import LakeResource

_LOGINS: dict[str, Login] = {
    "key": "key",
    "sas": "sas",
    "default_azure_credential": "identity",
    "anonymous": "anonymous",
}


class AzureLakeResource(LakeResource):
    """The lake in a container of an account; whoever reads and writes there asks as the account's resource says."""

    azure: AzureBlobStorageResource

    @property
    def _storage(self) -> StorageParams:
        return replace(super()._storage, azure=account_in(self.azure))


def account_in(resource: AzureBlobStorageResource) -> AzureAccount:
    """The account that a resource of dagster-azure names."""
    told: Any = resource.credential
    url = resource.account_url.partition("?")[0].rstrip("/")
    secret = {"key": "key", "sas": "token"}.get(told.credential_type)
    return AzureAccount(
        name_in(url),
        url,
        _LOGINS[told.credential_type],
        getattr(told, secret) if secret else None,
        tuple((name, _fixed(value)) for name, value in sorted(getattr(told, "kwargs", {}).items())),
    )


def _fixed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def account_resource(endpoint: str | None) -> AzureBlobStorageResource | None:
    """The account of the environment as a resource: it names the variable that holds a secret, not the secret.

    None where a connection string holds it among other things: there the lake asks the environment by itself.
    """
    if os.environ.get(CONNECTION_STRING):
        return None
    account = account_of_environment(endpoint)
    credential: Any = {
        "key": AzureBlobStorageKeyCredential(key=dg.EnvVar(ACCOUNT_KEY)),
        "sas": AzureBlobStorageSASTokenCredential(token=dg.EnvVar(SAS_TOKEN)),
        "identity": AzureBlobStorageDefaultCredential(),
    }[account.login]
    return AzureBlobStorageResource(account_url=account.url, credential=credential)
