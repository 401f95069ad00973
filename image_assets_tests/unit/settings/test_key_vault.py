"""Secrets from a Key Vault: a server of our own that speaks as much of its interface, over TLS, to an identity."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from image_assets.cli.setup import show_settings
from image_assets.errors import ConfigurationError
from image_assets.settings import load_settings, origins
from image_assets_tests.servers.identity import Vault, key_vault, login_at, make_certificate, managed_identity

FIRST, SECOND = "postgresql://gold:first-hush@127.0.0.1/gold", "postgresql://gold:second-hush@127.0.0.1/gold"


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """A vault that is named in the environment of a machine with an identity."""
    for name in [name for name in os.environ if name.startswith(("IMAGE_ASSETS_", "AZURE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    certificate, key = make_certificate(tmp_path)
    with managed_identity() as tokens, key_vault(certificate, key) as vault:
        for name, value in {**login_at(tokens, certificate), "IMAGE_ASSETS_KEY_VAULT": vault.url}.items():
            monkeypatch.setenv(name, value)
        vault.secrets = {"IMAGE-ASSETS-POSTGRES": FIRST, "somebody-elses": "other"}
        yield vault


def postgres() -> str:
    url = load_settings().postgres
    return url.get_secret_value() if url else ""


def test_a_secret_is_read_from_the_vault(vault: Vault) -> None:
    settings = load_settings()
    assert postgres() == FIRST
    assert (origins(settings)["postgres"], origins(settings)["key_vault"]) == ("key vault", "environment")


def test_a_secret_that_was_rotated_is_the_new_one_when_settings_are_read_again(vault: Vault) -> None:
    assert postgres() == FIRST
    vault.secrets["IMAGE-ASSETS-POSTGRES"] = SECOND
    assert postgres() == SECOND


def test_the_environment_goes_before_the_vault(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGE_ASSETS_POSTGRES", SECOND)
    assert postgres() == SECOND


def test_a_name_has_as_many_words_as_the_setting(vault: Vault) -> None:
    vault.secrets["image-assets-api-key"] = "hush"
    key = load_settings().api_key
    assert key is not None
    assert key.get_secret_value() == "hush"


def test_a_secret_is_neither_logged_nor_shown(vault: Vault, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = load_settings()
    shown = CliRunner().invoke(show_settings, ["--json"])
    assert (shown.exit_code, '"***"' in shown.output) == (0, True)
    assert "hush" not in f"{settings!r} {settings.shown('postgres')} {caplog.text} {shown.output}"


def test_a_secret_that_is_no_url_is_told_without_its_words(vault: Vault) -> None:
    vault.secrets["IMAGE-ASSETS-POSTGRES"] = "mysql://hush"
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_POSTGRES: .*begins with postgresql") as told:
        load_settings()
    assert "hush" not in str(told.value)


@pytest.mark.parametrize("name", ["IMAGE-ASSETS-POSTGRESS", "IMAGE-ASSETS-OWNER"], ids=["misspelt", "no secret"])
def test_what_is_no_secret_among_the_settings_is_refused(vault: Vault, name: str) -> None:
    vault.secrets[name] = "value"
    with pytest.raises(ConfigurationError, match=f"{name} in .* is no secret among the settings; .*ASSETS-POSTGRES"):
        load_settings()


def test_who_may_not_read_there_hears_which_role_is_wanted(vault: Vault) -> None:
    vault.may_read = False
    with pytest.raises(ConfigurationError, match=r"IMAGE_ASSETS_KEY_VAULT: .*the role Key Vault Secrets User"):
        load_settings()


def test_a_vault_whose_certificate_nobody_vouches_for_is_not_asked(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(ConfigurationError, match="CERTIFICATE_VERIFY_FAILED"):
        load_settings()


def test_without_a_vault_nothing_of_azure_is_loaded(tmp_path: Path) -> None:
    program = (
        "import sys; from image_assets.settings import load_settings; load_settings()\n"
        "sys.exit(any(name == 'azure' or name.startswith('azure.') for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == 0
