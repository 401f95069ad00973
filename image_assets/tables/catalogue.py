"""Every table whose schema is known in advance, in the order in which images pass through them."""

from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.rejections import REJECTED_IMAGES

TABLES = (
    BRONZE_IMAGES,
    SILVER_IMAGES,
    THUMBNAILS,
    WATERMARKED_PREVIEWS,
    REJECTED_IMAGES,
    GOLD_IMAGES,
    DAILY_SUMMARY,
)
