import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from time import process_time

import numpy as np
import pytest
from PIL import Image

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.decode import decode_image
from image_assets.imaging.inspect import InspectParams, inspect_image

LIMITS = InspectParams()
TGA_FOOTER = b"TRUEVISION-XFILE.\x00"


def reason_of(data: bytes, limits: InspectParams = LIMITS) -> RejectionReason:
    with pytest.raises(ImageError) as caught:
        inspect_image(data, limits)
    assert "\n" not in caught.value.detail
    return caught.value.reason


def png_header(width_px: int, height_px: int) -> bytes:
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    idat = b"IDAT" + zlib.compress(b"\x00")
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (ihdr, idat, b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_nothing_is_empty():
    assert reason_of(b"") is RejectionReason.EMPTY


def test_more_bytes_than_allowed_are_too_large(photo, encode):
    assert reason_of(encode(photo, "PNG"), InspectParams(max_bytes=1000)) is RejectionReason.TOO_LARGE


@pytest.mark.parametrize("data", [b"just text", b"\x00" * 100, bytes(range(256)), b"<html></html>"])
def test_garbage_is_not_an_image(data):
    assert reason_of(data) is RejectionReason.NOT_AN_IMAGE


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
        (b"%PDF-1.7\n", "PDF"),
        (b"8BPS\x00\x01", "PSD"),
        (b"\x00\x00\x01\x00\x01\x00", "ICO"),
        (b"P6\n2 2\n255\n", "PNM"),
        (b"\x00\x00\x00\x18ftypisom", "MP4"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "RIFF"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1jpeg", "HEIF without HEVC"),
        (b"\x00\x00\x02\x00\x01\x00\x20\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "CUR"),
        (b"\x01\x00\x00\x00" + bytes(36) + b" EMF", "EMF"),
        (bytes(128) + b"DICM", "DICOM"),
        (bytes(4) + b"\x12\xaf", "FLI"),
        (b"FORM\x00\x00\x00\x10ILBM", "IFF"),
    ],
)
def test_a_known_format_outside_the_list_is_named(data, name):
    with pytest.raises(ImageError, match=name) as caught:
        inspect_image(data, LIMITS)
    assert caught.value.reason is RejectionReason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(
    ("format_name", "mode", "options"),
    [
        ("TGA", "RGB", {}),
        ("TGA", "RGBA", {}),
        ("TGA", "L", {}),
        ("TGA", "P", {}),
        ("TGA", "RGB", {"compression": "tga_rle"}),
        ("PCX", "RGB", {}),
        ("PCX", "P", {}),
        ("PCX", "1", {}),
        ("SGI", "RGB", {}),
        ("MSP", "1", {}),
        ("XBM", "1", {}),
        ("ICO", "RGB", {}),
        ("DDS", "RGB", {}),
    ],
)
def test_a_picture_in_another_known_format_is_unsupported(photo, encode, format_name, mode, options):
    data = encode(photo.convert(mode).resize((64, 48)), format_name, **options).removesuffix(bytes(8) + TGA_FOOTER)
    with pytest.raises(ImageError, match=format_name) as caught:
        inspect_image(data, LIMITS)
    assert caught.value.reason is RejectionReason.UNSUPPORTED_FORMAT


def tiff(order: str, entries: dict[int, tuple[int, int]], *, is_big: bool = False) -> bytes:
    """An uncompressed TIFF of 20 x 20 black pixels with these tags (type, value) besides size and place."""
    offset, count, begin = ("Q", "Q", 16) if is_big else ("I", "H", 8)
    letters, pixels = {3: "H", 4: "I"}, bytes(20 * 20 * 12)
    known = {256: (4, 20), 257: (4, 20), 273: (4, begin), 278: (4, 20), 279: (4, len(pixels))} | entries
    packed = [
        struct.pack(f"{order}HH{offset}", tag, kind, 1)
        + struct.pack(order + letters[kind], value).ljust(struct.calcsize(offset), b"\x00")
        for tag, (kind, value) in sorted(known.items())
    ]
    version = struct.pack(order + "HHH", 43, 8, 0) if is_big else struct.pack(order + "H", 42)
    header = (b"II" if order == "<" else b"MM") + version + struct.pack(order + offset, begin + len(pixels))
    directory = struct.pack(order + count, len(packed)) + b"".join(packed) + struct.pack(order + offset, 0)
    return header + pixels + directory


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff("<", {258: (3, 32), 259: (3, 1), 262: (3, 2), 277: (3, 3), 339: (3, 3)}), "floating-point samples of 32"),
        (tiff(">", {258: (3, 8), 259: (3, 1), 262: (3, 1), 277: (3, 1)}, is_big=True), "big-endian BigTIFF"),
        (tiff("<", {258: (3, 32), 259: (3, 1), 262: (3, 8), 277: (3, 3), 339: (3, 3)}), "CIELab"),
    ],
)
def test_a_whole_tiff_of_a_kind_that_is_not_read_is_unsupported(data, words):
    with pytest.raises(ImageError, match=words) as caught:
        inspect_image(data, LIMITS)
    assert caught.value.reason is RejectionReason.UNSUPPORTED_FORMAT


