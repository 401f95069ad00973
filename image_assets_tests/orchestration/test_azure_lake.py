"""The lake in an account of dagster-azure's resource: who asks comes from there, and Dagster shows no secret."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._serdes import ConfigurableClassData
from dagster_azure.blob import (
    AzureBlobStorageAnonymousCredential,
    AzureBlobStorageDefaultCredential,
    AzureBlobStorageKeyCredential,
    AzureBlobStorageResource,
    AzureBlobStorageSASTokenCredential,
)
from dagster_azure.blob.compute_log_manager import AzureBlobComputeLogManager

from image_assets.definitions import usual_resources
from image_assets.ids import ObjectKey
from image_assets.orchestration.azure_lake import AzureLakeResource, account_in
from image_assets.orchestration.resources import LakeResource
from image_assets.settings import Settings
from image_assets_tests.servers.clouds import ACCOUNT, KEY, Cloud, use

REPOSITORY = Path(__file__).parents[2]
URL = "https://shop.blob.core.windows.net"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)


def test_the_lake_is_read_and_written_as_the_resource_says(azurite: Cloud) -> None:
    account = AzureBlobStorageResource(
        account_url=str(azurite.params.endpoint), credential=AzureBlobStorageKeyCredential(key=KEY)
    )
    lake = AzureLakeResource(root=str(azurite.new_root()), azure=account)
    key = ObjectKey("silver/a.jpg")
    lake.tables.store.write(key, b"bytes")
    assert lake.tables.store.read(key) == b"bytes"


@pytest.mark.parametrize(
    ("credential", "login", "secret", "identity"),
    [
        (AzureBlobStorageKeyCredential(key="a"), "key", "a", ()),
        (AzureBlobStorageSASTokenCredential(token="sig=b"), "sas", "sig=b", ()),
        (AzureBlobStorageAnonymousCredential(), "anonymous", None, ()),
        (
            AzureBlobStorageDefaultCredential(kwargs={"managed_identity_client_id": "c"}),
            "identity",
            None,
            (("managed_identity_client_id", "c"),),
        ),
    ],
    ids=["key", "sas", "anonymous", "identity"],
)
def test_every_login_of_the_resource_is_one_of_the_lake(
    credential: object, login: str, secret: str | None, identity: tuple[object, ...]
) -> None:
    account = account_in(AzureBlobStorageResource(account_url=f"{URL}/", credential=credential))
    assert (account.name, account.url, account.login) == ("shop", URL, login)
    assert (account.secret, account.identity) == (secret, identity)


@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("AZURE_STORAGE_ACCOUNT_KEY", "key"),
        ("AZURE_STORAGE_SAS_TOKEN", "sas"),
        ("AZURE_CLIENT_ID", "default_azure_credential"),
    ],
)
def test_the_account_of_the_environment_is_a_resource_that_names_variables(
    settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, variable: str, kind: str
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "shop")
    monkeypatch.setenv(variable, "hush")
    resources = usual_resources(settings_for(Cloud("az").new_root()))
    lake = resources["lake"]
    assert isinstance(lake, AzureLakeResource)
    assert (lake.azure.account_url, lake.azure.credential.credential_type) == (URL, kind)
    shown = dg.Definitions(resources=resources).get_repository_def().get_top_level_resources()["azure_blob_storage"]
    told = json.dumps(shown.config_schema.default_value)
    assert URL in told
    assert "hush" not in told


def test_a_connection_string_is_read_by_the_lake_alone(
    azurite: Cloud, settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={azurite.params.endpoint}"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", written)
    lake = usual_resources(settings_for(azurite.new_root()))["lake"]
    assert type(lake) is LakeResource
    assert not lake.tables.days("gold_images")


def test_a_run_asks_as_the_resource_says_with_the_variable_read_when_it_begins(
    azurite: Cloud, settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(azurite, monkeypatch)
    settings = settings_for(azurite.new_root(), storage_endpoint=azurite.params.endpoint)
    with dg.build_resources({"lake": usual_resources(settings)["lake"]}) as resources:
        store = resources.lake.tables.store
    assert store.lake.params.azure.secret == KEY
    assert not store.exists(ObjectKey("nothing"))


def test_neither_dagster_azure_nor_azures_clients_are_loaded_before_a_lake_is_there(tmp_path: Path) -> None:
    program = (
        "import sys; from image_assets.definitions import defs; defs()\n"
        "print(*sorted({'azure.identity', 'azure.storage.blob', 'dagster_azure', 'obstore'} & sys.modules.keys()))\n"
    )
    asked = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "IMAGE_ASSETS_"))}
    for root, loaded in (("lake", ""), ("az://lake/a", "azure.identity azure.storage.blob dagster_azure")):
        there = {**asked, "IMAGE_ASSETS_ROOT": root, "AZURE_STORAGE_ACCOUNT_NAME": "shop"}
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env=there, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == loaded


def test_the_example_of_dagster_yaml_keeps_logs_in_azure_and_all_else_as_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "shop")
    monkeypatch.chdir(tmp_path)
    example, usual = (
        yaml.safe_load((REPOSITORY / name).read_text()) for name in ("deploy/azure/dagster.yaml", "dagster.yaml")
    )
    logs = example.pop("compute_logs")
    del usual["compute_logs"], usual["local_artifact_storage"]
    assert example == usual
    kept = ConfigurableClassData(logs["module"], logs["class"], yaml.safe_dump(logs["config"])).rehydrate(
        AzureBlobComputeLogManager
    )
    assert kept._container == "dagster-logs"
