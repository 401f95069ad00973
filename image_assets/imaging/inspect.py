"""What a file claims to be, from its header alone: cheap enough for every upload."""

from dataclasses import dataclass

from PIL import Image, TiffImagePlugin

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.exif import read_exif
from image_assets.imaging.exif_values import JsonValue
from image_assets.imaging.foreign_decoder import foreign_decoder, open_image
from image_assets.imaging.formats import ALLOWED_FORMATS
from image_assets.imaging.item_properties import picture_properties, stored_size
from image_assets.imaging.orient import size_as_told, told_orientation

_TIFF_COLUMNS, _TIFF_ROWS = 256, 257


@dataclass(frozen=True, slots=True)
class InspectParams:
    """What is accepted.

    Attributes:
        max_bytes: the largest file; raw-like TIFFs of current cameras stay below 100 MB.
        max_pixels: rows x columns; just under the 178.9 million at which Pillow itself refuses a file.
        min_side_px: the shortest side; below it there is nothing to recognise.
        max_aspect: longest side over shortest side.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 178_000_000
    min_side_px: int = 16
    max_aspect: float = 20.0


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What the header says; width and height as stored, before anything is cropped or turned.

    Attributes:
        format: Pillow's name, e.g. JPEG.
        mime: e.g. image/jpeg.
        extension: without a dot, e.g. jpg.
        mode: Pillow's name of the pixel layout, e.g. RGB, I;16.
        width_px: columns, as stored.
        height_px: rows, as stored.
        frames: pictures in the file, at least 1.
        exif: see `read_exif`; empty without EXIF. Its orientation is the one that applies, whoever tells it: EXIF,
            else XMP; of an AVIF or HEIC nothing but its own turns and mirrors.
    """

    format: str
    mime: str
    extension: str
    mode: str
    width_px: int
    height_px: int
    frames: int
    exif: dict[str, JsonValue]


def inspect_image(data: bytes, limits: InspectParams) -> ImageHeader:
    """Read the header and hold it against the limits; no pixel is decoded.

    Raises:
        ImageError: empty, too_large, not_an_image, unsupported_format, truncated, corrupt, too_many_pixels,
            too_small, bad_aspect.
    """
    _check_size(len(data), limits)
    with foreign_decoder(data):
        image = open_image(data)
        size = _stored_size(image, data)
        _check_dimensions(*size, limits)
        _check_dimensions(*_shown_size(image, data), limits)
        return _header(image, data, size)


def _stored_size(image: Image.Image, data: bytes) -> tuple[int, int]:
    """Columns and rows; of these formats Pillow says how many there are after cropping and turning."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.tag_v2[_TIFF_COLUMNS], image.tag_v2[_TIFF_ROWS]
    return stored_size(picture_properties(data)) or image.size if image.format == "HEIF" else image.size


def _shown_size(image: Image.Image, data: bytes) -> tuple[int, int]:
    """Columns and rows after cropping and turning, as far as the file tells of crops."""
    return size_as_told(image.size, picture_properties(data)) if image.format == "AVIF" else image.size


def _header(image: Image.Image, data: bytes, size: tuple[int, int]) -> ImageHeader:
    name = image.format or ""
    known = ALLOWED_FORMATS[name]
    width_px, height_px = size
    return ImageHeader(
        format=name,
        mime=known.mime,
        extension=known.extension,
        mode=image.mode,
        width_px=width_px,
        height_px=height_px,
        frames=int(getattr(image, "n_frames", 1)),
        exif=_exif(image, data),
    )


def _exif(image: Image.Image, data: bytes) -> dict[str, JsonValue]:
    exif, orientation = read_exif(image, data), told_orientation(image, data)
    if orientation is None or (orientation == 1 and "orientation" not in exif):
        return exif
    return exif | {"orientation": orientation}


def _check_size(size_bytes: int, limits: InspectParams) -> None:
    if size_bytes == 0:
        raise ImageError(RejectionReason.EMPTY, "0 bytes")
    if size_bytes > limits.max_bytes:
        detail = f"{size_bytes} bytes; at most {limits.max_bytes}"
        raise ImageError(RejectionReason.TOO_LARGE, detail)


def _check_dimensions(width_px: int, height_px: int, limits: InspectParams) -> None:
    found = f"{width_px} x {height_px} pixels"
    if width_px * height_px > limits.max_pixels:
        raise ImageError(RejectionReason.TOO_MANY_PIXELS, f"{found}; at most {limits.max_pixels} in all")
    if min(width_px, height_px) < limits.min_side_px:
        raise ImageError(RejectionReason.TOO_SMALL, f"{found}; at least {limits.min_side_px} a side")
    if max(width_px, height_px) > limits.max_aspect * min(width_px, height_px):
        raise ImageError(RejectionReason.BAD_ASPECT, f"{found}; at most {limits.max_aspect:g} to 1")
