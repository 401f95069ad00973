"""Every way in which a format says "transparent" is laid on white alike."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from image_assets.imaging.code_points import CodePoints, profile_of
from image_assets.imaging.decode import decode_image

SIDE = 16
WHITE, GREY = (255, 255, 255), (100, 100, 100)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(bits: int, kind: int, row: bytes, key: bytes, palette: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", SIDE, SIDE, bits, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *([(b"PLTE", palette)] if palette else []), (b"tRNS", key)]
    parts += [(b"IDAT", zlib.compress((b"\x00" + row) * SIDE)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, content) for name, content in parts)


def halves(data: bytes) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Colours of the left and of the right half."""
    image = decode_image(data)
    return image.getpixel((1, 1)), image.getpixel((image.width - 2, 1))


@pytest.mark.parametrize(
    ("bits", "row", "key", "shown"),
    [
        (1, b"\x00\xff", 0, 255),
        (1, b"\xff\x00", 1, 0),
        (2, b"\x55" * 2 + b"\xaa" * 2, 1, 170),
        (4, b"\x33" * 4 + b"\xcc" * 4, 3, 204),
        (8, b"\x07" * 8 + b"\x64" * 8, 7, 100),
        # Bits above the depth say nothing.
        (8, b"\x07" * 8 + b"\x64" * 8, 0x0107, 100),
        (16, b"\x12\x34" * 8 + b"\x12\x35" * 8, 0x1234, 18),
    ],
)
def test_a_grey_level_of_any_depth_is_transparent(bits, row, key, shown):
    assert halves(png(bits, 0, row, struct.pack(">H", key))) == (WHITE, (shown,) * 3)


def test_a_colour_of_8_bits_is_transparent():
    row = bytes((10, 20, 30)) * 8 + bytes((10, 20, 31)) * 8
    assert halves(png(8, 2, row, struct.pack(">3H", 10, 20, 30))) == (WHITE, (10, 20, 31))


def test_a_colour_of_16_bits_is_transparent_and_its_neighbour_is_not():
    row = struct.pack(">3H", 0x1234, 5, 6) * 8 + struct.pack(">3H", 0x1235, 5, 6) * 8
    assert halves(png(16, 2, row, struct.pack(">3H", 0x1234, 5, 6))) == (WHITE, (0x12, 0, 0))


@pytest.mark.parametrize(("bits", "row"), [(1, b"\x00\xff"), (2, b"\x00\x00\x55\x55"), (4, b"\x00" * 4 + b"\x11" * 4)])
def test_a_palette_entry_of_any_depth_may_be_transparent_in_part(bits, row):
    data = png(bits, 3, row, bytes((51, 255)), palette=bytes((255, 0, 0, *GREY)))
    assert halves(data) == ((255, 204, 204), GREY)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "WEBP", "AVIF", "HEIF", "JPEG2000"])
def test_alpha_is_laid_on_white_in_every_format(encode, format_name, mode):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
    lossless = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}, "HEIF": {"quality": -1, "chroma": 444}}
    image = Image.new("RGBA", (64, 64), (*GREY, 0)).convert(mode)
    image.paste(Image.new("RGBA", (32, 64), (*GREY, 255)).convert(mode), (32, 0))
    left, right = halves(encode(image, format_name, **lossless.get(format_name, {})))
    np.testing.assert_allclose((left, right), (WHITE, GREY), atol=3)


def tiff(samples: bytes, extra_samples: int | None, mode: str = "RGBA") -> bytes:
    file = io.BytesIO()
    Image.frombytes(mode, (SIDE, SIDE), samples * SIDE * SIDE).save(file, "TIFF")
    entry = struct.pack("<HHI", 338, 3, 1)
    new = entry + struct.pack("<I", extra_samples) if extra_samples is not None else b"\xff\x7f" + entry[2:] + bytes(4)
    return file.getvalue().replace(entry + struct.pack("<I", 2), new)


@pytest.mark.parametrize(
    ("samples", "extra_samples", "shown"),
    [
        # Nothing is said of the fourth sample; colours multiplied by it; colours as they are.
        ((100, 100, 100, 51), 0, GREY),
        ((20, 20, 20, 51), 1, (224, 224, 224)),
        ((100, 100, 100, 51), 2, (224, 224, 224)),
        ((100, 100, 100, 0), 2, WHITE),
    ],
)
def test_extra_samples_of_a_tiff_are_what_they_say(samples, extra_samples, shown):
    np.testing.assert_allclose(halves(tiff(bytes(samples), extra_samples))[0], shown, atol=2)


def test_grey_multiplied_by_its_alpha_is_divided():
    np.testing.assert_allclose(halves(tiff(bytes((20, 51)), 1, "LA"))[0], (224, 224, 224), atol=2)


def test_a_fourth_sample_of_a_tiff_that_nobody_explains_and_nobody_filled_says_nothing():
    assert halves(tiff(bytes((*GREY, 0)), None))[0] == GREY


