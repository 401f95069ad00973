"""What an AVIF or HEIC says of its picture: size, colours, and how to crop and turn it (ISO/IEC 23008-12, 6.5)."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.boxes import Box, boxes_in, first_box

# Where the boxes of a visual sample entry begin (ISO/IEC 14496-12, 12.1.3).
_SAMPLE_ENTRY_BYTES = 78
_FULL_BOX_BYTES = 4


class CleanAperture(NamedTuple):
    """The part to be shown: its sides, and its centre as seen from the centre of the whole, in pixels."""

    width: Fraction
    height: Fraction
    right: Fraction
    down: Fraction


def picture_properties(data: bytes) -> list[Box]:
    """Properties of the picture that decoders show, in the order in which they apply; none if it has none."""
    return _properties_of_track(data) if data[8:12] == b"avis" else _properties_of_primary_item(data)


def item_size(properties: list[Box]) -> tuple[int, int] | None:
    """Columns and rows before anything is cropped or turned (`ispe`)."""
    for box in properties:
        if box.kind == b"ispe":
            width_px, height_px = struct.unpack_from(">II", box.content, _FULL_BOX_BYTES)
            return width_px, height_px
    return None


def read_clean_aperture(content: memoryview) -> CleanAperture:
    """The content of `clap`: four fractions, offsets with a sign (ISO/IEC 14496-12, 12.1.4).

    Raises:
        ImageError: corrupt: what its owner cut away would be shown.
    """
    try:
        numbers = struct.unpack_from(">IIIIiIiI", content)
        return CleanAperture(*(Fraction(*numbers[at : at + 2]) for at in (0, 2, 4, 6)))
    except (struct.error, ZeroDivisionError) as error:
        raise ImageError(RejectionReason.CORRUPT, "the crop that it tells is damaged") from error


def without_exif(data: bytes) -> bytes:
    """The file with its EXIF under a name that no decoder knows; every byte stays where it is."""
    meta = bytes(first_box(data, b"meta"))
    return data.replace(meta, meta.replace(b"Exif", b"none"), 1)


def _properties_of_track(data: bytes) -> list[Box]:
    """Of an image sequence: the boxes of its first sample entry that is not of an alpha track."""
    for track in boxes_in(first_box(data, b"moov")):
        content = track.content
        for kind in (b"mdia", b"minf", b"stbl", b"stsd"):
            content = first_box(content, kind)
        entry = first_box(content[8:], b"av01")
        boxes = list(boxes_in(entry[_SAMPLE_ENTRY_BYTES:]))
        if boxes and all(box.kind != b"auxi" for box in boxes):
            return boxes
    return []


def _properties_of_primary_item(data: bytes) -> list[Box]:
    meta = first_box(data, b"meta")[_FULL_BOX_BYTES:]
    described = first_box(meta, b"iprp")
    properties = list(boxes_in(first_box(described, b"ipco")))
    primary = _primary_item(first_box(meta, b"pitm"))
    # Associations may be spread over several boxes.
    found = [index for box in boxes_in(described) if box.kind == b"ipma" for index in _indices(box.content, primary)]
    return [properties[index - 1] for index in found if 0 < index <= len(properties)]


def _primary_item(content: memoryview) -> int | None:
    if len(content) < 6:
        return None
    return int.from_bytes(content[4:6] if content[0] == 0 else content[4:8], "big")


def _indices(content: memoryview, item: int | None) -> Iterator[int]:
    """Places of an item's properties among all, from 1 on (ISO/IEC 23008-12, 9.3.1)."""
    if len(content) < 8:
        return
    id_bytes, index_bytes = (2 if content[0] == 0 else 4), (2 if content[3] & 1 else 1)
    without_essential = (1 << (8 * index_bytes - 1)) - 1
    at = 8
    while at + id_bytes < len(content):
        found, count = int.from_bytes(content[at : at + id_bytes], "big"), content[at + id_bytes]
        at += id_bytes + 1
        places = range(at, at + count * index_bytes, index_bytes)
        if found == item:
            yield from (int.from_bytes(content[p : p + index_bytes], "big") & without_essential for p in places)
        at = places.stop
