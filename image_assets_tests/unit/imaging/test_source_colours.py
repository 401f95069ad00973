"""What a file says of its colours counts, in every format and in every way in which it can be said.

Expected values: the published matrices of Display P3, Adobe RGB (1998) and BT.2020 (Lindbloom; ITU-R), by hand.
"""

import struct
import zlib

import numpy as np
import pytest
import pyvips
from PIL import ExifTags, Image, ImageCms
from PIL.TiffImagePlugin import IFDRational

from image_assets.imaging.boxes import first_box
from image_assets.imaging.code_points import CodePoints, profile_of
from image_assets.imaging.decode import decode_image, decode_within
from image_assets_tests.unit.imaging.item_files import box, icc, nclx, with_properties

SIZE = (40, 30)
TOLD, IN_P3, IN_ADOBE_RGB, IN_2020 = (150, 100, 90), (159, 97, 87), (167, 100, 89), (174, 91, 87)
P3_CHROMATICITIES = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
WRITTEN = {
    "JPEG": {"quality": 100, "subsampling": 0},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "HEIF": {"quality": -1, "chroma": 444},
}


@pytest.fixture
def write(encode):
    """One colour in a format."""

    def written(format_name: str, colour=TOLD, mode="RGB", **options: object) -> bytes:
        if format_name == "HEIF":
            pytest.importorskip("pillow_heif")
        return encode(Image.new(mode, SIZE, colour), format_name, **WRITTEN.get(format_name, {}), **options)

    return written


def seen(data: bytes) -> tuple[int, int, int]:
    colour = decode_image(data).getpixel((3, 3))
    np.testing.assert_allclose(decode_within(data, 20)[3, 3], colour, atol=2)
    return colour


