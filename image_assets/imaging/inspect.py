"""What a file claims to be, from its header alone: cheap enough for every upload."""

from dataclasses import dataclass

from PIL import Image

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging import tiff_directory
from image_assets.imaging.container import walk_gif
from image_assets.imaging.exif import read_exif
from image_assets.imaging.exif_values import JsonValue
from image_assets.imaging.foreign_decoder import foreign_decoder, open_image
from image_assets.imaging.formats import ALLOWED_FORMATS
from image_assets.imaging.mend import mended
from image_assets.imaging.picture_size import shown_size, stored_size

# One page more or less is of no use to anybody then.
_MAX_FRAMES = 10_000


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
        width_px: columns.
        height_px: rows.
        frames: pictures in the file, at least 1; counting stops at 10,000.
        exif: see `read_exif`; empty without EXIF.
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
    check_size(len(data), limits)
    with foreign_decoder(data):
        whole = mended(data)
        image = open_image(whole)
        check_dimensions(*stored_size(image, whole), limits)
        check_dimensions(*shown_size(image, whole), limits)
        return _header(image, whole, _count_pictures(image, data))


def _header(image: Image.Image, data: bytes, frames: int) -> ImageHeader:
    name = image.format or ""
    known = ALLOWED_FORMATS[name]
    width_px, height_px = stored_size(image, data)
    return ImageHeader(
        format=name,
        mime=known.mime,
        extension=known.extension,
        mode=image.mode,
        width_px=width_px,
        height_px=height_px,
        frames=frames,
        exif=read_exif(image, data),
    )


def _count_pictures(image: Image.Image, data: bytes) -> int:
    """Where a decoder would look for every picture, the structure is asked."""
    if image.format == "TIFF":
        found = tiff_directory.count_pictures(data, _MAX_FRAMES)
    elif image.format == "GIF":
        found = walk_gif(data).pictures
    else:
        found = int(getattr(image, "n_frames", 1))
    return max(1, min(found, _MAX_FRAMES))


def check_size(size_bytes: int, limits: InspectParams) -> None:
    """Raise `ImageError`, empty or too_large."""
    if size_bytes == 0:
        raise ImageError(RejectionReason.EMPTY, "0 bytes")
    if size_bytes > limits.max_bytes:
        detail = f"{size_bytes} bytes; at most {limits.max_bytes}"
        raise ImageError(RejectionReason.TOO_LARGE, detail)


def check_dimensions(width_px: int, height_px: int, limits: InspectParams) -> None:
    """Raise `ImageError`, too_many_pixels, too_small or bad_aspect."""
    found = f"{width_px} x {height_px} pixels"
    if width_px * height_px > limits.max_pixels:
        raise ImageError(RejectionReason.TOO_MANY_PIXELS, f"{found}; at most {limits.max_pixels} in all")
    if min(width_px, height_px) < limits.min_side_px:
        raise ImageError(RejectionReason.TOO_SMALL, f"{found}; at least {limits.min_side_px} a side")
    if max(width_px, height_px) > limits.max_aspect * min(width_px, height_px):
        raise ImageError(RejectionReason.BAD_ASPECT, f"{found}; at most {limits.max_aspect:g} to 1")
