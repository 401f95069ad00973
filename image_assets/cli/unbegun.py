"""Ctrl-C before a command has begun; light to import, because it has to be there first."""

import os
from typing import NoReturn

_INTERRUPTED = 130


def leave_unbegun() -> NoReturn:
    """End while half of the libraries are imported: nothing of them may be asked to tidy up."""
    os.write(2, b"interrupted: nothing was begun\n")
    os._exit(_INTERRUPTED)
