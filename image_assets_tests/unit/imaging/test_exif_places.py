"""EXIF and orientation are found in every place in which a format can hold them."""

import struct
import zlib

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from image_assets.imaging.decode import decode_image
from image_assets.imaging.inspect import InspectParams, inspect_image
from image_assets_tests.unit.imaging.item_files import box

STORED, UPRIGHT = (96, 64), (64, 96)
XMP = b"<x:xmpmeta><rdf:Description %s/></x:xmpmeta>"


@pytest.fixture
def picture() -> Image.Image:
    return Image.new("RGB", STORED, "teal")


def exif(orientation: int = 6) -> bytes:
    block = Image.Exif()
    block[ExifTags.Base.Make] = "maker"
    block[ExifTags.Base.Orientation] = orientation
    block.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 200
    return block.tobytes()


def tiff_block() -> bytes:
    return exif().removeprefix(b"Exif\x00\x00")


def xmp(orientation: int = 6) -> bytes:
    return XMP % (b'tiff:Orientation="%d"' % orientation)


def assert_found(data: bytes) -> None:
    found = inspect_image(data, InspectParams()).exif
    assert (found["maker"], found["iso"], found["orientation"]) == ("maker", 200, 6)
    assert decode_image(data).size == UPRIGHT


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk_behind_the_pixels(data: bytes, kind: bytes, content: bytes) -> bytes:
    end = chunk(b"IEND", b"")
    return data.removesuffix(end) + chunk(kind, content) + end


def raw_profile(name: str, block: bytes) -> bytes:
    """As ImageMagick writes one: a name, a length, lines of hexadecimal digits."""
    digits = block.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return f"\n{name}\n{len(block):8}\n{lines}\n".encode()


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "MPO"])
def test_exif_is_found_where_pillow_writes_it(picture, encode, format_name):
    assert_found(encode(picture, format_name, exif=exif()))


@pytest.mark.parametrize("format_name", ["AVIF", "HEIF"])
def test_exif_of_an_item_is_found_and_turned_by_its_own_properties(picture, encode, format_name):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
    assert_found(encode(picture, format_name, exif=exif()))


def test_exif_behind_the_pixels_of_a_png_is_found(picture, encode):
    assert_found(with_chunk_behind_the_pixels(encode(picture, "PNG"), b"eXIf", tiff_block()))


def test_exif_of_a_png_is_read_without_its_pixels(picture, encode):
    data = bytearray(with_chunk_behind_the_pixels(encode(picture, "PNG"), b"eXIf", tiff_block()))
    data[data.index(b"IDAT") + 8] ^= 0xFF
    assert inspect_image(bytes(data), InspectParams()).exif["maker"] == "maker"


@pytest.mark.parametrize(("name", "mark"), [("exif", b""), ("exif", b"Exif\x00\x00"), ("APP1", b"Exif\x00\x00")])
@pytest.mark.parametrize("is_compressed", [True, False])
def test_a_raw_profile_of_a_png_is_found(picture, encode, name, mark, is_compressed):
    text = PngImagePlugin.PngInfo()
    text.add_text(f"Raw profile type {name}", raw_profile(name.lower(), mark + tiff_block()), zip=is_compressed)
    assert_found(encode(picture, "PNG", pnginfo=text))


def test_what_stands_behind_the_digits_of_a_raw_profile_costs_nothing(picture, encode):
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type exif", raw_profile("Exif", tiff_block()).rstrip() + b"\x00")
    assert_found(encode(picture, "PNG", pnginfo=text))


def test_a_raw_profile_of_other_words_is_no_exif(picture, encode):
    text = PngImagePlugin.PngInfo()
    text.add_text("Raw profile type APP1", raw_profile("app1", b"http://ns.adobe.com/xap/1.0/\x00<x/>"))
    assert inspect_image(encode(picture, "PNG", pnginfo=text), InspectParams()).exif == {}


def test_exif_over_several_segments_of_a_jpeg_is_joined(picture, encode):
    block = tiff_block()
    data = encode(picture, "JPEG")
    parts = [b"Exif\x00\x00" + part for part in (block[:50], block[50:])]
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", 2 + len(part)) + part for part in parts)
    assert_found(data[:2] + segments + data[2:])


def test_exif_comes_before_and_behind_xmp_in_a_jpeg(picture, encode):
    data = encode(picture, "JPEG", exif=exif(), xmp=xmp(3))
    assert_found(data)


def test_exif_of_a_big_tiff_is_found(picture, encode):
    assert_found(encode(picture, "TIFF", exif=exif(), big_tiff=True))


def test_exif_of_jpeg_2000_is_found(picture, encode):
    assert_found(encode(picture, "JPEG2000") + box(b"uuid", b"JpgTiffExif->JP2" + tiff_block()))


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "JPEG2000"])
def test_an_orientation_of_xmp_counts_where_exif_has_none(picture, encode, format_name):
    if format_name == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp().decode())
        data = encode(picture, format_name, pnginfo=text)
    elif format_name == "TIFF":
        data = encode(picture, format_name, tiffinfo={700: xmp()})
    elif format_name == "JPEG2000":
        identity = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
        data = encode(picture, format_name) + box(b"uuid", identity + xmp())
    else:
        data = encode(picture, format_name, xmp=xmp())
    assert inspect_image(data, InspectParams()).exif["orientation"] == 6
    assert decode_image(data).size == UPRIGHT


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_an_orientation_of_exif_comes_before_that_of_xmp(picture, encode, format_name):
    data = encode(picture, format_name, exif=exif(orientation=1), xmp=xmp())
    assert decode_image(data).size == STORED


def test_xmp_of_a_gif_turns_nothing(picture, encode):
    data = encode(picture, "GIF")
    at = 13 + (3 << ((data[10] & 7) + 1))
    data = data[:at] + b"\x21\xff\x0bXMP DataXMP" + bytes([len(xmp())]) + xmp() + b"\x00" + data[at:]
    assert decode_image(data).size == STORED


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("spoiled", [b"XXXX", b"MM\x00*\xff\xff\xff\xff"])
def test_a_broken_block_costs_itself_and_not_the_picture(picture, encode, format_name, spoiled):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
    data = encode(picture, format_name, exif=exif(orientation=1))
    at = data.index(b"MM\x00*\x00\x00\x00\x08")
    data = data[:at] + spoiled + data[at + len(spoiled) :]
    if format_name == "PNG":
        data = with_new_checksum(data, at)
    assert decode_image(data).size == STORED
    assert "maker" not in inspect_image(data, InspectParams()).exif


def with_new_checksum(data: bytes, at: int) -> bytes:
    start = data.rindex(b"eXIf", 0, at + 1)
    length = int.from_bytes(data[start - 4 : start], "big")
    content = data[start + 4 : start + 4 + length]
    return data[: start - 4] + chunk(b"eXIf", content) + data[start + 8 + length :]


@pytest.mark.parametrize("pointer", [ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo])
@pytest.mark.parametrize("offset", [0, 7, 2**31])
def test_a_broken_directory_within_a_tiff_costs_itself_and_not_the_picture(picture, encode, pointer, offset):
    data = encode(picture, "TIFF", tiffinfo={271: "maker", int(pointer): offset})
    assert decode_image(data).size == STORED
    assert inspect_image(data, InspectParams()).exif["maker"] == "maker"
