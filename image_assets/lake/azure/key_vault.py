"""Secrets among the settings from a Key Vault of Azure's, read anew whenever settings are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from azure.core.exceptions import AzureError
from azure.keyvault.secrets import SecretClient
from pydantic_settings import AzureKeyVaultSettingsSource, BaseSettings
from pydantic_settings.sources.providers.azure import AzureKeyVaultMapping

from image_assets.errors import ConfigurationError
from image_assets.lake.azure.account import default_credential
from image_assets.lake.remote.errors import told_shortly

_RETRIES: Final = 2
_PATIENCE_S: Final = 10


class VaultSource(AzureKeyVaultSettingsSource):
    """The secrets that a vault has, of settings that are secrets; asked as an identity, with nothing kept of it."""

    def __init__(self, settings: type[BaseSettings], url: str, secrets: frozenset[str]) -> None:
        with _explained(url):
            super().__init__(settings, url, default_credential(), dash_to_underscore=True)
            _check(self.env_vars, self.env_prefix, secrets, url)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        """As its parent, with less patience: whoever types a command waits for it."""
        client = SecretClient(self._url, self._credential, retry_total=_RETRIES, connection_timeout=_PATIENCE_S)
        return AzureKeyVaultMapping(
            client, self.case_sensitive, snake_case_conversion=False, env_prefix=self.env_prefix
        )

    def __call__(self) -> dict[str, Any]:
        """The values by the names of their settings."""
        with _explained(self._url):
            return super().__call__()


def _check(names: Any, prefix: str, secrets: frozenset[str], url: str) -> None:
    """Whatever else is named like a setting would be without effect, or shown where settings are."""
    start = prefix.lower().replace("_", "-")
    for name in names:
        if name.startswith(start) and name.removeprefix(start).replace("-", "_") not in secrets:
            known = ", ".join(f"{start}{each.replace('_', '-')}".upper() for each in sorted(secrets))
            raise ConfigurationError(f"{name.upper()} in {url} is no secret among the settings; these are: {known}")


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except (AzureError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        told = "give this machine's identity the role Key Vault Secrets User there, or correct the address"
        raise ConfigurationError(f"IMAGE_ASSETS_KEY_VAULT: {url}: {told} ({told_shortly(error)})") from error
