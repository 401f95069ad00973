"""AVIF and HEIC files with properties that no writer at hand writes."""

import struct

from image_assets.imaging.boxes import boxes_in, first_box


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def rotated(quarter_turns: int) -> bytes:
    """`irot`, anti-clockwise."""
    return box(b"irot", bytes([quarter_turns]))


def mirrored(mode: int) -> bytes:
    """`imir`: 0 exchanges top and bottom, 1 left and right."""
    return box(b"imir", bytes([mode]))


def cropped(width: int, height: int, right: int, down: int, denominator: int = 2) -> bytes:
    """`clap`: the centre lies this many halves of a pixel right of and below the centre of the picture."""
    numbers = (width, 1, height, 1, right, denominator, down, denominator)
    return box(b"clap", struct.pack(">IIIIiIiI", *numbers))


def nclx(primaries: int, transfer: int) -> bytes:
    return box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, 6, 0x80))


def icc(profile: bytes) -> bytes:
    return box(b"colr", b"prof" + profile)


def with_properties(data: bytes, *added: bytes, without: tuple[bytes, ...] = ()) -> bytes:
    """The file with more properties of its primary item, behind those that it has, and without others.

    Its description moves to the end, so that no pixel moves.
    """
    meta = bytes(first_box(data, b"meta"))
    new = meta[:4] + b"".join(
        box(b"iprp", _described(bytes(part.content), added, without)) if part.kind == b"iprp" else _again(part)
        for part in boxes_in(meta[4:])
    )
    old = box(b"meta", meta)
    assert old in data
    return data.replace(old, box(b"free", meta)) + box(b"meta", new)


def _again(part) -> bytes:
    return box(part.kind, bytes(part.content))


def _described(iprp: bytes, added: tuple[bytes, ...], without: tuple[bytes, ...]) -> bytes:
    properties = [
        box(b"free", bytes(part.content)) if part.kind in without else _again(part)
        for part in boxes_in(first_box(iprp, b"ipco"))
    ]
    places = range(len(properties) + 1, len(properties) + 1 + len(added))
    ipco = box(b"ipco", b"".join(properties) + b"".join(added))
    return ipco + box(b"ipma", _associated(bytes(first_box(iprp, b"ipma")), places))


def _associated(ipma: bytes, places: range) -> bytes:
    """For files of our own making: small numbers, and the primary item first."""
    assert ipma[:4] == bytes(4)
    count = ipma[10]
    essential = bytes(0x80 | place for place in places)
    return ipma[:10] + bytes([count + len(places)]) + ipma[11 : 11 + count] + essential + ipma[11 + count :]
