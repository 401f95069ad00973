"""Bytes to pixels: every file is decoded to its end, or refused with a reason."""

import numpy as np
from PIL import Image, PngImagePlugin

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.colour import is_srgb, to_srgb
from image_assets.imaging.container import WHOLE_BY_STRUCTURE, ends_early, zeros_at_end
from image_assets.imaging.foreign_decoder import foreign_decoder, open_image
from image_assets.imaging.item_properties import picture_properties
from image_assets.imaging.mend import mended
from image_assets.imaging.orient import as_told, read_orientation, turn_upright
from image_assets.imaging.pixels import Pixels
from image_assets.imaging.resize import fit
from image_assets.imaging.source_profile import read_profile
from image_assets.imaging.strict_gif import check_pictures
from image_assets.imaging.strict_jpeg import read_strictly
from image_assets.imaging.strict_tiff import check_strips
from image_assets.imaging.transparency import read_opacity

# libjpeg decodes at 1/1, 1/2, 1/4 or 1/8 of the size for less than the whole price.
_DCT_SCALES = (8, 4, 2)
# A download that was given its room before its bytes ends in zeros. A white picture does too: one byte for over 10,000
# pixels of a lossy WebP, measured.
_LEAST_HOLE_BYTES = 4096
_PIXELS_PER_ZERO = 5_000


def decode_image(data: bytes, *, at_least_px: int | None = None) -> Image.Image:
    """The first picture of the file: mode RGB, upright, sRGB, with an empty `info`.

    Args:
        data: the whole file; all of it is decoded, so a broken end is noticed.
        at_least_px: a JPEG may be decoded smaller while its longest side stays at least this; None: in full.

    Raises:
        ImageError: not_an_image, unsupported_format, truncated, corrupt, too_many_pixels, out_of_memory.
    """
    with foreign_decoder(data):
        data = mended(data)
        image = _opened(data)
        scale = 1 if at_least_px is None else _ask_for_scale(image, at_least_px)
        pixels = read_strictly(image, data, scale)
        shown = _loaded(image, data) if pixels is None else Image.fromarray(_coloured(image, data, pixels))
        upright = turn_upright(shown, read_orientation(image, data))
    # All that Pillow would write unasked lives here.
    upright.info = {}
    return upright


def decode_within(data: bytes, longest_side_px: int) -> Pixels:
    """The picture of `decode_image`, rows x columns x 3, fitted within the longest side while it is decoded.

    Raises:
        ImageError: see `decode_image`.
    """
    with foreign_decoder(data):
        data = mended(data)
        image = _opened(data)
        pixels = read_strictly(image, data, _ask_for_scale(image, longest_side_px))
        if pixels is None:
            small = fit(np.asarray(_loaded(image, data)), longest_side_px)
        else:
            # Colours last: fewer of them are left.
            small = _coloured(image, data, fit(pixels, longest_side_px))
        return _upright(small, read_orientation(image, data))


def _opened(data: bytes) -> Image.Image:
    image = open_image(data)
    _verify_container(image, data)
    return image


def _verify_container(image: Image.Image, data: bytes) -> None:
    """What decoding the first picture would not notice: a lost end with later pictures, checksums, damaged strips."""
    if image.format in WHOLE_BY_STRUCTURE and ends_early(data):
        raise ImageError(RejectionReason.TRUNCATED, f"the {image.format} goes on behind the last byte")
    zeros = zeros_at_end(data)
    if zeros >= _LEAST_HOLE_BYTES and zeros * _PIXELS_PER_ZERO > image.width * image.height:
        raise ImageError(RejectionReason.TRUNCATED, f"the last {zeros} bytes of the {image.format} were never written")
    if isinstance(image, PngImagePlugin.PngImageFile):
        open_image(data).verify()
    check_strips(image, data)
    check_pictures(image, data)


def _ask_for_scale(image: Image.Image, at_least_px: int) -> int:
    """The divisor at which the longest side, rounded up, is still at least this; Pillow is told of it."""
    scale = next((scale for scale in _DCT_SCALES if -(-max(image.size) // scale) >= at_least_px), 1)
    if scale > 1:
        image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))
    return scale


def _loaded(image: Image.Image, data: bytes) -> Image.Image:
    """The picture as Pillow decodes it, opaque, in sRGB, and of an AVIF the part that it shows."""
    image.load()
    shown = to_srgb(image, read_profile(image, data), read_opacity(image, data))
    # The decoders of HEIC and TIFF have done so themselves.
    return as_told(shown, picture_properties(data)) if image.format == "AVIF" else shown


def _coloured(image: Image.Image, data: bytes, pixels: Pixels) -> Pixels:
    """These pixels of an opened JPEG in sRGB."""
    profile = read_profile(image, data)
    if is_srgb(image.mode, profile):
        return pixels
    stored = Image.frombytes(image.mode, pixels.shape[1::-1], np.ascontiguousarray(pixels))
    return np.asarray(to_srgb(stored, profile, None))


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    return pixels if orientation == 1 else np.asarray(turn_upright(Image.fromarray(pixels), orientation))
