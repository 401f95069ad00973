"""Errors of a cloud, in the words of the family."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from image_assets.errors import (
    ImageAssetsError,
    ObjectChangedError,
    ObjectNotFoundError,
    StorageError,
    StoreReadOnlyError,
    StoreUnavailableError,
)
from image_assets.lake.azure.account import LOGIN
from image_assets.lake.remote.address import RemoteRoot

_LOGIN: Final = {
    "az": LOGIN,
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
    "memory": "nothing",
}
"""Variables by which each cloud knows who asks."""

_NO_CONTAINER: Final = re.compile("ContainerNotFound|ContainerBeingDeleted|NoSuchBucket|bucket does not exist")
_MAY_NOT: Final = "the credential has no right to: allow it to list, read, write and delete there"
_WAYS_OUT: Final = {
    "lacked valid authentication|failed to retrieve a token": "no identity is found to ask with: set {login}",
    "RequestTimeTooSkewed|date header too old": "the clock of this machine is wrong: set it, as NTP does",
    "not valid in the specified time frame|ExpiredToken|[Tt]oken.{0,30}expired": "the credential has expired: renew it",
    "failed to authenticate|SignatureDoesNotMatch|InvalidAccessKeyId|401 ": "is the key right? Set {login}",
    "<Code>ResourceNotFound</Code>": "there is no such account: set {login}",
    "BlobArchived|InvalidObjectState": "it is in the archive tier: have it brought back there first",
    '403 Forbidden|code: "403"': _MAY_NOT,
    "400 Bad Request|invalid path|parse path": "rename or remove that object there",
}
"""What is no use to try again, by how it is told, with the way out."""

_ADDRESS: Final = re.compile(r"(https?://[^\s?]+)\?\S+")
_SHOWN: Final = 400
_CHANGING: Final = {"write", "delete", "copy"}


@contextmanager
def explained(verb: str, key: str, root: RemoteRoot) -> Iterator[None]:
    """Translate a cloud's errors into the family, at this one place."""
    try:
        yield
    except ImageAssetsError:
        raise
    except (AlreadyExistsError, PreconditionError) as error:
        raise ObjectChangedError(
            f"another process replaced {key!r} below {root} meanwhile: run it again", key=key
        ) from error
    except FileNotFoundError as error:
        if _NO_CONTAINER.search(str(error)):
            raise _no_container(verb, key, root) from error
        raise ObjectNotFoundError(f"cannot {verb} {key!r}: no such object", key=key) from error
    except (BaseError, ValueError, OSError) as error:
        raise _explanation(verb, key, root, error) from error


def _explanation(verb: str, key: str, root: RemoteRoot, error: Exception) -> StorageError:
    text = str(error)
    if _NO_CONTAINER.search(text):
        return _no_container(verb, key, root)
    where = f"cannot {verb} {key!r} below {root}"
    for pattern, advice in _WAYS_OUT.items():
        if re.search(pattern, text):
            told = f"{where}: {advice.format(login=_LOGIN[root.scheme])} ({told_shortly(error)})"
            is_read_only = advice is _MAY_NOT and verb in _CHANGING
            return (StoreReadOnlyError if is_read_only else StorageError)(told, key=key)
    told = f"{where}: it does not answer as it should; run it again ({told_shortly(error)})"
    return StoreUnavailableError(told, key=key)


def _no_container(verb: str, key: str, root: RemoteRoot) -> StorageError:
    advice = "make it, or set IMAGE_ASSETS_ROOT elsewhere"
    return StoreUnavailableError(f"cannot {verb} {key!r}: there is no container {root.container!r}; {advice}", key=key)


def told_shortly(error: Exception) -> str:
    """Its first lines, without what an address holds behind its question mark: a signature may be among that."""
    text = " ".join(str(error).partition("Debug source:")[0].split())
    return _ADDRESS.sub(r"\1", text)[:_SHOWN]


def login_of(root: RemoteRoot) -> str:
    """By which variables the cloud knows who asks."""
    return _LOGIN[root.scheme]
