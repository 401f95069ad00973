"""Which image formats are read, and how a file's first bytes tell what it is."""

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
    (b"\x00\x00\x01\x00", "ICO"),
    (b"\x00\x00\x02\x00", "CUR"),
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
    return "SVG" if b"<svg" in data[:1024].lower() else None


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
