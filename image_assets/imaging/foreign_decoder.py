"""The one place where the errors of foreign decoders become `ImageError`."""

import io
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from PIL import Image, ImageFile, PngImagePlugin, UnidentifiedImageError

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.container import TOLD_BY_STRUCTURE, ends_early
from image_assets.imaging.formats import ALLOWED_FORMATS, format_of
from image_assets.imaging.item_properties import without_exif
from image_assets.imaging.standard_error import heard
from image_assets.imaging.tiff_variant import variant_of

# What decoders say -> what it means; the first that is found counts.
_SIGNS = {
    "truncated": RejectionReason.TRUNCATED,
    "unexpected end": RejectionReason.TRUNCATED,
    "not enough data": RejectionReason.TRUNCATED,
    "but only got": RejectionReason.TRUNCATED,
    "unsupported": RejectionReason.UNSUPPORTED_FORMAT,
    "not supported": RejectionReason.UNSUPPORTED_FORMAT,
    "not implemented": RejectionReason.UNSUPPORTED_FORMAT,
    "not configured": RejectionReason.UNSUPPORTED_FORMAT,
    "unpack to more than": RejectionReason.TOO_LARGE,
}
_LIBRARY_WORDS = {
    "decompressed data too large": "a colour profile or words in it unpack to more than 16 MiB",
    "could not create decoder object": "its pixels are coded in a way that is not read, or damaged",
}
_DETAIL_LENGTH = 200
# Of one colour profile in a PNG; those of printing presses have several megabytes.
PngImagePlugin.MAX_TEXT_CHUNK = 16 * 2**20
# Pillow opens an MPO as the JPEG that it starts with, then finds out.
_OPENERS = [name for name in ALLOWED_FORMATS if name != "MPO"]


@contextmanager
def foreign_decoder(data: bytes) -> Iterator[None]:
    """Turn whatever a decoder raises over these bytes into `ImageError`, silence its warnings, be strict.

    What is changed for that is the process's and is put back: image work runs in processes, not in threads.
    """
    told: list[str] = []
    raised: Exception | None = None
    with _listening_to_libtiff(data, told):
        try:
            with warnings.catch_warnings(), _strict_pillow():
                warnings.simplefilter("ignore")
                yield
        except ImageError:
            raise
        except MemoryError as error:
            raise ImageError(RejectionReason.OUT_OF_MEMORY, "no memory left to decode it") from error
        except Image.DecompressionBombError as error:
            detail = f"over {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels in all"
            raise ImageError(RejectionReason.TOO_MANY_PIXELS, detail) from error
        # Decoders raise more than they document: OSError, ValueError, IndexError, TypeError, SyntaxError,
        # KeyError, RuntimeError, NotImplementedError, struct.error, ZeroDivisionError, OverflowError ...
        except Exception as error:  # noqa: BLE001 - see above
            raised = error
    if raised is not None:
        told.append(_in_words(raised, data))
        raise ImageError(_reason(data, " ".join(told)), _one_line(told[0])) from raised
    # libtiff's warnings are off: what it said are errors over which it went on.
    if told:
        raise ImageError(_reason(data, ""), _one_line(told[0]))


def _listening_to_libtiff(data: bytes, told: list[str]) -> AbstractContextManager[None]:
    """Pillow leaves libtiff's errors to standard error, and most are not raised."""
    return heard(told) if format_of(data) == "TIFF" else nullcontext()


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
    check_format(name)
    try:
        return _opened(data, name)
    except UnidentifiedImageError as error:
        if name is None:
            raise not_an_image() from error
        raise _unreadable(data, name) from error


def not_an_image() -> ImageError:
    """What is said of a file that starts like nothing that is known."""
    return ImageError(RejectionReason.NOT_AN_IMAGE, "no known image format")


def check_format(name: str | None) -> None:
    """Raise `ImageError`, unsupported_format, for what a file claims to be; None may still turn out to be one."""
    if name is not None and name not in ALLOWED_FORMATS:
        raise ImageError(RejectionReason.UNSUPPORTED_FORMAT, _unsupported(name))


def _unreadable(data: bytes, name: str) -> ImageError:
    """Why a file of an allowed format was not opened."""
    if ends_early(data):
        return ImageError(RejectionReason.TRUNCATED, f"starts like {name}, but its header goes on behind the last byte")
    variant = variant_of(data) if name == "TIFF" else None
    if variant is not None:
        return ImageError(RejectionReason.UNSUPPORTED_FORMAT, f"a {variant} is not read")
    return ImageError(
        RejectionReason.CORRUPT, f"starts like {name}, but its header is damaged or of an unknown variant"
    )


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


def _reason(data: bytes, told: str) -> RejectionReason:
    meant = next((reason for sign, reason in _SIGNS.items() if sign in told.lower()), None)
    # Decoders call a chunk that is too short truncated as well: where the structure tells, it is believed.
    if meant is not None and not (meant is RejectionReason.TRUNCATED and format_of(data) in TOLD_BY_STRUCTURE):
        return meant
    return RejectionReason.TRUNCATED if ends_early(data) else RejectionReason.CORRUPT


def _in_words(error: Exception, data: bytes) -> str:
    """What a decoder said; that the structure is damaged, where it speaks of its own code and not of the file."""
    words = next((ours for theirs, ours in _LIBRARY_WORDS.items() if theirs in str(error).lower()), str(error))
    if words.startswith("decoder error"):
        return f"the pixels of the {format_of(data)} cannot be decoded"
    if isinstance(error, OSError | ValueError | SyntaxError | NotImplementedError | RuntimeError) and " " in words:
        return words
    found = f" ({words.lower()})" if isinstance(error, TypeError) and words else ""
    return f"the structure of the {format_of(data) or 'file'} is damaged{found}"


def _one_line(told: str) -> str:
    """Printable and short, without the name that Pillow gives to what has none."""
    return (
        " ".join(told.removeprefix("tempfile.tif: ").split())
        .encode("ascii", "backslashreplace")
        .decode()[:_DETAIL_LENGTH]
    )