def bitmap(alphas: bytes) -> bytes:
    """A BMP of version 5 with a mask for alpha: one row for each alpha."""
    pixels = b"".join(bytes((*GREY, alpha)) * SIDE for alpha in alphas)
    header = struct.pack("<IiiHHIIiiII", 124, SIDE, -len(alphas), 1, 32, 3, len(pixels), 0, 0, 0, 0)
    header += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs"
    return b"BM" + struct.pack("<IHHI", 138 + len(pixels), 0, 0, 138) + header.ljust(124, b"\x00") + pixels


def test_a_bitmap_whose_alpha_is_zero_everywhere_is_opaque():
    assert halves(bitmap(bytes(SIDE)))[0] == GREY


def test_the_alpha_of_a_bitmap_counts_where_it_is_used():
    image = decode_image(bitmap(bytes(8) + b"\xff" * 8))
    assert (image.getpixel((3, 3)), image.getpixel((3, 12))) == (WHITE, GREY)


def test_a_png_that_is_clear_everywhere_is_white(encode):
    assert halves(encode(Image.new("RGBA", (SIDE, SIDE), (*GREY, 0)), "PNG"))[0] == WHITE


@pytest.mark.parametrize("transparency", [{}, {"transparency": 5}])
def test_what_the_first_frame_of_a_gif_leaves_bare_is_white(encode, transparency):
    image = Image.new("P", (SIDE, SIDE), 1)
    image.putpalette([200, 0, 0, *GREY])
    data = bytearray(encode(image, "GIF", **transparency))
    data[6:8] = struct.pack("<H", 2 * SIDE)
    assert halves(bytes(data)) == (GREY, WHITE)


def test_a_transparent_entry_of_a_gif_is_white_inside_a_smaller_frame(encode):
    image = Image.new("P", (SIDE, SIDE), 1)
    image.putpalette([200, 0, 0, *GREY])
    data = bytearray(encode(image, "GIF", transparency=1))
    data[6:8] = struct.pack("<H", 2 * SIDE)
    assert halves(bytes(data)) == (WHITE, WHITE)


def test_what_the_first_frame_of_a_webp_leaves_bare_is_white(encode):
    image = Image.new("RGB", (SIDE, SIDE), GREY)
    data = bytearray(
        encode(image, "WEBP", save_all=True, append_images=[Image.new("RGB", (SIDE, SIDE))], lossless=True)
    )
    canvas = data.index(b"VP8X") + 12
    data[canvas : canvas + 3] = (2 * SIDE - 1).to_bytes(3, "little")
    assert halves(bytes(data)) == (GREY, WHITE)


def bitmap_of_16_bits(alphas: list[int]) -> bytes:
    """Red, 5 bits a colour and 1 for alpha: one row for each alpha, the lowest first."""
    pixels = b"".join(struct.pack("<H", 0x7C00 | alpha << 15) * SIDE for alpha in alphas)
    header = struct.pack("<IiiHHIIiiII", 124, SIDE, len(alphas), 1, 16, 3, len(pixels), 0, 0, 0, 0)
    header += struct.pack("<IIII", 0x7C00, 0x3E0, 0x1F, 0x8000) + b"BGRs"
    return b"BM" + struct.pack("<IHHI", 138 + len(pixels), 0, 0, 138) + header.ljust(124, b"\x00") + pixels


def test_the_alpha_of_a_bitmap_of_16_bits_counts_where_it_is_used():
    image = decode_image(bitmap_of_16_bits([0] * 4 + [1] * 12))
    assert (image.getpixel((3, 3)), image.getpixel((3, SIDE - 2))) == ((255, 0, 0), WHITE)


def test_a_bitmap_of_16_bits_whose_alpha_is_zero_everywhere_is_opaque():
    assert halves(bitmap_of_16_bits([0] * SIDE))[0] == (255, 0, 0)


@pytest.mark.parametrize("format_name", ["AVIF", "HEIF"])
def test_colours_of_an_item_multiplied_by_their_alpha_are_divided(encode, format_name):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif")
        data = encode(
            Image.frombytes("RGBa", (64, 64), bytes((20, 20, 20, 51)) * 64**2), "HEIF", quality=-1, chroma=444
        )
    else:
        data = encode(Image.new("RGBA", (64, 64), (*GREY, 51)), "AVIF", quality=100, alpha_premultiplied=True)
    np.testing.assert_allclose(halves(data)[0], (224, 224, 224), atol=4)


def test_half_transparent_colours_are_blended_as_they_are_seen(encode):
    """Linear samples of 120 are 182 in sRGB; half of that and half of white."""
    data = encode(
        Image.new("RGBA", (SIDE, SIDE), (120, 120, 120, 128)), "PNG", icc_profile=profile_of(CodePoints(1, 8))
    )
    np.testing.assert_allclose(halves(data)[0], (218, 218, 218), atol=2)
