"""Boxes of ISO base media files, which AVIF, HEIC and JPEG 2000 are (ISO/IEC 14496-12, 4.2; ITU-T T.800, I.4)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple


class Box(NamedTuple):
    """Four letters and what follows its head, uncopied."""

    kind: bytes
    content: memoryview


def boxes_in(content: bytes | memoryview) -> Iterator[Box]:
    """Boxes one behind the other, up to the first that cannot be one; the last may be cut off."""
    view, at = memoryview(content), 0
    while at + 8 <= len(view):
        size, kind = struct.unpack_from(">I4s", view, at)
        head = 8
        if size == 1 and at + 16 <= len(view):
            (size,), head = struct.unpack_from(">Q", view, at + 8), 16
        end = len(view) if size == 0 else at + size
        if end < at + head:
            return
        yield Box(kind, view[at + head : end])
        at = end


def first_box(content: bytes | memoryview, kind: bytes) -> memoryview:
    """Content of the first box of a kind; empty if there is none."""
    return next((box.content for box in boxes_in(content) if box.kind == kind), memoryview(b""))
