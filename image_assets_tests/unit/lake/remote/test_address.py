from pathlib import Path

import pytest

from image_assets.lake.remote.address import RemoteRoot, parse_root


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("az://lake", RemoteRoot("az", "lake")),
        ("az://lake/", RemoteRoot("az", "lake")),
        ("az://lake/photos/2026", RemoteRoot("az", "lake", "photos/2026")),
        ("s3://my.bucket/photos/", RemoteRoot("s3", "my.bucket", "photos")),
        ("gs://bucket_1/a", RemoteRoot("gs", "bucket_1", "a")),
    ],
)
def test_an_address_names_a_cloud_a_container_and_a_prefix(text: str, root: RemoteRoot) -> None:
    assert parse_root(text) == root
    assert parse_root(str(root)) == root


@pytest.mark.parametrize("text", ["data/lake", "/data/lake", "a b", "C:/lake", "./az:/lake", "lake:2"])
def test_whatever_else_is_a_folder(text: str) -> None:
    assert parse_root(text) == Path(text)


def test_a_tilde_is_the_folder_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_root("~/lake") == tmp_path / "lake"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("~nobody-of-this-name/lake", "begins with /"),
        ("abfss://lake@account.dfs.core.windows.net/a", "az://container/prefix"),
        ("wasbs://lake@account.blob.core.windows.net", "az://container/prefix"),
        ("s3a://bucket/a", "s3://bucket/prefix"),
        ("gcs://bucket/a", "gs://bucket/prefix"),
        ("AZ://lake/a", "az://container/prefix"),
        ("az:/lake/a", "az://container/prefix"),
        ("az://", "az://container/prefix"),
        ("az://Lake", "lower-case"),
        ("az://key@lake/a", "no key"),
        ("az://lake/a/../b", "plain names"),
        ("az://lake//a", "plain names"),
        ("s3://bucket/a b", "plain names"),
        ("s3://bucket/a?versionId=1", "plain names"),
        ("file:///data/lake", "write a folder"),
        ("https://account.blob.core.windows.net/lake", "az://container/prefix"),
        ("hdfs://lake/a", "az://container/prefix"),
        ("memory://lake", "write a folder"),
    ],
)
def test_what_is_written_otherwise_is_refused_with_what_to_write(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        parse_root(text)


def test_what_is_refused_is_not_repeated_for_there_may_be_a_key_in_it() -> None:
    with pytest.raises(ValueError, match="no key") as refused:
        parse_root("s3://id:secret@bucket/a")
    assert "secret" not in str(refused.value)
