"""How many columns and rows a picture has as it is stored and as it is shown, from its header alone."""

from PIL import Image, TiffImagePlugin

from image_assets.imaging.item_properties import item_size, picture_properties
from image_assets.imaging.orient import size_as_told

_TIFF_COLUMNS, _TIFF_ROWS = 256, 257


def stored_size(image: Image.Image, data: bytes) -> tuple[int, int]:
    """Before anything is cropped or turned; of TIFF and HEIC Pillow says what is left after that."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return image.tag_v2[_TIFF_COLUMNS], image.tag_v2[_TIFF_ROWS]
    told = item_size(picture_properties(data)) if image.format == "HEIF" else None
    return told or image.size


def shown_size(image: Image.Image, data: bytes) -> tuple[int, int]:
    """After cropping; an EXIF orientation, which leaves both sides as long as they are, may still be to come.

    Raises:
        ImageError: corrupt: see `as_told`.
    """
    return size_as_told(image.size, picture_properties(data)) if image.format == "AVIF" else image.size
