"""The names of a folder in order, however many there are: of a large one, sorted runs lie in temporary files."""

import heapq
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Final

_RUN: Final = 50_000
_BLOCK_BYTES: Final = 2**16
_END: Final = b"\0"


def names_in_order(folder: bytes, run: int = _RUN) -> Iterator[bytes]:
    """Names as bytes, of folders with a slash at the end, so that whole paths come in the order of their bytes.

    Raises OSError at the first name when the folder cannot be read.
    """
    with ExitStack() as held:
        runs: list[Iterator[bytes]] = []
        names: list[bytes] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                names.append(entry.name + b"/" if entry.is_dir(follow_symlinks=False) else entry.name)
                if len(names) == run:
                    runs.append(_kept(sorted(names), held.enter_context(tempfile.TemporaryFile())))
                    names = []
        yield from heapq.merge(*runs, sorted(names)) if runs else sorted(names)


def _kept(names: list[bytes], file: IO[bytes]) -> Iterator[bytes]:
    """The names again, read back a block at a time; none holds the sign between them."""
    file.writelines(name + _END for name in names)
    file.seek(0)
    return _read_back(file)


def _read_back(file: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while block := file.read(_BLOCK_BYTES):
        *whole, rest = (rest + block).split(_END)
        yield from whole
