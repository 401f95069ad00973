"""Lots: a day of very many images is cut into parts by a hash of where each came from.

Each lot has files of its own in every table that is computed image by image, named `{number}of{lots}`; a day of one
lot has none, just the day's file.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import unquote

from image_assets.ids import SourceUri
from image_assets.labels import normalise_name

MOST_LOTS: Final = 999
_SIDECAR: Final = ".json"
_NAME = re.compile(r"(\d{3})of(\d{3})")


@dataclass(frozen=True, order=True)
class Lot:
    """One of the parts of a day.

    Attributes:
        number: from 0.
        of: how many there are.
    """

    number: int
    of: int

    @cached_property
    def name(self) -> str:
        """As files and folders are named after it."""
        return f"{self.number:03}of{self.of:03}"

    @property
    def is_last(self) -> bool:
        """Whether no other lot of the day comes after it."""
        return self.number == self.of - 1

    def has(self, source_uri: SourceUri) -> bool:
        """Whether what came from there belongs to this lot; a sidecar is where its file is."""
        return lot_number(source_uri, self.of) == self.number


WHOLE = Lot(0, 1)
"""All of a day."""


def lot_number(source_uri: SourceUri, lots: int) -> int:
    """Of the lot that what came from there belongs to, on every machine."""
    if lots == 1:
        return 0
    stem = source_uri
    while stem.endswith(_SIDECAR):
        stem = SourceUri(stem.removesuffix(_SIDECAR))
    if "%" in stem:
        stem = SourceUri(normalise_name(unquote(stem)))
    digest = hashlib.blake2b(stem.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % lots


def lots_of(number: int) -> tuple[Lot, ...]:
    """All lots of a day that is cut into so many."""
    return tuple(Lot(each, number) for each in range(number))


def lot_named(name: str) -> Lot | None:
    """The lot that a file or folder is named after, if it is."""
    found = _NAME.fullmatch(name)
    return Lot(int(found[1]), int(found[2])) if found else None
