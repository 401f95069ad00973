"""Files that a process holds: the kernel lets go of them when it ends, however it ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def try_to_hold(file: Path, *, is_new: bool = True) -> Iterator[bool]:
    """Hold a file while the context lasts, or find that somebody else holds it.

    Raises:
        FileNotFoundError: it is not there and is not to be made.
    """
    descriptor = os.open(file, os.O_RDWR | (os.O_CREAT if is_new else 0), 0o666)
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_let_go(file: Path) -> bool:
    """Whether the file lies there and nobody holds it: who did has ended without taking it away."""
    try:
        with try_to_hold(file, is_new=False) as is_free:
            return is_free and file.exists()
    except FileNotFoundError:
        return False


def is_held(file: Path) -> bool:
    """Whether a process holds the file."""
    try:
        with try_to_hold(file, is_new=False) as is_free:
            return not is_free
    except FileNotFoundError:
        return False
