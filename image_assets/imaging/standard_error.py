"""What C libraries write to standard error because they know no better place."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

_HEARD_BYTES = 16_384
# There is one standard error to a process.
_ONE_LISTENER = threading.RLock()


@contextmanager
def heard(lines: list[str]) -> Iterator[None]:
    """Add the lines that are written meanwhile, by whichever thread, to the list instead; the first 16 KiB of them."""
    with _ONE_LISTENER, TemporaryFile() as file:
        before = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            told = file.read(_HEARD_BYTES).decode("utf-8", "replace")
            lines.extend(line.strip() for line in told.splitlines() if line.strip())
