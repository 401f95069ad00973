"""What a TIFF says of its pictures (TIFF 6.0, section 2; BigTIFF), read without decoding anything."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, SAMPLES, SAMPLE_FORMAT = (
    256,
    257,
    258,
    259,
    262,
    266,
    277,
    339,
)
_STRIP_OFFSETS, _STRIP_SIZES, _TILE_OFFSETS, _TILE_SIZES, _JPEG_TABLES = 273, 279, 324, 325, 347
_READ = frozenset(
    (
        *(WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, SAMPLES, SAMPLE_FORMAT),
        *(_STRIP_OFFSETS, _STRIP_SIZES, _TILE_OFFSETS, _TILE_SIZES, _JPEG_TABLES),
    )
)
# A tag is written once, and has two bytes.
_MOST_ENTRIES = 2**16
# Of one tag: strips of one row or small tiles of the largest picture that is let in. Nobody has more to say.
_MOST_VALUES = 10**6
# Type of a value -> letter of `struct` and size in bytes; other types are not needed here.
_UNSIGNED = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4), 7: ("B", 1), 16: ("Q", 8), 18: ("Q", 8)}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Byte order, and the letters of counts and offsets: what tells a BigTIFF from a TIFF."""

    order: str
    entries: str
    offset: str

    @property
    def entry_bytes(self) -> int:
        return 4 + 2 * self.offset_bytes

    @property
    def entries_bytes(self) -> int:
        return struct.calcsize(self.entries)

    @property
    def offset_bytes(self) -> int:
        return struct.calcsize(self.offset)

    def read(self, letter: str, data: bytes, at: int) -> int:
        """An unsigned integer; -1 behind the end of the file."""
        end = at + struct.calcsize(letter)
        return int(struct.unpack_from(self.order + letter, data, at)[0]) if end <= len(data) else -1


@dataclass(frozen=True, slots=True)
class TiffDirectory:
    """The tags of one picture.

    Attributes:
        values: unsigned integers of the tags above, up to a million each; those that lie behind the end of the file
            are left out. Of a tag that is there twice the first counts, as it does for libtiff.
        is_whole: the directory and all of its values lie within the file.
        next_pointer: where the offset of the next directory is written.
        next_offset: that offset; 0 after the last.
    """

    values: dict[int, tuple[int, ...]]
    is_whole: bool
    next_pointer: int
    next_offset: int

    def first(self, tag: int, default: int) -> int:
        """The first value of a tag."""
        return (self.values.get(tag) or (default,))[0]

    def blocks(self) -> list[tuple[int, int]]:
        """Offset and size in bytes of every strip or tile."""
        offsets = self.values.get(_STRIP_OFFSETS) or self.values.get(_TILE_OFFSETS) or ()
        sizes = self.values.get(_STRIP_SIZES) or self.values.get(_TILE_SIZES) or ()
        return list(zip(offsets, sizes, strict=False))

    def jpeg_tables(self) -> bytes:
        """What all JPEG strips share, between a start and an end of image; empty without."""
        return bytes(self.values.get(_JPEG_TABLES, ()))


def ends_early(data: bytes) -> bool:
    """Whether the first directory, or a strip or tile that it lists, goes on behind the last byte."""
    directory = first_directory(data)
    if directory is None or not directory.is_whole:
        return True
    return any(offset + size > len(data) for offset, size in directory.blocks())


def first_directory(data: bytes) -> TiffDirectory | None:
    """That of the first picture; None where the file ends before it."""
    return next(_directories(data), None)


def count_pictures(data: bytes, limit: int) -> int:
    """Directories in the file; counting stops at the limit."""
    return sum(1 for _ in islice(_directories(data, with_values=False), limit))


def first_picture_alone(data: bytes) -> bytes:
    """The file without its later pictures, which decoders would look for one by one."""
    directory = first_directory(data)
    if directory is None or directory.next_offset <= 0:
        return data
    width = _layout_of(data).offset_bytes
    at = directory.next_pointer
    return b"".join((data[:at], bytes(width), data[at + width :]))


def _layout_of(data: bytes) -> _Layout:
    order = "<" if data[:2] == b"II" else ">"
    return _Layout(order, "Q", "Q") if b"+" in data[2:4] else _Layout(order, "H", "I")


def _directories(data: bytes, *, with_values: bool = True) -> Iterator[TiffDirectory]:
    """One after the other, until the chain ends, breaks off or comes back."""
    layout = _layout_of(data)
    offset = layout.read(layout.offset, data, layout.offset_bytes)
    seen: set[int] = set()
    while offset > 0 and offset not in seen:
        seen.add(offset)
        count = layout.read(layout.entries, data, offset)
        if count < 0:
            return
        directory = _directory(layout, data, offset + layout.entries_bytes, count, with_values=with_values)
        yield directory
        offset = directory.next_offset


def _directory(layout: _Layout, data: bytes, first: int, count: int, *, with_values: bool) -> TiffDirectory:
    pointer = first + layout.entry_bytes * count
    if pointer > len(data):
        return TiffDirectory({}, is_whole=False, next_pointer=pointer, next_offset=-1)
    entries = range(first, pointer, layout.entry_bytes)[:_MOST_ENTRIES] if with_values else range(0)
    entry_of = {layout.read("H", data, entry): entry for entry in reversed(entries)}
    found = {tag: _values(layout, data, entry) for tag, entry in entry_of.items()}
    values = {tag: numbers for tag, numbers in found.items() if numbers is not None}
    return TiffDirectory(values, len(values) == len(found), pointer, layout.read(layout.offset, data, pointer))


def _values(layout: _Layout, data: bytes, entry: int) -> tuple[int, ...] | None:
    """Unsigned integers of an entry: none of other tags and types, None if they lie behind the end."""
    tag, kind = struct.unpack_from(layout.order + "HH", data, entry)
    letter, size = _UNSIGNED.get(kind, ("B", 0))
    length = layout.read(layout.offset, data, entry + 4) * size
    inline = entry + 4 + layout.offset_bytes
    at = inline if length <= layout.offset_bytes else layout.read(layout.offset, data, inline)
    if at < 0 or at + length > len(data):
        return None
    count = min(length // size, _MOST_VALUES) if size and tag in _READ else 0
    return struct.unpack_from(f"{layout.order}{count}{letter}", data, at)