def test_a_tiff_without_dimensions_is_corrupt_in_words():
    data = tiff("<", {258: (3, 8), 259: (3, 1), 262: (3, 1), 277: (3, 1)})
    with pytest.raises(ImageError) as caught:
        inspect_image(data.replace(struct.pack("<HH", 257, 4), struct.pack("<HH", 65000, 4)), LIMITS)
    assert caught.value.reason is RejectionReason.CORRUPT
    assert "Error" not in caught.value.detail


def test_counting_pictures_stops_at_a_limit(encode):
    data = bytearray(encode(Image.new("L", (20, 20)), "TIFF"))
    first = struct.unpack_from("<I", data, 4)[0]
    pointer = first + 2 + 12 * struct.unpack_from("<H", data, first)[0]
    begin = len(data)
    struct.pack_into("<I", data, pointer, begin)
    empty = (struct.pack("<HI", 0, begin + 6 * (number + 1)) for number in range(300_000))
    assert inspect_image(bytes(data) + b"".join(empty), LIMITS).frames == 10_000


def with_strips(data: bytes, count: int, entries: int) -> bytes:
    """A TIFF of one strip whose list of strips names it over and over, and is itself named by so many entries."""
    first = struct.unpack_from("<I", data, 4)[0]
    number = struct.unpack_from("<H", data, first)[0]
    tags = {data[at : at + 2]: data[at : at + 12] for at in range(first + 2, first + 2 + 12 * number, 12)}
    offsets, sizes = struct.pack("<H", 273), struct.pack("<H", 279)
    strip = tags[offsets][8:], tags[sizes][8:]
    begin = len(data) + len(data) % 2
    lists = begin + 2 + 12 * (number + entries - 1) + 4
    tags[offsets] = struct.pack("<HHII", 273, 4, count, lists) * entries
    tags[sizes] = struct.pack("<HHII", 279, 4, count, lists + 4 * count)
    directory = struct.pack("<H", number + entries - 1) + b"".join(tags.values()) + bytes(4)
    whole = data[:4] + struct.pack("<I", begin) + data[8:]
    return whole.ljust(begin, b"\x00") + directory + b"".join(each * count for each in strip)


@pytest.mark.parametrize(
    ("compression", "count", "entries"), [("tiff_adobe_deflate", 250_000, 1000), ("jpeg", 4_000, 1)]
)
def test_what_a_tiff_names_over_and_over_is_looked_at_once(encode, compression, count, entries):
    grain = np.random.default_rng(7).integers(0, 256, (800, 800), np.uint8)
    data = encode(Image.fromarray(grain), "TIFF", compression=compression, strip_size=10**7)
    began = process_time()
    with suppress(ImageError):
        decode_image(with_strips(data, count, entries))
    assert process_time() - began < 3


def test_a_png_in_more_pieces_than_anybody_wants_to_look_through_is_too_large(encode):
    data = encode(Image.new("L", (64, 64)), "PNG")
    nothing = bytes(4) + b"aaAa" + zlib.crc32(b"aaAa").to_bytes(4, "big")
    assert inspect_image(data[:33] + nothing * 10_000 + data[33:], LIMITS).format == "PNG"
    assert reason_of(data[:33] + nothing * 200_000 + data[33:]) is RejectionReason.TOO_LARGE


def test_directories_in_a_ring_are_counted_once(encode):
    data = bytearray(encode(Image.new("L", (20, 20)), "TIFF"))
    first = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<I", data, first + 2 + 12 * struct.unpack_from("<H", data, first)[0], first)
    assert inspect_image(bytes(data), LIMITS).frames == 1


