"""Reading an object of a cloud by the name that it has there."""

import re
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import BaseError

_NO_RANGE: Final = re.compile("416|Invalid range")


def whole(client: Any, name: str) -> bytes:
    """All bytes."""
    return bytes(obstore.get(client, name).bytes())


def start(client: Any, name: str, most: int) -> bytes:
    """A range from the first byte on; an empty object has none."""
    try:
        return bytes(obstore.get(client, name, options={"range": (0, most)}).bytes())
    except BaseError as error:
        if not _NO_RANGE.search(str(error)):
            raise
        return b""


def into(client: Any, name: str, path: Path) -> None:
    """Make a local file of it, piece by piece."""
    with path.open("wb") as file:
        for piece in obstore.get(client, name):
            file.write(piece)
