"""Errors of the operating system, in the words of the family."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_assets.errors import (
    ObjectForbiddenError,
    ObjectNotFoundError,
    StorageError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)

GONE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENXIO, errno.ELOOP}
IS_LINK = "it or a folder of it is a symbolic link, and those are not followed: put what it points to there instead"


@contextmanager
def explained(verb: str, key: str, root: Path) -> Iterator[None]:
    """Translate the operating system's errors into the family, at this one place."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        told = IS_LINK if error.errno == errno.ELOOP else error.strerror or error
        what = f"cannot {verb} {key!r}"
        # This becomes the reason in a row, which strangers read: it does not say where the lake is.
        if verb == "read" and error.errno in GONE:
            raise ObjectNotFoundError(f"{what}: {told}", key=key) from error
        if verb == "read" and error.errno in _FORBIDDEN:
            raise ObjectForbiddenError(f"{what}: {told}", key=key) from error
        where = f"{what} below {root}: {told}"
        if error.errno == errno.ELOOP:
            raise StorageError(where, key=key) from error
        if error.errno == errno.EROFS:
            raise StoreReadOnlyError(f"{where}; mount it for writing and run again", key=key) from error
        if error.errno == errno.ENOENT:
            # What was there when it was begun, or was made for it, is there no longer.
            raise StoreUnavailableError(
                f"{where}; it is gone: bring it back, or set IMAGE_ASSETS_ROOT elsewhere", key=key
            ) from error
        if error.errno in GONE | _FORBIDDEN | {errno.EEXIST}:
            advice = "give this user access or set IMAGE_ASSETS_ROOT elsewhere"
            raise StorageError(f"{where}; {advice}", key=key) from error
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            advice = "free some space and run again: finished work is kept"
            raise StoreFullError(f"{where}; {advice}", key=key) from error
        raise StoreUnavailableError(f"{where}; check the disk and run again", key=key) from error
