"""Files that did not make it: as each step commits them, and all stages of a day together."""

import dataframely as dy
import polars as pl

from image_assets.errors import RejectionReason
from image_assets.tables import columns
from image_assets.tables.table import Table

REASONS = [reason.value for reason in RejectionReason]
REJECTION_STATES = ["open", "gone", "dismissed"]


class Rejections(dy.Schema):
    """One row per file that one stage refused."""

    item = dy.String(primary_key=True, description="image_id where the stage knows it, else source_uri.")
    day = columns.day()
    stage = dy.String(primary_key=True, description="The table that lacks the image.")
    reason = dy.Enum(REASONS, description="From a closed list.")
    detail = dy.String(description="What was found and what is allowed.")
    image_id = dy.String(nullable=True, regex=columns.UUID_PATTERN, description="Known once the bytes are read.")
    source_uri = dy.String(min_length=1, description="Where the file was found, percent-encoded.")
    sha256 = dy.String(nullable=True, regex=columns.SHA256_PATTERN, description="Known once the bytes are read.")
    size_bytes = dy.UInt64(nullable=True, description="Size of the file, where known.")
    input_version = columns.input_version()
    recipe_version = columns.recipe_version()
    processed_at = columns.processed_at()

    @dy.rule()
    def item_is_named_by_its_id_or_source(cls) -> pl.Expr:
        """`item` repeats the id or the source."""
        return (pl.col("item") == pl.col("source_uri")) | (pl.col("item") == pl.col("image_id")).fill_null(False)


class RejectedImages(Rejections):
    """One row per file that did not make it, at the first stage that refused it."""

    state = dy.Enum(
        REJECTION_STATES,
        description="open: worth a look; gone: it was refused at the door, or later as damaged or no picture that is "
        "read, and has left the landing zone since; dismissed: a person wants to hear no more of it. Only open ones "
        "make a run end with 2.",
    )


REJECTED_IMAGES = Table(
    "rejected_images",
    RejectedImages,
    {
        "item": "bronze_images.image_id",
        **{name: f"bronze_images.{name}" for name in ("image_id", "source_uri", "sha256", "size_bytes")},
    },
)


def rejections_table(stage: str) -> Table:
    """The rejections that the step behind the table of this name has committed."""
    return Table(f"_rejections/{stage}", Rejections)


def rejections_of(table: Table) -> Table:
    """See `rejections_table`."""
    return rejections_table(table.name)
