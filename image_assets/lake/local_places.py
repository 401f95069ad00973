"""Places in a local folder, reached name by name: no link is followed, though somebody makes one meanwhile."""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeAlias

from image_assets.errors import ObjectForbiddenError, StorageError
from image_assets.ids import ObjectKey
from image_assets.lake.local_errors import GONE, IS_LINK
from image_assets.lake.object_store import ObjectInfo

# Where a system has it, a folder may be passed through without the right to list it.
FOLDER = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
Place: TypeAlias = tuple[int, str]
"""The descriptor of a folder, and a name in it."""


def names_of(key: str) -> Sequence[str]:
    """The folders of a key and the name in the last; `StorageError` for what is no key."""
    names = key.split("/")
    if not key or any(name in {"", ".", ".."} or "\0" in name for name in names):
        raise StorageError(f"{key!r} is not an object key: keys are names joined by single slashes", key=key)
    return names


def enter(above: int, name: str, *, is_followed: bool, make: bool) -> int:
    """The descriptor of a folder in another."""
    flags = FOLDER if is_followed else FOLDER | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=above)
    except FileNotFoundError:
        if not make:
            raise
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=above)
            sync_folder(above)
        return os.open(name, flags, dir_fd=above)
    except NotADirectoryError as error:
        if link_text((above, name)) is None:
            raise
        raise OSError(errno.ELOOP, IS_LINK) from error


def open_file(place: Place, key: str) -> BinaryIO:
    """A regular file to read; `ObjectForbiddenError` for whatever else is there."""
    folder, name = place
    descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ObjectForbiddenError(f"{key!r} is not a regular file", key=key)
    return os.fdopen(descriptor, "rb")


def walk(above: int, name: str, key: str, *, is_followed: bool = False) -> Iterator[ObjectInfo]:
    """What is below a folder; the entry itself when it is a link, or was a folder a moment ago."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        folder = os.open(name, flags if is_followed else flags | os.O_NOFOLLOW, dir_fd=above)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
            raise
        yield from _info(above, name, key)
        return
    try:
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            look = walk if entry.is_dir(follow_symlinks=False) else _info
            yield from look(folder, entry.name, f"{key}/{entry.name}")
    finally:
        os.close(folder)


def _info(folder: int, name: str, key: str) -> Iterator[ObjectInfo]:
    """Nothing for a file that went away after its folder was read."""
    with suppress(FileNotFoundError):
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        yield ObjectInfo(
            key=ObjectKey(key),
            size_bytes=status.st_size,
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            arrived_at=datetime.fromtimestamp(status.st_ctime, UTC),
            version=version_of(status),
        )


def sizes_of(folder: int, keys: Sequence[ObjectKey]) -> Iterator[tuple[ObjectKey, int]]:
    """Of the regular files that there are in a folder."""
    for key in keys:
        try:
            status = os.stat(names_of(key)[-1], dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in GONE:
                raise
            continue
        if stat.S_ISREG(status.st_mode):
            yield key, status.st_size


def version_of(status: os.stat_result) -> str:
    """What changes whenever the bytes may have changed."""
    # The inode's change time also moves when a tool replaces the bytes and restores size and mtime.
    return f"{status.st_size:x}-{status.st_mtime_ns:x}-{status.st_ctime_ns:x}"


def rename(source: Path, target: Place) -> None:
    """Put a file into its place, over whatever is there."""
    os.replace(source, target[1], dst_dir_fd=target[0])


def carry(source: Path, aside: Place, target: Place) -> None:
    """Put a copy of a file into its place, by way of a place beside that; no part of it is ever seen, nor lost."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(aside[1], flags, 0o666, dir_fd=aside[0])
    try:
        with os.fdopen(descriptor, "wb") as copy, source.open("rb") as original:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        os.replace(aside[1], target[1], src_dir_fd=aside[0], dst_dir_fd=target[0])
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(aside[1], dir_fd=aside[0])
        raise


def mount_of(folder: Path) -> object:
    """What tells one mount from another, of the same file system too where the system says so."""
    descriptor = os.open(folder, FOLDER)
    try:
        told = re.search(r"mnt_id:\s*(\d+)", Path(f"/proc/self/fdinfo/{descriptor}").read_text())
        return told and told[1]
    except FileNotFoundError:
        return os.fstat(descriptor).st_dev
    finally:
        os.close(descriptor)


def sync_folder(folder: int) -> None:
    """Where its names may be passed through but not listed, they are for somebody else to keep."""
    with suppress(PermissionError):
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fsync(readable)
        finally:
            os.close(readable)


def link_text(place: Place) -> str | None:
    """Where a symbolic link points to; None for whatever else is there, or nothing."""
    try:
        return os.readlink(place[1], dir_fd=place[0])
    except OSError:
        return None
