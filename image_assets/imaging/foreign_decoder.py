"""The one place where the errors of foreign decoders become `ImageError`."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageFile, UnidentifiedImageError

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.container import ends_early
from image_assets.imaging.formats import ALLOWED_FORMATS, format_of
from image_assets.imaging.item_properties import without_exif

# What decoders say -> what it means; the first that is found counts.
_SIGNS = {
    "truncated": RejectionReason.TRUNCATED,
    "unexpected end": RejectionReason.TRUNCATED,
    "not enough data": RejectionReason.TRUNCATED,
    "but only got": RejectionReason.TRUNCATED,
    "unsupported": RejectionReason.UNSUPPORTED_FORMAT,
    "not supported": RejectionReason.UNSUPPORTED_FORMAT,
    "not implemented": RejectionReason.UNSUPPORTED_FORMAT,
    "decompressed data too large": RejectionReason.TOO_LARGE,
}
_DETAIL_LENGTH = 200
# Pillow opens an MPO as the JPEG that it starts with, then finds out.
_OPENERS = [name for name in ALLOWED_FORMATS if name != "MPO"]


@contextmanager
def foreign_decoder(data: bytes) -> Iterator[None]:
    """Turn whatever a decoder raises over these bytes into `ImageError`, silence its warnings, be strict.

    What is changed for that is the process's and is put back: image work runs in processes, not in threads.
    """
    try:
        with warnings.catch_warnings(), _strict_pillow():
            warnings.simplefilter("ignore")
            yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(RejectionReason.OUT_OF_MEMORY, "no memory left to decode it") from error
    except Image.DecompressionBombError as error:
        raise ImageError(RejectionReason.TOO_MANY_PIXELS, _one_line(error)) from error
    # Decoders raise more than they document: OSError, ValueError, IndexError, TypeError, SyntaxError,
    # KeyError, RuntimeError, NotImplementedError, struct.error, ZeroDivisionError, OverflowError ...
    except Exception as error:
        raise ImageError(_reason(data, error), _one_line(error)) from error


@contextmanager
def _strict_pillow() -> Iterator[None]:
    """Half a file is refused even where somebody asked Pillow to fill such files up."""
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def open_image(data: bytes) -> Image.Image:
    """Read the header of an allowed format; no pixel is decoded.

    Raises:
        ImageError: not_an_image, unsupported_format; to be called inside `foreign_decoder` for the rest.
    """
    name = format_of(data)
    if name is not None and name not in ALLOWED_FORMATS:
        raise ImageError(RejectionReason.UNSUPPORTED_FORMAT, _unsupported(name))
    try:
        return _opened(data, name)
    except UnidentifiedImageError as error:
        if name is None:
            raise ImageError(RejectionReason.NOT_AN_IMAGE, "no known image format") from error
        reason = RejectionReason.TRUNCATED if ends_early(data) else RejectionReason.CORRUPT
        raise ImageError(reason, f"starts like {name}, but its header is damaged or of an unknown variant") from error


def _opened(data: bytes, name: str | None) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_OPENERS)
    # Foreign: Pillow reads EXIF as it opens an AVIF, and a broken block must not cost the picture.
    except Exception:
        if name != "AVIF":
            raise
        return Image.open(io.BytesIO(without_exif(data)), formats=_OPENERS)


def _unsupported(name: str) -> str:
    if name == "HEIF":
        return "HEIC is read when the extra image-assets[heic] is installed"
    return f"{name} is not read; allowed: {', '.join(ALLOWED_FORMATS)}"


def _reason(data: bytes, error: Exception) -> RejectionReason:
    told = str(error).lower()
    meant = next((reason for sign, reason in _SIGNS.items() if sign in told), None)
    if meant is not None:
        return meant
    return RejectionReason.TRUNCATED if ends_early(data) else RejectionReason.CORRUPT


def _one_line(error: Exception) -> str:
    """What the decoder said, printable and short, with the kind of error in front."""
    told = " ".join(str(error).split()).encode("ascii", "backslashreplace").decode()
    return f"{type(error).__name__}: {told}"[:_DETAIL_LENGTH]
