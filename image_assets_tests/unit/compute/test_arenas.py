"""What threads keep of memory that they have given back."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

_COUNT = """
import ctypes, sys, threading
from image_assets.compute.arenas import share_arenas

share_arenas()
barrier = threading.Barrier(9)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p

def take():
    libc.malloc(50_000)
    barrier.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
barrier.wait()
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""


def _arenas(folder: Path) -> int:
    told = folder / "arenas.xml"
    subprocess.run([sys.executable, "-c", _COUNT, str(told)], check=True)
    return told.read_text().count("<heap nr=")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has arenas to be shared")
def test_threads_share_arenas_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    assert _arenas(tmp_path) <= 2
    monkeypatch.setenv("MALLOC_ARENA_MAX", "5")
    assert _arenas(tmp_path) == 5
