"""A JPEG brought into the form of which no decoder complains for nothing (ITU-T T.81, annex B).

Decoders tell of the first oddity only, and most oddities cost no pixel: stray bytes between two segments, headers
with odd values, metadata, padding behind the pixels, no end marker. What is left without them is the picture alone:
whatever a decoder then complains of is about pixels.
"""

import re
from dataclasses import dataclass

_START, _END, _SCAN, _JFIF, _ADOBE = 0xD8, 0xD9, 0xDA, 0xE0, 0xEE
_SEQUENTIAL = frozenset((0xC0, 0xC1, 0xC9))
_PROGRESSIVE = frozenset((0xC2, 0xCA))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset((0x01, *range(0xD0, 0xDA)))
# Application segments but those that say how colours are meant, and comments.
_METADATA = frozenset((*range(0xE1, 0xEE), 0xEF, 0xFE))
_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
# What libjpeg takes an Adobe segment to mean whose code it does not know, by the number of components.
_ADOBE_CODES = {3: (0, 1), 4: (0, 2)}
_ZEROS = bytes(16)


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker, what its header says, and the entropy-coded bytes behind a start of scan."""

    marker: int
    header: bytes
    coded: bytes = b""

    def written(self) -> bytes:
        """As it stands in a file."""
        return b"".join((b"\xff", bytes((self.marker,)), self.header, self.coded))


@dataclass(frozen=True, slots=True)
class PlainJpeg:
    """The segments of the first picture that its pixels depend on.

    Attributes:
        segments: without start and end of the image.
        has_end: the file has an end-of-image marker behind them.
    """

    segments: tuple[Segment, ...]
    has_end: bool

    def has_every_scan(self) -> bool:
        """Whether each coefficient of a progressive picture comes down to its last bit (T.81, G.1.1)."""
        frame = next((segment for segment in self.segments if segment.marker in _PROGRESSIVE), None)
        if frame is None:
            return True
        missing = {(component, at) for component in frame.header[8::3] for at in range(64)}
        for scan in self.segments:
            if scan.marker == _SCAN and len(scan.header) > 6 and not scan.header[-1] & 0x0F:
                components, band = scan.header[3:-3:2], range(scan.header[-3], scan.header[-2] + 1)
                missing -= {(component, at) for component in components for at in band}
        return not missing

    def written(self) -> bytes:
        """A file with both of its ends."""
        return b"\xff\xd8" + b"".join(segment.written() for segment in self.segments) + b"\xff\xd9"

    def without_remains(self, count: int, next_marker: int) -> "PlainJpeg | None":
        """Without so many bytes behind the last pixel of the scan before this marker; None if they tell of damage.

        They do not where they are padding, or where no end marker closes the picture, so that what follows it is
        somebody else's: a phone's trailer.
        """
        for at, segment in enumerate(self.segments):
            followed_by = self.segments[at + 1].marker if at + 1 < len(self.segments) else _END
            if segment.marker == _SCAN and followed_by == next_marker and count <= len(segment.coded):
                pixels, remains = segment.coded[:-count], segment.coded[-count:]
                shorter = Segment(_SCAN, segment.header, pixels)
                if _is_padding(pixels, remains):
                    return PlainJpeg((*self.segments[:at], shorter, *self.segments[at + 1 :]), self.has_end)
                if followed_by == _END and not self.has_end and remains.strip(b"\x00"):
                    return PlainJpeg((*self.segments[:at], shorter), self.has_end)
        return None


def _is_padding(pixels: bytes, remains: bytes) -> bool:
    """One value over and over; zeros behind zeros are a file that was never filled with the rest of its pixels."""
    return len(set(remains)) == 1 and not (remains[0] == 0 and pixels.endswith(_ZEROS))


def plain_jpeg(data: bytes) -> PlainJpeg:
    """The first picture of a file that starts like a JPEG, read like libjpeg does: what is no marker is passed over."""
    segments: list[Segment] = []
    frame: Segment | None = None
    at, has_end = 2, False
    while not has_end and (found := _MARKER.search(data, at)) is not None and not _is_complete(frame, segments):
        segment, at = _segment(found[1][0], data, found.end())
        has_end = segment.marker == _END
        frame = segment if segment.marker in _FRAMES else frame
        if not has_end and segment.marker not in _METADATA:
            segments.append(segment)
    has_end = has_end or data[at : at + 2] == b"\xff\xd9"
    usual = [Segment(segment.marker, _usual_header(segment, frame), segment.coded) for segment in segments]
    return PlainJpeg(tuple(usual), has_end)


def _is_complete(frame: Segment | None, segments: list[Segment]) -> bool:
    """Whether the last segment is a sequential scan of all components: no other follows, whatever comes then."""
    is_scan = bool(segments) and segments[-1].marker == _SCAN
    return (
        is_scan and frame is not None and frame.marker in _SEQUENTIAL and segments[-1].header[2:3] == frame.header[7:8]
    )


def _segment(marker: int, data: bytes, at: int) -> tuple[Segment, int]:
    """The segment whose marker ends here, and where it ends itself."""
    if marker in _WITHOUT_LENGTH:
        return Segment(marker, b""), at
    end = at + max(2, int.from_bytes(data[at : at + 2], "big"))
    header = data[at:end]
    if marker != _SCAN:
        return Segment(marker, header), end
    found = _MARKER_IN_SCAN.search(data, end)
    scan_end = len(data) if found is None else found.start()
    return Segment(marker, header, data[end:scan_end]), scan_end


def _usual_header(segment: Segment, frame: Segment | None) -> bytes:
    """The header with values of which libjpeg warns and which it then ignores as it reads them."""
    header = segment.header
    if segment.marker == _JFIF and header[2:7] == b"JFIF\x00":
        return header[:7] + b"\x01" + header[8:]
    if segment.marker == _ADOBE and header[2:7] == b"Adobe" and frame is not None and len(frame.header) > 7:
        codes = _ADOBE_CODES.get(frame.header[7])
        if codes is not None and len(header) > 13 and header[13] not in codes:
            return header[:13] + bytes(codes[1:]) + header[14:]
    if segment.marker == _SCAN and frame is not None and frame.marker in _SEQUENTIAL:
        return header[:-3] + b"\x00\x3f\x00"
    return header
