"""What a file says of its colours, in the terms of every format, as one ICC profile.

An embedded profile comes before primaries and curves, code points (CICP) of a PNG before both, EXIF last. Code points
that only the coded stream of an AVIF or HEIC has are not looked for: such a picture counts as sRGB. EXIF is believed of
JPEGs alone, of which DCF (JEITA CP-3461) speaks.
"""

import struct
from collections.abc import Callable

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from image_assets.imaging.bmp_header import read_bitmap_profile
from image_assets.imaging.boxes import boxes_in, first_box
from image_assets.imaging.code_points import SRGB_PRIMARIES, CodePoints, gamma_curve, profile_of, srgb_curve
from image_assets.imaging.gif_extensions import find_application_data
from image_assets.imaging.item_properties import picture_properties
from image_assets.imaging.matrix_profile import Chromaticities, Curve, matrix_profile
from image_assets.imaging.png_chunks import find_chunk

# ICC.1:2022, 7.3: 12 bytes for each tag, behind their number.
_TAG_TABLE, _TAG_BYTES, _MAX_TAGS = 132, 12, 100
# Adobe RGB (1998) Color Image Encoding, 4.3.
_ADOBE_RGB = Chromaticities((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290))
_ADOBE_RGB_GAMMA = 563 / 256
# EXIF ColorSpace: 0xFFFF is anything but sRGB, 2 a habit of some cameras; DCF's option file for Adobe RGB.
_UNCALIBRATED, _ADOBE_RGB_HABIT, _OPTION_FILE = 0xFFFF, 2, "R03"
_INTEROPERABILITY_INDEX = 1
# What an EXIF block that says so holds, whatever its byte order; few do, and to search is cheaper than to parse.
_SIGNS_OF_ADOBE_RGB = (
    _OPTION_FILE.encode(),
    struct.pack(">HHIH", ExifTags.Base.ColorSpace, 3, 1, _ADOBE_RGB_HABIT),
    struct.pack("<HHIH", ExifTags.Base.ColorSpace, 3, 1, _ADOBE_RGB_HABIT),
)
# W3C PNG, 11.3.2.1: the gamma that writers of sRGB are told to state, give or take rounding.
_SRGB_GAMMA = range(45_000, 46_000)
_PNG_UNIT = 100_000
_GAMMAS = (0.1, 10.0)
_GIF_PROFILE = b"ICCRGBG1012"
_TIFF_WHITE, _TIFF_PRIMARIES, _TIFF_TRANSFER = 318, 319, 301
# An ICC `curv` holds no more, and no 8-bit level needs more.
_TRANSFER_LEVELS = 4096
_JPEG2000_ENUMERATED, _JPEG2000_PROFILES, _JPEG2000_CODE_POINTS = 1, (2, 3), 5


def read_profile(image: Image.Image, data: bytes) -> bytes | None:
    """The ICC profile that an opened image's samples are to be seen through; None means sRGB."""
    try:
        profile = _READERS.get(image.format or "", _embedded)(image, data)
        return profile and (_of_high_dynamic_range(profile) or profile)
    # Foreign: tags, chunks and boxes of any type and length, which must not cost the picture.
    except Exception:  # noqa: BLE001
        return None


def _of_high_dynamic_range(profile: bytes) -> bytes | None:
    """The profile that tone-maps, where one says by its own code points what its curves cannot (ICC.1:2022, 9.2.17)."""
    tags = min(int.from_bytes(profile[_TAG_TABLE - 4 : _TAG_TABLE], "big"), _MAX_TAGS)
    for at in range(_TAG_TABLE, min(_TAG_TABLE + tags * _TAG_BYTES, len(profile) - 7), _TAG_BYTES):
        kind, offset = struct.unpack_from(">4sI", profile, at)
        if kind == b"cicp" and offset + 10 <= len(profile):
            points = CodePoints(profile[offset + 8], profile[offset + 9])
            return profile_of(points) if points.is_high_dynamic_range else None
    return None


def _embedded(image: Image.Image, _data: bytes) -> bytes | None:
    return image.info.get("icc_profile") or None


def _of_jpeg(image: Image.Image, data: bytes) -> bytes | None:
    block = image.info.get("exif") or b""
    may_be_adobe_rgb = any(sign in block for sign in _SIGNS_OF_ADOBE_RGB)
    return _embedded(image, data) or (_adobe_rgb() if may_be_adobe_rgb and _is_adobe_rgb(image) else None)


def _is_adobe_rgb(image: Image.Image) -> bool:
    exif = image.getexif()
    colour_space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
    if colour_space != _UNCALIBRATED:
        return bool(colour_space == _ADOBE_RGB_HABIT)
    return bool(exif.get_ifd(ExifTags.IFD.Interop).get(_INTEROPERABILITY_INDEX) == _OPTION_FILE)


