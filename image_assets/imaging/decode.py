"""Bytes to pixels: every file is decoded to its end, or refused with a reason."""

import numpy as np
from PIL import Image, PngImagePlugin

from image_assets.errors import ImageError, RejectionReason
from image_assets.imaging.colour import is_srgb, to_srgb
from image_assets.imaging.container import WHOLE_BY_STRUCTURE, ends_early, zeros_at_end
from image_assets.imaging.foreign_decoder import foreign_decoder, open_image
from image_assets.imaging.mend import mended
from image_assets.imaging.orient import read_orientation, turn_upright
from image_assets.imaging.resize import Pixels, fit
from image_assets.imaging.strict_gif import check_pictures
from image_assets.imaging.strict_jpeg import read_strictly
from image_assets.imaging.strict_tiff import check_strips

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
        stored = _stored(image, read_strictly(image, data, scale))
        upright = turn_upright(to_srgb(stored), read_orientation(image))
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
            small = fit(np.asarray(to_srgb(_stored(image, None))), longest_side_px)
        else:
            small = fit(pixels, longest_side_px)
            if not is_srgb(image):
                # Colours last: fewer of them are left.
                small = np.asarray(to_srgb(_stored(image, small)))
        return _upright(small, read_orientation(image))


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


def _stored(image: Image.Image, pixels: Pixels | None) -> Image.Image:
    """The loaded picture with its profile: of these pixels, or of those that Pillow decodes."""
    if pixels is None:
        image.load()
        return image
    stored = Image.frombytes(image.mode, pixels.shape[1::-1], np.ascontiguousarray(pixels))
    stored.info = image.info
    return stored


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    return pixels if orientation == 1 else np.asarray(turn_upright(Image.fromarray(pixels), orientation))
