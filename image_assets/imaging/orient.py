"""Turning a picture the way its camera was held."""

from PIL import ExifTags, Image

# EXIF orientation (CIPA DC-008, tag 274) -> what brings it upright; 1 and anything else stay.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_orientation(image: Image.Image) -> int:
    """The EXIF orientation of an opened image, 1 to 8; 1 when absent, invalid or unreadable."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    # Foreign: a broken EXIF block may raise anything, and must not cost the picture.
    except Exception:  # noqa: BLE001
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """The image as it was seen; the same object where nothing is to be done."""
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)
