"""Which photos an encoder has learned from: a score on them is no forecast for photos it has never seen.

The file lies beside the weights: the SHA-256 of each photo's file, in hexadecimal digits, sorted, one a line.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from image_assets.errors import ModelError

LEARNED_FROM_FILE: Final = "learned_from.sha256"

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def write_learned_from(folder: Path, digests: Iterable[str]) -> None:
    """Notes the SHA-256 of each photo beside the weights."""
    lines = "".join(f"{digest}\n" for digest in sorted(set(digests)))
    (folder / LEARNED_FROM_FILE).write_text(lines, encoding="ascii")


def read_learned_from(folder: Path) -> frozenset[str]:
    """The SHA-256 of each photo that the checkpoint learned from; empty where its folder does not tell.

    Raises:
        ModelError: a line is no digest.
    """
    path = folder / LEARNED_FROM_FILE
    if not path.is_file():
        return frozenset()
    digests = path.read_text(encoding="utf-8", errors="replace").split()
    wrong = next((digest for digest in digests if not _DIGEST.fullmatch(digest)), None)
    if wrong is not None:
        raise ModelError(f"{path} holds {wrong[:80]!r}, which is no SHA-256; copy the checkpoint again")
    return frozenset(digests)
