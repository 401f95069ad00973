"""A disk of a home's own, in a file: it can be full, and its power can be cut."""

import fcntl
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_SIZE_BYTES = 4 * 2**30
_SHUT_DOWN, _LOSE_WHAT_IS_PENDING = 0x8004587D, 2
"""EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of Linux: from that moment on nothing reaches the disk."""
_EXTENTS_OF_FILE, _EXTENTS, _EXTENT, _NOT_ON_DISK = 0xC020660B, 16, struct.Struct("=QQQQQIIII"), 4
"""FS_IOC_FIEMAP, and FIEMAP_EXTENT_DELALLOC: written, but given no place on the disk yet."""
_BALLAST = "ballast"
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class OwnDisk:
    """An ext4 file system in a file, mounted at a folder.

    Attributes:
        image: the file.
        folder: where.
    """

    image: Path
    folder: Path

    def mount(self) -> bool:
        """False where this may not be done."""
        mounted = subprocess.run(["mount", "-o", "loop", self.image, self.folder], check=False, capture_output=True)
        return mounted.returncode == 0

    def unmount(self) -> None:
        """As soon as nobody has a file of it open any more."""
        give_up_at = time.monotonic() + _PATIENCE_S
        while (done := subprocess.run(["umount", self.folder], check=False, capture_output=True)).returncode:
            if time.monotonic() > give_up_at:
                raise RuntimeError(done.stderr.decode())
            time.sleep(0.1)

    def fill(self, left_bytes: int) -> None:
        """Leave so many bytes, or none where others took them meanwhile."""
        with (self.folder / _BALLAST).open("wb") as ballast, suppress(OSError):
            os.posix_fallocate(ballast.fileno(), 0, max(1, shutil.disk_usage(self.folder).free - left_bytes))

    def empty(self) -> None:
        """Have room again."""
        (self.folder / _BALLAST).unlink()

    def is_pending(self, file: Path) -> bool:
        """Whether it has bytes that are in memory only, which a power cut would lose."""
        asked = bytearray(struct.pack("=QQIIII", 0, 2**64 - 1, 0, 0, _EXTENTS, 0) + bytes(_EXTENT.size * _EXTENTS))
        with suppress(FileNotFoundError), file.open("rb") as opened:
            fcntl.ioctl(opened, _EXTENTS_OF_FILE, asked)
        found = struct.unpack_from("=QQIIII", asked)[3]
        flags = (_EXTENT.unpack_from(asked, 32 + _EXTENT.size * number)[5] for number in range(found))
        return any(each & _NOT_ON_DISK for each in flags)

    def lose_power(self) -> None:
        """What was not synced is lost; who still works on it meets errors."""
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, _SHUT_DOWN, struct.pack("I", _LOSE_WHAT_IS_PENDING))
        finally:
            os.close(folder)

    def come_back(self) -> None:
        """As after a power cut, once those who worked on it are gone."""
        self.unmount()
        if not self.mount():
            raise RuntimeError(f"{self.image} cannot be mounted any more")

    def contents(self) -> Mapping[Path, str]:
        """A digest of each file."""
        files = (each for each in self.folder.rglob("*") if each.is_file() and not each.is_symlink())
        return {file: sha256(file.read_bytes()).hexdigest() for file in files}


@contextmanager
def own_disk(folder: Path) -> Iterator[OwnDisk | None]:
    """Give a folder that is not there yet a disk of its own; None where none may be mounted."""
    folder.mkdir(parents=True)
    if not all(map(shutil.which, ("mkfs.ext4", "mount", "umount"))):
        yield None
        return
    disk = OwnDisk(folder.with_suffix(".ext4"), folder)
    with disk.image.open("wb") as file:
        file.truncate(_SIZE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", disk.image], check=True)
    if not disk.mount():
        yield None
        return
    try:
        yield disk
    finally:
        disk.unmount()
