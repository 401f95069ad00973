"""How much memory the threads of a process keep for themselves."""

import ctypes
import os
from typing import Final

_M_ARENA_MAX: Final = -8
_ARENAS: Final = 2


def share_arenas() -> None:
    """Have threads share what memory others have given back, where the C library is glibc (mallopt(3)).

    Otherwise each thread that reads pictures may keep an arena of what it once took, and a run of many days, whose
    threads come and go, grows by gigabytes. `MALLOC_ARENA_MAX` in the environment counts before it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt and "MALLOC_ARENA_MAX" not in os.environ:
        mallopt(_M_ARENA_MAX, _ARENAS)
