"""Which image formats are read, and how a file's first bytes tell what it is."""

from collections.abc import Callable
from dataclasses import dataclass

try:
    from pillow_heif import register_heif_opener
except ImportError:
    HAS_HEIC = False
else:
    register_heif_opener()
    HAS_HEIC = True
"""Whether the extra `image-assets[heic]` is installed."""


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """How a format is called outside: its MIME type and the extension without a dot."""

    mime: str
    extension: str


# MPO (several JPEGs in one file) is served as the JPEG that every viewer takes it for.
_ALLOWED = {
    "JPEG": ImageFormat("image/jpeg", "jpg"),
    "MPO": ImageFormat("image/jpeg", "jpg"),
    "PNG": ImageFormat("image/png", "png"),
    "WEBP": ImageFormat("image/webp", "webp"),
    "TIFF": ImageFormat("image/tiff", "tif"),
    "GIF": ImageFormat("image/gif", "gif"),
    "BMP": ImageFormat("image/bmp", "bmp"),
    "AVIF": ImageFormat("image/avif", "avif"),
    "JPEG2000": ImageFormat("image/jp2", "jp2"),
}
ALLOWED_FORMATS = _ALLOWED | ({"HEIF": ImageFormat("image/heic", "heic")} if HAS_HEIC else {})
"""Allowed formats by Pillow's name: no format that needs an interpreter (EPS, SVG, PDF) is ever opened."""

# First bytes of a file -> format; the longest and most specific first. Pillow's names where Pillow reads it.
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"BM", "BMP"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"%PDF", "PDF"),
    (b"8BPS", "PSD"),
    (b"icns", "ICNS"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
    (b"SIMPLE  =", "FITS"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"FUJIFILMCCD-RAW", "Fujifilm RAF"),
    (b"\x89MNG", "MNG"),
    (b"gimp xcf", "XCF"),
    (b"\x1a\x45\xdf\xa3", "Matroska video"),
    (b"FLV\x01", "Flash video"),
    (b"OggS", "Ogg"),
    (b"\x00\x00\x01\xba", "MPEG video"),
    (b"\x00\x00\x01\xb3", "MPEG video"),
    (b"\x01\xda\x00", "SGI"),
    (b"\x01\xda\x01", "SGI"),
    (b"\xb1\x68\xde\x3a", "DCX"),
    (b"\x59\xa6\x6a\x95", "Sun raster"),
    (b"\x80\xe8\x00\x00", "PIXAR"),
    (b"BLP1", "BLP"),
    (b"BLP2", "BLP"),
    (b"FTEX", "FTEX"),
    (b"DanM", "MSP"),
    (b"LinS", "MSP"),
    (b"Image type:", "IM"),
    (b"#define ", "XBM"),
    (b"/* XPM */", "XPM"),
    (b"AT&TFORM", "DjVu"),
    (b"FORM", "IFF"),
    (b"\x89HDF\r\n\x1a\n", "HDF5"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"IIRO", "Olympus ORF"),
    (b"IIRS", "Olympus ORF"),
    (b"IIU\x00", "Panasonic RW2"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "Canon CRW"),
    (b"\x00MRM", "Minolta MRW"),
    (b"FOVb", "Sigma X3F"),
    (b"PF\n", "PFM"),
    (b"Pf\n", "PFM"),
    *((b"P%d" % kind + space, "PNM") for kind in range(1, 8) for space in (b"\n", b" ", b"\r", b"\t")),
)
# Brands of ISO base media files (ISO/IEC 14496-12, 4.3); an AVIF may lead with a general one, its own later.
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEVC_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"))
_OTHER_CODEC_BRANDS = frozenset((b"avci", b"avcs", b"vvic", b"vvis", b"jpeg", b"jpgs", b"j2ki", b"j2is"))
_GENERAL_BRANDS = frozenset((b"mif1", b"msf1"))


def format_of(data: bytes) -> str | None:
    """Name of the format that the first bytes claim, or None; a claim, not a proof."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF":
        return "WEBP" if data[8:12] == b"WEBP" else "RIFF"
    if data[4:8] == b"ftyp":
        return _format_of_media(data)
    if b"<svg" in data[:1024].lower():
        return "SVG"
    return next((name for name, looks_like in _HEADERS.items() if looks_like(data)), None)


def _format_of_media(data: bytes) -> str:
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[8:12]} | {data[at : at + 4] for at in range(16, end, 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _OTHER_CODEC_BRANDS and not brands & _HEVC_BRANDS:
        return "HEIF without HEVC"
    if brands & (_HEVC_BRANDS | _GENERAL_BRANDS):
        return "HEIF"
    return "Canon CR3" if b"crx " in brands else "MP4/MOV video"


def _is_pcx(data: bytes) -> bool:
    """ZSoft PCX 5: manufacturer, version, encoding, bits of a plane, and 1 to 4 planes."""
    header = data[:4] + data[65:66]
    allowed = (b"\x0a", b"\x00\x02\x03\x04\x05", b"\x00\x01", b"\x01\x02\x04\x08", b"\x01\x02\x03\x04")
    return len(header) == len(allowed) and all(byte in values for byte, values in zip(header, allowed, strict=True))


def _is_tga(data: bytes) -> bool:
    """Truevision TGA 2.0: its footer or, as older files have no signature, a header whose fields fit each other."""
    if data[-18:] == b"TRUEVISION-XFILE.\x00":
        return True
    if len(data) < 18 or data[16] not in (8, 15, 16, 24, 32) or data[17] & 0xC0:
        return False
    if not any(data[12:14]) or not any(data[14:16]):
        return False
    has_map, kind, map_bits = data[1], data[2], data[7]
    if kind in (1, 9):
        return has_map == 1 and map_bits in (15, 16, 24, 32) and data[16] == 8
    return kind in (2, 3, 10, 11) and has_map == 0 and not any(data[3:8])


# Formats without a signature -> whether a file has such a header.
_HEADERS: dict[str, Callable[[bytes], bool]] = {
    "PCX": _is_pcx,
    "FLI": lambda data: data[4:6] in (b"\x11\xaf", b"\x12\xaf"),
    "EMF": lambda data: data[:4] == b"\x01\x00\x00\x00" and data[40:44] == b" EMF",
    "DICOM": lambda data: data[128:132] == b"DICM",
    "Photo CD": lambda data: data[2048:2055] == b"PCD_IPI",
    # A plain TGA starts like a cursor, but has none of a cursor's sizes.
    "TGA": _is_tga,
    "ICO": lambda data: data[:4] == b"\x00\x00\x01\x00",
    "CUR": lambda data: data[:4] == b"\x00\x00\x02\x00",
}
