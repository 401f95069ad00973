"""What a worker does with one original: decode it once and keep every derivative that is wanted."""

import hashlib
from dataclasses import dataclass
from datetime import date

from image_assets.errors import PrivacyError
from image_assets.ids import ImageId, ObjectKey, Sha256
from image_assets.imaging.derivatives import (
    DerivativeParams,
    EncodedImage,
    SilverImage,
    make_derivatives,
)
from image_assets.imaging.privacy import find_metadata
from image_assets.imaging.read_back import read_size
from image_assets.lake import object_keys
from image_assets.lake.object_store import ReadsAndWrites
from image_assets.steps.images.original import read_verified
from image_assets.steps.increment.outcome import TableValues


@dataclass(frozen=True, slots=True)
class Original:
    """One image to derive from; `wanted` names the tables that lack it."""

    key: ImageId
    day: date
    raw_path: ObjectKey
    sha256: Sha256
    wanted: frozenset[str]


def derive(original: Original, store: ReadsAndWrites, params: DerivativeParams) -> TableValues:
    """Write the wanted derivatives and return their columns by table.

    Raises:
        ImageError: the original is gone, not what was taken in, or does not decode to its last byte.
        PrivacyError: a derivative would hold more than pixels.
    """
    data = read_verified(store, original.raw_path, original.sha256)
    made = make_derivatives(data, _only(params, original.wanted))
    values: dict[str, dict[str, object]] = {}
    if made.silver is not None:
        values["silver_images"] = _keep_silver(original, store, made.silver)
    if made.thumbnail is not None:
        key = object_keys.thumbnail_key(original.key)
        values["thumbnails"] = {"thumbnail_path": key, **_keep(store, key, made.thumbnail)}
    if made.preview is not None:
        key = object_keys.preview_key(original.key)
        values["watermarked_previews"] = {"preview_path": key, **_keep(store, key, made.preview)}
    return values


def prove_pixels_only(key: ObjectKey, image: EncodedImage) -> None:
    """See that bytes to be written are the picture that they are said to be, and nothing else.

    Raises:
        PrivacyError: they hold more than pixels, or other ones; that is no fault of the original.
    """
    size, metadata = read_size(image.data), find_metadata(image.data)
    if metadata or size != (image.width_px, image.height_px):
        found = ", ".join(metadata) or f"{size[0]} x {size[1]} px instead of {image.width_px} x {image.height_px}"
        raise PrivacyError(f"{key} is not written, because it would hold {found}: please report this")


def _only(params: DerivativeParams, wanted: frozenset[str]) -> DerivativeParams:
    return DerivativeParams(
        silver=params.silver if "silver_images" in wanted else None,
        thumbnail=params.thumbnail if "thumbnails" in wanted else None,
        preview=params.preview if "watermarked_previews" in wanted else None,
    )


def _keep(store: ReadsAndWrites, key: ObjectKey, image: EncodedImage) -> dict[str, object]:
    prove_pixels_only(key, image)
    store.write(key, image.data)
    return {
        "width_px": image.width_px,
        "height_px": image.height_px,
        "size_bytes": len(image.data),
        "sha256": hashlib.sha256(image.data).hexdigest(),
    }


def _keep_silver(original: Original, store: ReadsAndWrites, silver: SilverImage) -> dict[str, object]:
    key = object_keys.silver_key(original.day, original.key)
    return {
        "cleansed_name": key.rpartition("/")[2],
        "cleansed_path": key,
        "phash": silver.phash,
        "blur": silver.quality.blur,
        "brightness_ratio": silver.quality.brightness,
        "contrast_ratio": silver.quality.contrast,
        "entropy_bits": silver.quality.entropy,
        "aspect_ratio": silver.quality.aspect,
        "is_near_uniform": silver.quality.is_near_uniform,
        "dominant_colours": [colour.hex for colour in silver.colours],
        **_keep(store, key, silver.encoded),
    }