def test_a_bomb_is_told_from_its_header():
    assert reason_of(png_header(20_000, 20_000)) is RejectionReason.TOO_MANY_PIXELS


def test_pixels_over_a_lower_limit_are_too_many(photo, encode):
    assert reason_of(encode(photo, "PNG"), InspectParams(max_pixels=1000)) is RejectionReason.TOO_MANY_PIXELS


def test_a_side_under_the_minimum_is_too_small(encode):
    assert reason_of(encode(Image.new("RGB", (15, 100)), "PNG")) is RejectionReason.TOO_SMALL


def test_a_ribbon_has_a_bad_aspect(encode):
    assert reason_of(encode(Image.new("RGB", (20, 401)), "PNG")) is RejectionReason.BAD_ASPECT


def test_the_limits_themselves_are_allowed(encode):
    header = inspect_image(encode(Image.new("RGB", (16, 320)), "PNG"), LIMITS)
    assert (header.width_px, header.height_px) == (16, 320)


@pytest.mark.parametrize(
    ("format_name", "mime", "extension"),
    [
        ("JPEG", "image/jpeg", "jpg"),
        ("PNG", "image/png", "png"),
        ("WEBP", "image/webp", "webp"),
        ("TIFF", "image/tiff", "tif"),
        ("GIF", "image/gif", "gif"),
        ("BMP", "image/bmp", "bmp"),
        ("AVIF", "image/avif", "avif"),
        ("JPEG2000", "image/jp2", "jp2"),
        ("HEIF", "image/heic", "heic"),
    ],
)
def test_a_format_is_told_by_its_content(photo, encode, format_name, mime, extension):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
    header = inspect_image(encode(photo, format_name), LIMITS)
    assert (header.format, header.mime, header.extension) == (format_name, mime, extension)
    assert (header.width_px, header.height_px, header.frames) == (600, 400, 1)


def test_an_mpo_is_a_jpeg_with_more_frames(photo, encode):
    data = encode(photo, "MPO", save_all=True, append_images=[photo.rotate(3)])
    header = inspect_image(data, LIMITS)
    assert (header.format, header.mime, header.frames) == ("MPO", "image/jpeg", 2)


def test_frames_of_an_animation_are_counted(photo, encode):
    frames = [photo.rotate(10 * turn) for turn in range(1, 3)]
    assert inspect_image(encode(photo, "GIF", save_all=True, append_images=frames), LIMITS).frames == 3


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_the_size_is_as_stored_whatever_the_orientation(photo, encode, format_name):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[274] = 6
    header = inspect_image(encode(photo, format_name, exif=exif.tobytes()), LIMITS)
    assert (header.width_px, header.height_px, header.exif["orientation"]) == (600, 400, 6)


def test_a_jpeg_of_a_few_bytes_is_truncated(photo, encode):
    assert reason_of(encode(photo, "JPEG")[:20]) is RejectionReason.TRUNCATED


def test_a_png_with_a_damaged_header_is_corrupt(photo, encode):
    data = bytearray(encode(photo, "PNG"))
    data[18] ^= 1
    assert reason_of(bytes(data)) is RejectionReason.CORRUPT


def test_the_mode_is_reported(encode):
    deep = Image.fromarray(np.zeros((20, 20), dtype=np.uint16))
    assert inspect_image(encode(deep, "PNG"), LIMITS).mode == "I;16"


def test_a_header_is_read_without_its_pixels(photo, encode):
    data = encode(photo, "JPEG")
    assert inspect_image(data[: len(data) // 2], LIMITS).width_px == 600


def test_heic_without_its_extra_is_unsupported_and_names_the_extra():
    script = """
import sys
sys.modules["pillow_heif"] = None
from image_assets.imaging.inspect import InspectParams, inspect_image
inspect_image(b"\\0\\0\\0\\x18ftypheic" + bytes(40), InspectParams())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "unsupported_format" in done.stderr
    assert "image-assets[heic]" in done.stderr


def test_an_avif_under_a_general_brand_is_an_avif(photo, encode):
    data = encode(photo, "AVIF")
    at = data.index(b"ftypavif") + 4
    header = inspect_image(data[:at] + b"mif1" + data[at + 4 :], LIMITS)
    assert header.format == "AVIF"