def swapped_profile() -> bytes:
    """sRGB with the colorants of red and green exchanged: a red of it is a green."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")


def with_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    at = data.index(b"IHDR") + 4 + 13 + 4
    checksum = zlib.crc32(kind + content)
    return data[:at] + struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum) + data[at:]


# --- embedded profiles


def embedded(write, format_name: str, profile: bytes) -> bytes:
    if format_name in ("JPEG", "MPO", "PNG", "TIFF", "WEBP"):
        return write(format_name, icc_profile=profile)
    data = write(format_name)
    if format_name in ("AVIF", "HEIF"):
        return with_properties(data, icc(profile))
    if format_name == "JPEG2000":
        header = bytes(first_box(data, b"jp2h"))
        at = header.index(b"colr") - 4
        told = header[:at] + box(b"colr", b"\x02\x00\x00" + profile) + header[at + 15 :]
        return data.replace(box(b"jp2h", header), box(b"jp2h", told))
    if format_name == "GIF":
        at = 13 + (3 << ((data[10] & 7) + 1))
        return data[:at] + b"\x21\xff\x0bICCRGBG1012" + sub_blocks(profile) + data[at:]
    return bitmap(b"DEBM", profile=profile)


def sub_blocks(content: bytes) -> bytes:
    parts = (content[at : at + 255] for at in range(0, len(content), 255))
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\x00"


def bitmap(colour_space: bytes, *, end_points=(0,) * 9, gammas=(0,) * 3, profile: bytes = b"") -> bytes:
    """A BMP of version 5, one colour."""
    width, height = SIZE
    pixels = bytes(reversed(TOLD)) * width * height
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 24, 0, len(pixels), 0, 0, 0, 0) + bytes(16)
    header += colour_space + struct.pack("<9i3i", *end_points, *gammas)
    header += struct.pack("<IIII", 4, 124 + len(pixels), len(profile), 0)
    return b"BM" + struct.pack("<IHHI", 138 + len(pixels) + len(profile), 0, 0, 138) + header + pixels + profile


FORMATS = ["JPEG", "MPO", "PNG", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "HEIF", "JPEG2000"]


@pytest.mark.parametrize("format_name", FORMATS)
def test_an_embedded_profile_is_applied_in_every_format(write, format_name):
    data = embedded(write, format_name, swapped_profile())
    np.testing.assert_allclose(seen(data), (TOLD[1], TOLD[0], TOLD[2]), atol=4)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_broken_profile_costs_nothing_but_itself_in_every_format(write, format_name):
    np.testing.assert_allclose(seen(embedded(write, format_name, b"this is no profile")), TOLD, atol=4)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA"])
def test_pictures_in_every_mode_are_seen_through_a_profile_of_rgb(encode, mode):
    profile = profile_of(CodePoints(1, 8))
    grey = Image.new("RGB", SIZE, (120, 120, 120))
    data = encode(grey.quantize(4) if mode == "P" else grey.convert(mode), "PNG", icc_profile=profile)
    np.testing.assert_allclose(seen(data), (182, 182, 182), atol=1)


def test_a_grey_profile_is_applied_to_a_grey_picture(write):
    grey = struct.pack(">I4xI4s4s4s12x4s28x", 0, 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"acsp")
    grey = (grey + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\x00")
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, 20, b"kTRC", 176, 14)
    elements = (
        b"XYZ \x00\x00\x00\x00" + struct.pack(">3i", 63190, 65536, 54061) + b"curv" + struct.pack(">4xIH", 1, 256)
    )
    profile = grey + tags + elements + bytes(2)
    profile = struct.pack(">I", len(profile)) + profile[4:]
    np.testing.assert_allclose(seen(write("PNG", 120, "L", icc_profile=profile)), (182, 182, 182), atol=2)


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF"])
def test_cmyk_is_seen_through_its_profile(write, format_name):
    profile = pyvips.Image.profile_load("cmyk")
    ink = (200, 30, 60, 10)
    source = pyvips.Image.new_from_array([[0]]).bandjoin([0, 0, 0]).linear([0] * 4, ink).cast("uchar")
    source = source.copy(interpretation="cmyk")
    source.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    expected = source.icc_transform("srgb", embedded=True, intent="perceptual")(0, 0)
    np.testing.assert_allclose(seen(write(format_name, ink, "CMYK", icc_profile=profile)), expected, atol=6)


# --- code points


@pytest.mark.parametrize(("primaries", "colour"), [(12, IN_P3), (9, IN_2020), (1, TOLD), (2, TOLD)])
@pytest.mark.parametrize("format_name", ["AVIF", "HEIF"])
def test_code_points_alone_tell_the_colours_of_an_item(write, format_name, primaries, colour):
    data = with_properties(write(format_name), nclx(primaries, 13), without=(b"colr",))
    np.testing.assert_allclose(seen(data), colour, atol=3)


@pytest.mark.parametrize(
    ("points", "colour"), [((99, 99), TOLD), ((99, 13), TOLD), ((12, 99), IN_P3), ((12, 2), IN_P3)]
)
def test_unspecified_and_reserved_code_points_are_as_in_srgb(write, points, colour):
    data = with_chunk(write("PNG"), b"cICP", bytes([*points, 0, 1]))
    np.testing.assert_allclose(seen(data), colour, atol=2)


def test_a_profile_comes_before_code_points_in_an_item(write):
    data = with_properties(write("AVIF"), nclx(9, 13), icc(profile_of(CodePoints(12, 13))), without=(b"colr",))
    np.testing.assert_allclose(seen(data), IN_P3, atol=3)


def test_code_points_of_jpeg_2000_are_applied(write):
    data = write("JPEG2000")
    header = bytes(first_box(data, b"jp2h"))
    at = header.index(b"colr") - 4
    told = header[:at] + box(b"colr", b"\x05\x00\x00" + struct.pack(">HHHB", 12, 13, 0, 0x80)) + header[at + 15 :]
    np.testing.assert_allclose(seen(data.replace(box(b"jp2h", header), box(b"jp2h", told))), IN_P3, atol=2)


@pytest.mark.parametrize("transfer", [1, 6, 14, 15])
def test_pictures_marked_as_video_are_shown_as_on_a_screen(write, transfer):
    np.testing.assert_allclose(seen(with_chunk(write("PNG"), b"cICP", bytes([1, transfer, 0, 1]))), TOLD, atol=1)


@pytest.mark.parametrize(("transfer", "level"), [(4, 121), (5, 97), (8, 182), (13, 120)])
def test_transfer_characteristics_are_applied(write, transfer, level):
    data = with_chunk(write("PNG", (120, 120, 120)), b"cICP", bytes([1, transfer, 0, 1]))
    np.testing.assert_allclose(seen(data), (level,) * 3, atol=1)


def test_samples_of_narrow_range_are_spread(write):
    black, white = (with_chunk(write("PNG", (v, v, v)), b"cICP", bytes([1, 13, 0, 0])) for v in (16, 235))
    assert (seen(black), seen(white)) == ((0, 0, 0), (255, 255, 255))


@pytest.mark.parametrize(("transfer", "white_level"), [(16, 148), (18, 191)])
def test_high_dynamic_range_is_tone_mapped(encode, transfer, white_level):
    """Diffuse white of 203 cd/m² is light grey, the peak of 1,000 cd/m² white; nothing darkens as light grows."""
    ramp = Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(16, axis=0))
    shown = np.asarray(decode_image(with_chunk(encode(ramp, "PNG"), b"cICP", bytes([9, transfer, 0, 1])))).astype(int)
    levels = shown[0, :, 1]
    assert 220 <= levels[white_level] <= 236
    assert levels[255] == 255
    assert (np.diff(levels) >= 0).all()
    assert np.ptp(shown, axis=2).max() <= 1


def test_a_profile_that_calls_itself_of_high_dynamic_range_is_tone_mapped(write):
    """Its curves say sRGB, its code points PQ of BT.2020."""
    plain = profile_of(CodePoints(9, 13))
    count = int.from_bytes(plain[128:132], "big")
    told = b"cicp" + struct.pack(">II", len(plain) + 12, 12)
    elements = bytearray(plain[132:])
    for at in range(0, 12 * count, 12):
        elements[at + 4 : at + 8] = (int.from_bytes(elements[at + 4 : at + 8], "big") + 12).to_bytes(4, "big")
    profile = plain[:128] + struct.pack(">I", count + 1) + told + elements + b"cicp" + bytes((0, 0, 0, 0, 9, 16, 0, 1))
    profile = struct.pack(">I", len(profile)) + profile[4:]
    np.testing.assert_allclose(seen(write("PNG", (148,) * 3, icc_profile=profile)), (229,) * 3, atol=2)


def test_light_below_the_knee_keeps_its_luminance(write):
    """26 cd/m², level 97 of PQ, beside a white of 203: 12.8 % of the light."""
    data = with_chunk(write("PNG", (97, 97, 97)), b"cICP", bytes([9, 16, 0, 1]))
    np.testing.assert_allclose(seen(data), (100, 100, 100), atol=2)


# --- PNG


def gama(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def chrm() -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in P3_CHROMATICITIES))


SRGB, CICP_2020, CICP_UNSPECIFIED = (b"sRGB", b"\x00"), (b"cICP", bytes([9, 13, 0, 1])), (b"cICP", bytes([2, 2, 0, 1]))


@pytest.mark.parametrize(
    ("chunks", "colour"),
    [
        ([chrm()], IN_P3),
        ([gama(0.45455), chrm()], IN_P3),
        ([gama(0.45455)], TOLD),
        ([gama(1.0)], (202, 168, 160)),
        ([gama(1 / 1.8)], (167, 119, 109)),
        ([gama(0.0)], TOLD),
        ([SRGB, gama(1.0), chrm()], TOLD),
        ([CICP_2020, SRGB, gama(1.0), chrm()], IN_2020),
        ([CICP_UNSPECIFIED, gama(0.45455), chrm()], IN_P3),
        ([(b"cHRM", bytes(32))], TOLD),
    ],
)
def test_chunks_of_a_png_have_their_precedence(write, chunks, colour):
    data = write("PNG")
    for kind, content in chunks:
        data = with_chunk(data, kind, content)
    np.testing.assert_allclose(seen(data), colour, atol=2)


def test_the_gamma_that_writers_of_srgb_state_means_the_curve_of_srgb(write):
    """A power of 2.2 would make 7 of it."""
    np.testing.assert_allclose(seen(with_chunk(write("PNG", (16, 16, 16)), *gama(0.45455))), (16, 16, 16), atol=1)


def test_code_points_come_before_a_profile_and_a_profile_before_srgb(write):
    data = with_chunk(write("PNG", icc_profile=profile_of(CodePoints(12, 13))), *SRGB)
    np.testing.assert_allclose(seen(data), IN_P3, atol=2)
    np.testing.assert_allclose(seen(with_chunk(data, *CICP_2020)), IN_2020, atol=2)


# --- TIFF, BMP, JPEG


def fractions(values) -> tuple[IFDRational, ...]:
    return tuple(IFDRational(round(value * 10_000), 10_000) for value in values)


P3_TAGS = {318: fractions(P3_CHROMATICITIES[:2]), 319: fractions(P3_CHROMATICITIES[2:])}


def test_primaries_of_a_tiff_are_applied(write):
    np.testing.assert_allclose(seen(write("TIFF", tiffinfo=P3_TAGS)), IN_P3, atol=2)


def test_a_profile_comes_before_primaries_in_a_tiff(write):
    data = write("TIFF", tiffinfo=P3_TAGS, icc_profile=profile_of(CodePoints(9, 13)))
    np.testing.assert_allclose(seen(data), IN_2020, atol=2)


@pytest.mark.parametrize("tables", [1, 3])
def test_a_transfer_function_of_a_tiff_is_applied(write, tables):
    data = write("TIFF", (120, 120, 120), tiffinfo={301: tuple(range(0, 65536, 257)) * tables})
    np.testing.assert_allclose(seen(data), (182, 182, 182), atol=1)


@pytest.mark.parametrize("untrue", [{319: fractions((0, 0) * 3)}, {319: fractions((1, 2))}, {301: (1, 2, 3)}])
def test_primaries_that_cannot_be_are_no_primaries(write, untrue):
    np.testing.assert_allclose(seen(write("TIFF", tiffinfo=untrue)), TOLD, atol=1)


def test_end_points_of_a_bitmap_are_applied():
    """Chromaticities with 30, gammas with 16 bits behind the point."""
    primaries = np.reshape(P3_CHROMATICITIES[2:], (3, 2))
    end_points = [round(value * 2**30) for x, y in primaries for value in (x, y, 1 - x - y)]
    data = bitmap(bytes(4), end_points=end_points, gammas=(round(2.2 * 65536),) * 3)
    np.testing.assert_allclose(seen(data), IN_P3, atol=3)


def test_a_bitmap_that_leaves_its_end_points_empty_is_srgb():
    assert seen(bitmap(bytes(4))) == TOLD


@pytest.mark.parametrize(
    ("colour_space", "index", "colour"),
    [
        (0xFFFF, "R03", IN_ADOBE_RGB),
        (2, None, IN_ADOBE_RGB),
        (0xFFFF, None, TOLD),
        (0xFFFF, "R98", TOLD),
        (1, "R03", TOLD),
    ],
)
def test_adobe_rgb_is_told_by_the_exif_of_a_jpeg(write, colour_space, index, colour):
    exif = Image.Exif()
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    camera[ExifTags.Base.ColorSpace] = colour_space
    if index:
        camera[ExifTags.IFD.Interop] = {1: index}
    np.testing.assert_allclose(seen(write("JPEG", exif=exif)), colour, atol=3)


def test_a_profile_comes_before_exif(write):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = 2
    data = write("JPEG", exif=exif, icc_profile=profile_of(CodePoints(12, 13)))
    np.testing.assert_allclose(seen(data), IN_P3, atol=3)


def test_exif_of_other_formats_is_not_asked_for_colours(write):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = 2
    np.testing.assert_allclose(seen(write("PNG", exif=exif)), TOLD, atol=1)


def test_clear_pixels_stay_white_under_every_profile(encode):
    data = encode(Image.new("RGBA", SIZE, (*TOLD, 0)), "PNG", icc_profile=profile_of(CodePoints(9, 16)))
    assert seen(data) == (255, 255, 255)
