"""What is noticed of damage: good files of every format and compression, damaged at random, and how many are refused.

    python benchmarks/damage.py [--files 40] [--write docs/damage.md]

A damaged file that is accepted is looked at: did a thousandth of its pixels or more change by over 24 of 255?
"""

import argparse
import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyvips
from page import write_section
from PIL import Image, ImageDraw

from image_assets.errors import ImageError
from image_assets.imaging.decode import decode_image
from image_assets.imaging.formats import HAS_HEIC

MARKERS = ("<!-- damage: written by benchmarks/damage.py -->", "<!-- /damage -->")
INTRODUCTION = """Files of 600 x 400 pixels, drawn with a fine grain, faxes of 800 x 600 in two colours; {files} damaged
files for each field. A field says how many of 100 are refused and, where some are accepted, in how many of 100 the
picture is then visibly wrong: a thousandth of its pixels or more is off by over 24 of 255. Damage begins behind the
first eighth of the file."""
RUN_BYTES = 40
HOLE_BYTES = 500
SEEN_LEVELS, SEEN_SHARE = 24, 0.001

Damage = Callable[[bytes, random.Random], bytes]


def place(data: bytes, rng: random.Random, length: int = 1) -> int:
    """Where damage of this length begins: behind the headers, before the end."""
    return rng.randrange(len(data) // 8, len(data) * 15 // 16 - length)


def flipped(data: bytes, rng: random.Random) -> bytes:
    """One bit is the other way round."""
    at = place(data, rng)
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]


def zeroed(data: bytes, rng: random.Random) -> bytes:
    """A run of zeros in the middle."""
    at = place(data, rng, RUN_BYTES)
    return data[:at] + bytes(RUN_BYTES) + data[at + RUN_BYTES :]


def overwritten(data: bytes, rng: random.Random) -> bytes:
    """A run of random bytes in the middle."""
    at = place(data, rng, RUN_BYTES)
    return data[:at] + rng.randbytes(RUN_BYTES) + data[at + RUN_BYTES :]


def holed(data: bytes, rng: random.Random) -> bytes:
    """A piece is missing."""
    at = place(data, rng, HOLE_BYTES)
    return data[:at] + data[at + HOLE_BYTES :]


def cut(data: bytes, rng: random.Random) -> bytes:
    """The rest is missing."""
    return data[: place(data, rng)]


def unfilled(data: bytes, rng: random.Random) -> bytes:
    """The rest is zeros: a download that was given its room and never got its bytes."""
    at = place(data, rng)
    return data[:at] + bytes(len(data) - at)


DAMAGES: dict[str, Damage] = {
    "one bit": flipped,
    f"{RUN_BYTES} zeros": zeroed,
    f"{RUN_BYTES} random bytes": overwritten,
    f"{HOLE_BYTES} bytes gone": holed,
    "cut": cut,
    "zeros to the end": unfilled,
}


def photo() -> Image.Image:
    """Smooth colours, a disc, and the grain of a camera."""
    rows, columns = np.mgrid[0:400, 0:600]
    grain = np.random.default_rng(7).integers(-8, 9, (400, 600))
    pixels = np.stack(
        [40 + columns * 0.3 + grain, 200 - rows * 0.4 + grain, 120 + 60 * np.sin(columns / 40) + grain], axis=-1
    )
    pixels[(rows - 100) ** 2 + (columns - 130) ** 2 < 60**2] = 250
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def page() -> Image.Image:
    """Lines of text."""
    image = Image.new("1", (800, 600), 1)
    for line in range(30):
        ImageDraw.Draw(image).text((10, 20 * line), f"order {line} of {line * 7} shirts, size {line % 5} " * 3, fill=0)
    return image


