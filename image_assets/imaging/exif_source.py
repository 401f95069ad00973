"""Where the formats keep EXIF and XMP, as far as Pillow does not look there.

Pillow reads JPEG (APP1, several in a row joined), TIFF, WebP, AVIF and HEIC. Of a PNG it reads what stands behind the
pixels only by decoding them, and not what ImageMagick calls an APP1 profile; of JPEG 2000 nothing.
"""

import io
import re

from PIL import Image

from image_assets.imaging.boxes import boxes_in
from image_assets.imaging.png_chunks import without_pixels

_EXIF_MARK = b"Exif\x00\x00"
# Identities of `uuid` boxes: "JpgTiffExif->JP2" in letters; XMP Specification Part 3, 1.1.4.
_JPEG2000_EXIF = b"JpgTiffExif->JP2"
_JPEG2000_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
# A name, a length, pairs of hexadecimal digits in lines; some writers leave more behind.
_RAW_PROFILE = re.compile(r"\s*\w+\s+\d+\s+((?:[0-9a-fA-F]{2}\s*)*)")


def load_exif(image: Image.Image, data: bytes) -> Image.Exif:
    """The EXIF of an opened or loaded image, its orientation from XMP where EXIF has none.

    May raise anything: it is foreign.
    """
    if image.format == "PNG":
        return _exif_of(_words_of_png(data))
    if image.format == "JPEG2000":
        return _exif_of(_words_of_jpeg2000(data))
    return image.getexif()


def _exif_of(words: dict[str, bytes]) -> Image.Exif:
    bearer = Image.new("1", (1, 1))
    bearer.info.update(words)
    return bearer.getexif()


def _words_of_png(data: bytes) -> dict[str, bytes]:
    info = Image.open(io.BytesIO(without_pixels(data)), formats=["PNG"]).info
    words: dict[str, bytes] = {name: info[name] for name in ("exif", "xmp") if name in info}
    profile = _RAW_PROFILE.match(str(info.get("Raw profile type exif", info.get("Raw profile type APP1", ""))))
    block = bytes.fromhex(profile.group(1)) if profile and "exif" not in words else b""
    # An APP1 profile may be XMP.
    return words | {"exif": block} if block.startswith((_EXIF_MARK, b"II", b"MM")) else words


def _words_of_jpeg2000(data: bytes) -> dict[str, bytes]:
    words: dict[str, bytes] = {}
    for box in boxes_in(data):
        if box.kind == b"uuid" and box.content[:16] == _JPEG2000_EXIF:
            words["exif"] = bytes(box.content[16:])
        elif box.kind == b"uuid" and box.content[:16] == _JPEG2000_XMP:
            words["xmp"] = bytes(box.content[16:])
    return words
