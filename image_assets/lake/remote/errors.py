"""Errors of a cloud, in the words of the family."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from image_assets.errors import (
    ImageAssetsError,
    ObjectArchivedError,
    ObjectChangedError,
    ObjectKeptError,
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
_IS_ARCHIVED: Final = "BlobArchived|BlobBeingRehydrated|InvalidObjectState"
_ARCHIVED: Final = (
    "it is in the archive tier, whole and not to be read: image-assets restore brings it back, within 15 hours"
)
_KEPT: Final = "it has snapshots: remove those there, or have image-assets erase remove them with it"
_MAY_NOT: Final = "the credential has no right to: allow it to list, read, write and delete there"
_WAYS_OUT: Final = {
    "lacked valid authentication|failed to retrieve a token": "no identity is found to ask with: set {login}",
    "RequestTimeTooSkewed|date header too old": "the clock of this machine is wrong: set it, as NTP does",
    "not valid in the specified time frame|ExpiredToken|[Tt]oken.{0,30}expired": "the credential has expired: renew it",
    "failed to authenticate|SignatureDoesNotMatch|InvalidAccessKeyId|401 ": "is the key right? Set {login}",
    "<Code>ResourceNotFound</Code>": "there is no such account: set {login}",
    _IS_ARCHIVED: _ARCHIVED,
    "SnapshotsPresent|the blob has snapshots": _KEPT,
    '403 Forbidden|code: "403"|AuthorizationFailure|AuthorizationPermissionMismatch': _MAY_NOT,
    "400 Bad Request|invalid path|parse path": "rename or remove that object there",
}
"""What is no use to try again, by how it is told, with the way out."""

_ADDRESS: Final = re.compile(r"(https?://[^\s?]+)\?\S+")
_SHOWN: Final = 400
_CHANGING: Final = {"write", "delete", "copy", "move to another tier"}


@contextmanager
def explained(verb: str, key: str, root: RemoteRoot) -> Iterator[None]:
    """Translate a cloud's errors into the family, at this one place."""
    try:
        yield
    except ImageAssetsError:
        raise
    except (AlreadyExistsError, PreconditionError) as error:
        # Azure answers with a conflict too when it is asked for what is archived.
        if re.search(_IS_ARCHIVED, str(error)):
            raise explanation(verb, key, root, error) from error
        raise ObjectChangedError(
            f"another process replaced {key!r} below {root} meanwhile: run it again", key=key
        ) from error
    except FileNotFoundError as error:
        if _NO_CONTAINER.search(str(error)):
            raise _no_container(verb, key, root) from error
        raise ObjectNotFoundError(f"cannot {verb} {key!r}: no such object", key=key) from error
    except (BaseError, ValueError, OSError) as error:
        raise explanation(verb, key, root, error) from error


def explanation(verb: str, key: str, root: RemoteRoot, error: Exception) -> StorageError:
    """What an error of a cloud's client means, in the words of the family."""
    text = str(error)
    if _NO_CONTAINER.search(text):
        return _no_container(verb, key, root)
    where = f"cannot {verb} {key!r} below {root}"
    for pattern, advice in _WAYS_OUT.items():
        if re.search(pattern, text):
            told = f"{where}: {advice.format(login=_LOGIN[root.scheme])} ({told_shortly(error)})"
            return _kind(advice, verb)(told, key=key)
    told = f"{where}: it does not answer as it should; run it again ({told_shortly(error)})"
    return StoreUnavailableError(told, key=key)


def _kind(advice: str, verb: str) -> type[StorageError]:
    if advice is _ARCHIVED:
        return ObjectArchivedError
    if advice is _KEPT:
        return ObjectKeptError
    return StoreReadOnlyError if advice is _MAY_NOT and verb in _CHANGING else StorageError


def _no_container(verb: str, key: str, root: RemoteRoot) -> StorageError:
    advice = "make it, or name another in IMAGE_ASSETS_ROOT, or as the source of a migration"
    return StoreUnavailableError(f"cannot {verb} {key!r}: there is no container {root.container!r}; {advice}", key=key)


def told_shortly(error: Exception) -> str:
    """Its first lines, without what an address holds behind its question mark: a signature may be among that."""
    text = " ".join(str(error).partition("Debug source:")[0].split())
    return _ADDRESS.sub(r"\1", text)[:_SHOWN]


def login_of(root: RemoteRoot) -> str:
    """By which variables the cloud knows who asks."""
    return _LOGIN[root.scheme]