def _adobe_rgb() -> bytes | None:
    return matrix_profile(_ADOBE_RGB, [gamma_curve(_ADOBE_RGB_GAMMA)])


def _of_png(image: Image.Image, data: bytes) -> bytes | None:
    """`cICP`, else `iCCP`, else `sRGB`, else `gAMA` with `cHRM` (W3C PNG, third edition, 4.3)."""
    told = find_chunk(data, b"cICP")
    by_code_points = None
    if told and len(told) == 4:
        by_code_points = profile_of(CodePoints(told[0], told[1], is_full_range=told[3] != 0))
    if by_code_points or image.info.get("icc_profile") or "srgb" in image.info:
        return by_code_points or _embedded(image, data)
    return _of_gamma_and_primaries(image)


def _of_gamma_and_primaries(image: Image.Image) -> bytes | None:
    gamma, primaries = image.info.get("gamma"), image.info.get("chromaticity")
    if gamma is None and primaries is None:
        return None
    curve = srgb_curve()
    if gamma is not None and round(gamma * _PNG_UNIT) not in _SRGB_GAMMA:
        if not _GAMMAS[0] <= gamma <= _GAMMAS[1]:
            return None
        curve = gamma_curve(1 / gamma)
    colours = SRGB_PRIMARIES
    if primaries is not None:
        white, red, green, blue = zip(primaries[::2], primaries[1::2], strict=True)
        colours = Chromaticities(red, green, blue, white)
    return matrix_profile(colours, [curve])


def _of_tiff(image: Image.Image, data: bytes) -> bytes | None:
    """The profile, else WhitePoint, PrimaryChromaticities and TransferFunction (TIFF 6.0, section 20)."""
    if _embedded(image, data) or not isinstance(image, TiffImagePlugin.TiffImageFile):
        return _embedded(image, data)
    tags = image.tag_v2
    if _TIFF_PRIMARIES not in tags and _TIFF_TRANSFER not in tags:
        return None
    colours = SRGB_PRIMARIES
    if _TIFF_PRIMARIES in tags:
        red, green, blue = _pairs(tags[_TIFF_PRIMARIES])
        (white,) = _pairs(tags.get(_TIFF_WHITE, SRGB_PRIMARIES.white))
        colours = Chromaticities(red, green, blue, white)
    return matrix_profile(colours, _transfer_curves(tags.get(_TIFF_TRANSFER)) or [srgb_curve()])


def _pairs(values: tuple[float, ...]) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(values[::2], values[1::2], strict=True)]


def _transfer_curves(values: tuple[int, ...] | None) -> list[Curve]:
    """One table of light for all samples or one each; none if they are of another length than a power of two."""
    if not values:
        return []
    count = 3 if len(values) % 3 == 0 else 1
    tables = np.asarray(values, dtype=np.float64).reshape(count, -1) / 65535
    levels = tables.shape[1]
    if levels < 2 or levels & (levels - 1):
        return []
    places = np.linspace(0, levels - 1, min(levels, _TRANSFER_LEVELS)).round().astype(int)
    return list(tables[:, places])


def _of_item(_image: Image.Image, data: bytes) -> bytes | None:
    """A profile, else code points (`colr`; ISO/IEC 14496-12, 12.1.5), as both may be there."""
    told = {bytes(box.content[:4]): box.content[4:] for box in picture_properties(data) if box.kind == b"colr"}
    profile = told.get(b"prof") or told.get(b"rICC")
    if profile:
        return bytes(profile)
    code_points = told.get(b"nclx")
    # The decoder has brought samples to their full range.
    return profile_of(CodePoints(*struct.unpack_from(">HH", code_points))) if code_points else None


def _of_jpeg2000(_image: Image.Image, data: bytes) -> bytes | None:
    """The first `colr` that is understood (ITU-T T.800, I.5.3.3; code points: T.801, M.11.7.3)."""
    for box in boxes_in(first_box(data, b"jp2h")):
        if box.kind != b"colr" or not box.content or box.content[0] == _JPEG2000_ENUMERATED:
            continue
        if box.content[0] in _JPEG2000_PROFILES:
            return bytes(box.content[3:])
        if box.content[0] == _JPEG2000_CODE_POINTS and len(box.content) >= 7:
            return profile_of(CodePoints(*struct.unpack_from(">HH", box.content, 3)))
    return None


_READERS: dict[str, Callable[[Image.Image, bytes], bytes | None]] = {
    "JPEG": _of_jpeg,
    "MPO": _of_jpeg,
    "PNG": _of_png,
    "TIFF": _of_tiff,
    "GIF": lambda _image, data: find_application_data(data, _GIF_PROFILE),
    "BMP": lambda _image, data: read_bitmap_profile(data),
    "AVIF": _of_item,
    "HEIF": _of_item,
    "JPEG2000": _of_jpeg2000,
}
