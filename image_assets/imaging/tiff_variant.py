"""What kind of TIFF a file is, for those who have to be told that it is not read."""

from image_assets.imaging.tiff_directory import (
    BITS,
    COMPRESSION,
    HEIGHT,
    PHOTOMETRIC,
    SAMPLE_FORMAT,
    SAMPLES,
    WIDTH,
    first_directory,
)

_MOST_BITS, _MOST_SAMPLES = 64, 64
# What values of tags are called.
_SAMPLE_FORMATS = {1: "unsigned", 2: "signed", 3: "floating-point", 4: "untyped", 5: "complex", 6: "complex"}
_PHOTOMETRICS = {
    0: "white is zero",
    1: "black is zero",
    2: "RGB",
    3: "palette",
    4: "mask",
    5: "separated",
    6: "YCbCr",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
    32803: "colour filter array",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear raw",
}
_COMPRESSIONS = {
    1: "uncompressed",
    2: "CCITT",
    3: "fax group 3",
    4: "fax group 4",
    5: "LZW",
    6: "old JPEG",
    7: "JPEG",
    8: "deflate",
    32773: "PackBits",
    32809: "ThunderScan",
    32946: "deflate",
    34676: "SGI log",
    34677: "SGI log",
    34712: "JPEG 2000",
    34887: "LERC",
    34925: "LZMA",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}


def variant_of(data: bytes) -> str | None:
    """The kind in words, where all that the first directory says is known to the standard; else None."""
    directory = first_directory(data)
    if directory is None or not directory.is_whole or not directory.blocks():
        return None
    samples, bits = directory.first(SAMPLES, 1), directory.first(BITS, 1)
    names = (
        _SAMPLE_FORMATS.get(directory.first(SAMPLE_FORMAT, 1)),
        _PHOTOMETRICS.get(directory.first(PHOTOMETRIC, -1)),
        _COMPRESSIONS.get(directory.first(COMPRESSION, 1)),
    )
    sizes = (directory.first(WIDTH, 0), directory.first(HEIGHT, 0), samples, bits)
    if None in names or min(sizes) < 1 or samples > _MOST_SAMPLES or bits > _MOST_BITS:
        return None
    order = "big-endian " if data[:2] == b"MM" else ""
    name = "BigTIFF" if b"+" in data[2:4] else "TIFF"
    kind, colours, coded = names
    return f"{order}{name} of {samples} {kind} samples of {bits} bits a pixel, {colours}, {coded}"