def saved(image: Image.Image, format_name: str, **options: object) -> bytes:
    """The file in memory."""
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def good_files() -> Iterator[tuple[str, bytes]]:
    """One of every format and compression on the list."""
    colours, frames = photo(), [photo().rotate(90), photo().rotate(180)]
    for name, options in {
        "baseline": {},
        "with restart markers": {"restart_marker_rows": 1},
        "progressive": {"progressive": True},
    }.items():
        yield f"JPEG, {name}", saved(colours, "JPEG", quality=85, **options)
    yield "JPEG, grey", saved(colours.convert("L"), "JPEG", quality=85)
    yield "JPEG, CMYK", saved(colours.convert("CMYK"), "JPEG", quality=85)
    yield "MPO, two pictures", saved(colours, "MPO", save_all=True, append_images=frames[:1])
    yield "PNG", saved(colours, "PNG")
    yield "GIF", saved(colours, "GIF")
    yield "GIF, three pictures", saved(colours, "GIF", save_all=True, append_images=frames)
    yield "WebP, lossy", saved(colours, "WEBP", quality=85)
    yield "WebP, lossless", saved(colours, "WEBP", lossless=True)
    yield "AVIF", saved(colours, "AVIF")
    if HAS_HEIC:
        yield "HEIC", saved(colours, "HEIF", quality=85)
    yield "JPEG 2000, lossless", saved(colours, "JPEG2000")
    yield "JPEG 2000, lossy", saved(colours, "JPEG2000", irreversible=True, quality_layers=[20])
    yield "BMP", saved(colours, "BMP")
    yield from tiffs(colours)


def tiffs(colours: Image.Image) -> Iterator[tuple[str, bytes]]:
    """One of every compression that is read."""
    compressions = {
        "uncompressed": "raw",
        "PackBits": "packbits",
        "LZW": "tiff_lzw",
        "deflate": "tiff_adobe_deflate",
        "LZMA": "lzma",
        "Zstandard": "zstd",
        "JPEG": "jpeg",
    }
    for name, compression in compressions.items():
        yield f"TIFF, {name}", saved(colours, "TIFF", compression=compression)
    tiled = pyvips.Image.new_from_array(np.asarray(colours)).tiffsave_buffer(compression="jpeg", tile=True, Q=85)
    yield "TIFF, JPEG in tiles", tiled
    for name, compression in {"fax group 3": "group3", "fax group 4": "group4", "CCITT": "tiff_ccitt"}.items():
        yield f"TIFF, {name}", saved(page(), "TIFF", compression=compression)


def is_visibly_wrong(data: bytes, good: npt.NDArray[np.int_]) -> bool | None:
    """Whether a damaged file shows another picture; None where it is refused."""
    try:
        pixels = np.asarray(decode_image(data)).astype(int)
    except ImageError:
        return None
    return pixels.shape != good.shape or float((np.abs(pixels - good).max(axis=-1) > SEEN_LEVELS).mean()) > SEEN_SHARE


def verdict(data: bytes, damage: Damage, files: int) -> str:
    """Of 100: refused, and where some are accepted, how many are visibly wrong."""
    good, rng = np.asarray(decode_image(data)).astype(int), random.Random(5)
    found = [is_visibly_wrong(damage(data, rng), good) for _ in range(files)]
    refused, wrong = (round(100 * found.count(answer) / files) for answer in (None, True))
    return str(refused) if None in found and found.count(None) == files else f"{refused}, wrong {wrong}"


def table(files: int) -> str:
    """Markdown, a row per format and compression."""
    lines = [f"| | {' | '.join(DAMAGES)} |", "|---|" + "---:|" * len(DAMAGES)]
    for name, data in good_files():
        verdicts = " | ".join(verdict(data, damage, files) for damage in DAMAGES.values())
        lines.append(f"| {name} | {verdicts} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--write", type=Path, help="a Markdown page with a section for this table")
    arguments = parser.parse_args()
    section = f"{INTRODUCTION.format(files=arguments.files)}\n\n{table(arguments.files)}"
    if arguments.write:
        write_section(arguments.write, MARKERS, section)


if __name__ == "__main__":
    main()
