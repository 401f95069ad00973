"""What lies below a prefix in a cloud, by names as others have given them, told by the cloud's own client.

The client of the lake ends a listing at the first name that it cannot address, and drops a slash at the end of one.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from image_assets.errors import ConfigurationError
from image_assets.lake.azure.account import blob_service
from image_assets.lake.remote.address import RemoteRoot
from image_assets.lake.remote.client import account_of
from image_assets.lake.remote.errors import explanation
from image_assets.lake.remote.params import StorageParams

_WHAT: Final = "the source"


class Listed(NamedTuple):
    """One object: its name below the prefix, be it with a slash at its end, and what a listing tells of it."""

    name: str
    size_bytes: int
    modified_at: datetime
    version: str


def _listed_by_azure(root: RemoteRoot, params: StorageParams, after: str) -> Iterator[Listed]:
    """Blobs behind a name in the order of the service, which goes through all of them, a page at a time.

    Raises:
        ConfigurationError: Azure's client is not here.
    """
    start, service = _start(root), blob_service(account_of(params), params.timeout_s)
    from image_assets.lake.azure.access_tiers import azure_explained

    with service, azure_explained("list", _WHAT, root):
        for blob in service.get_container_client(root.container).list_blobs(name_starts_with=start or None):
            name = blob.name[len(start) :]
            if name.encode() > after.encode():
                yield Listed(name, blob.size, blob.last_modified, version_of(blob.etag))


def _listed_by_s3(root: RemoteRoot, params: StorageParams, after: str) -> Iterator[Listed]:
    """Objects behind a name in the order of their bytes, a page at a time.

    Raises:
        ConfigurationError: the client of S3 is not here.
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError as error:
        raise ConfigurationError(f'a source at {root} needs: pip install "image-assets[cloud]"') from error
    start = _start(root)
    asked = {"Bucket": root.container, "Prefix": start, "StartAfter": start + after}
    try:
        for page in _s3_client(params).get_paginator("list_objects_v2").paginate(**asked):
            for each in page.get("Contents", ()):
                yield Listed(each["Key"][len(start) :], each["Size"], each["LastModified"], version_of(each["ETag"]))
    except (BotoCoreError, ClientError) as error:
        raise explanation("list", _WHAT, root, error) from error


OWN_CLIENTS: Final[Mapping[str, Callable[[RemoteRoot, StorageParams, str], Iterator[Listed]]]] = {
    "az": _listed_by_azure,
    "s3": _listed_by_s3,
}
"""By scheme: what lists the names behind one."""


def version_of(e_tag: str | None) -> str:
    """An ETag without its marks, which not every client tells."""
    return str(e_tag).strip('"')


def _start(root: RemoteRoot) -> str:
    return f"{root.prefix}/" if root.prefix else ""


def _s3_client(params: StorageParams) -> Any:
    """Of the same service, region and identity as the lake's client, which addresses buckets by path."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    is_anonymous = os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in {"1", "true"}
    config = Config(
        connect_timeout=params.timeout_s,
        read_timeout=params.timeout_s,
        retries={"mode": "standard", "total_max_attempts": params.retries + 1},
        s3={"addressing_style": "path"},
        signature_version=UNSIGNED if is_anonymous else None,
    )
    return boto3.client("s3", region_name=os.environ.get("AWS_REGION"), endpoint_url=params.endpoint, config=config)
