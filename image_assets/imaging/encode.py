"""Pixels to files without any metadata: no EXIF, XMP, IPTC, ICC profile, comment or embedded thumbnail."""

import io

from PIL import Image


def encode_jpeg(image: Image.Image, quality: int) -> bytes:
    """Baseline JPEG, 4:2:0, of an RGB image; the same pixels give the same bytes. Quality 1 to 95."""
    return _encoded(image, "JPEG", quality=quality, subsampling="4:2:0")


def encode_webp(image: Image.Image, quality: int, method: int) -> bytes:
    """Lossy WebP of an RGB image; quality 0 to 100, method 0 (fast) to 6 (small)."""
    return _encoded(image, "WEBP", quality=quality, method=method)


def _encoded(image: Image.Image, format_name: str, **options: int | str) -> bytes:
    plain = image
    if image.info:
        # Pillow writes some of it, a JPEG comment for one, unasked.
        plain = image.copy()
        plain.info = {}
    file = io.BytesIO()
    plain.save(file, format_name, **options)
    return file.getvalue()
