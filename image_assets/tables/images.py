"""Images on their way: originals, cleansed images and what is derived from them."""

import dataframely as dy
import polars as pl

from image_assets.tables import columns
from image_assets.tables.table import Table

SILVER_MAX_SIDE_PX = 512
THUMBNAIL_MAX_SIDE_PX = 300
PREVIEW_MAX_SIDE_PX = 1200


class BronzeImages(dy.Schema):
    """One row per image accepted from the landing zone; the original is kept byte for byte."""

    image_id = columns.image_id()
    day = columns.day()
    source_uri = dy.String(min_length=1, description="Where the file was found below the root, percent-encoded.")
    user_id = dy.String(nullable=True, description="Who uploaded it: the sidecar's word, else the folder's name.")
    uploaded_at = columns.instant("When it was uploaded: the sidecar's word, else the file's time.")
    ingested_at = columns.instant("When it first entered bronze.")
    raw_name = dy.String(description="The name that the user gave it; a value, never a path.")
    raw_path = columns.object_key("Key of the original.")
    size_bytes = columns.size_bytes("Size of the original.")
    sha256 = columns.sha256("Digest of the original.")
    format = dy.String(description="Format by content, such as JPEG.")
    mime = dy.String(description="Media type of the format.")
    mode = dy.String(description="Pixel mode as stored, in Pillow's names.")
    width_px = columns.pixels("Width as stored, in every format before cropping and turning.")
    height_px = columns.pixels("Height as stored, in every format before cropping and turning.")
    frames = dy.UInt32(min=1, description="Frames or pages in the file, counted up to 10,000; the first is used.")
    exif = dy.String(description="EXIF as JSON, with the orientation that applies; private: it may hold a position.")
    label = dy.String(nullable=True, description="Label supplied with the upload.")
    sidecar_problem = dy.String(nullable=True, description="Why the sidecar was not (wholly) used.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()


class SilverImages(dy.Schema):
    """One row per cleansed image: upright, sRGB, longest side at most 512 px, no metadata."""

    image_id = columns.image_id()
    day = columns.day()
    cleansed_name = dy.String(description="File name of the cleansed image.")
    cleansed_path = columns.object_key("Key of the cleansed image.")
    size_bytes = columns.size_bytes("Size of the cleansed image.")
    width_px = columns.pixels("Width of the cleansed image.")
    height_px = columns.pixels("Height of the cleansed image.")
    sha256 = columns.sha256("Digest of the cleansed image.")
    phash = dy.String(regex=r"^[0-9a-f]{16}$", description="64-bit perceptual hash (pHash) in hexadecimal.")
    blur = dy.Float32(min=0.0, description="Variance of the Laplacian of the grey image; low is blurred.")
    brightness_ratio = columns.ratio("Mean luma.")
    contrast_ratio = columns.ratio("Standard deviation of luma; half range is 0.5.")
    entropy_bits = dy.Float32(min=0.0, max=8.0, description="Shannon entropy of the luma histogram.")
    aspect_ratio = dy.Float32(min=0.0, description="Width over height.")
    is_near_uniform = dy.Bool(description="Whether the picture shows next to nothing.")
    dominant_colours = dy.List(dy.String(regex=r"^#[0-9a-f]{6}$"), description="Largest share first.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()

    @dy.rule()
    def longest_side_fits(cls) -> pl.Expr:
        """No side is longer than 512 px."""
        return pl.max_horizontal("width_px", "height_px") <= SILVER_MAX_SIDE_PX


class Thumbnails(dy.Schema):
    """One row per thumbnail: WebP, longest side at most 300 px."""

    image_id = columns.image_id()
    day = columns.day()
    thumbnail_path = columns.object_key("Key of the thumbnail.")
    width_px = columns.pixels("Width of the thumbnail.")
    height_px = columns.pixels("Height of the thumbnail.")
    size_bytes = columns.size_bytes("Size of the thumbnail.")
    sha256 = columns.sha256("Digest of the thumbnail.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()

    @dy.rule()
    def longest_side_fits(cls) -> pl.Expr:
        """No side is longer than 300 px."""
        return pl.max_horizontal("width_px", "height_px") <= THUMBNAIL_MAX_SIDE_PX


class WatermarkedPreviews(dy.Schema):
    """One row per public preview: JPEG, longest side at most 1200 px, watermarked."""

    image_id = columns.image_id()
    day = columns.day()
    preview_path = columns.object_key("Key of the preview.")
    width_px = columns.pixels("Width of the preview.")
    height_px = columns.pixels("Height of the preview.")
    size_bytes = columns.size_bytes("Size of the preview.")
    sha256 = columns.sha256("Digest of the preview.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()

    @dy.rule()
    def longest_side_fits(cls) -> pl.Expr:
        """No side is longer than 1200 px."""
        return pl.max_horizontal("width_px", "height_px") <= PREVIEW_MAX_SIDE_PX


_DERIVED = {"*": "bronze_images.raw_path", "image_id": "bronze_images.image_id"}

BRONZE_IMAGES = Table("bronze_images", BronzeImages)
SILVER_IMAGES = Table("silver_images", SilverImages, {**_DERIVED, "cleansed_name": "bronze_images.image_id"})
THUMBNAILS = Table("thumbnails", Thumbnails, _DERIVED)
WATERMARKED_PREVIEWS = Table("watermarked_previews", WatermarkedPreviews, _DERIVED)

PATH_COLUMNS = {
    BRONZE_IMAGES.name: "raw_path",
    SILVER_IMAGES.name: "cleansed_path",
    THUMBNAILS.name: "thumbnail_path",
    WATERMARKED_PREVIEWS.name: "preview_path",
}
"""The column that names the object of a row, by table."""
