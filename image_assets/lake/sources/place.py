"""The place of a source: its entries in one order, and its files, to be read and nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

FoundKind = Literal["file", "link", "loop", "socket", "pipe", "device", "unreadable"]


@dataclass(frozen=True, slots=True)
class Found:
    """One entry.

    Attributes:
        path: below the source, as the bytes that the system has; of a folder with a slash at its end.
        kind: what it is; folders are told of only when they cannot be entered.
        detail: why, of what cannot be read.
        size_bytes: of a file.
        modified_at: of a file; None for a time that no calendar has.
        version: of a file: changes with its bytes, and not when the source is mounted elsewhere.
    """

    path: bytes
    kind: FoundKind
    detail: str | None = None
    size_bytes: int = 0
    modified_at: datetime | None = None
    version: str | None = None


class SourcePlace(Protocol):
    """Where a source is; paths are text in which bytes that are not UTF-8 are escaped, as `os.fsdecode` does.

    Reading raises as `ObjectStore.read` does.
    """

    @property
    def is_far(self) -> bool:
        """Whether each call waits for an answer from afar."""
        ...

    def entries(self, after: bytes = b"") -> Iterator[Found]:
        """Every entry behind a path, in the order of the paths' bytes, without holding them."""
        ...

    def signs(self) -> Sequence[str]:
        """What it can be known by, if it is looked for again."""
        ...

    def check(self, signs: Sequence[str]) -> None:
        """See that it is there: `StoreUnavailableError` for none, or one that has none of the signs."""
        ...

    def read(self, path: str) -> bytes:
        """All bytes of a file."""
        ...

    def read_start(self, path: str, most: int) -> bytes:
        """The first bytes of a file."""
        ...

    def fetch(self, path: str, target: Path) -> None:
        """Make a local file of it."""
        ...

    def version(self, path: str) -> str | None:
        """As `Found.version`; None when no file is there that can be reached."""
        ...
