"""What scans of sources outside the lake have found, and how far it has come."""

import dataframely as dy
import polars as pl

from image_assets.tables import columns
from image_assets.tables.table import Table

REGISTERED, ERASED = "image", "erased"
ENTRY_KINDS = [
    REGISTERED,
    "sidecar",
    "litter",
    "empty",
    "unsupported_format",
    "not_an_image",
    "link",
    "loop",
    "socket",
    "pipe",
    "device",
    "unreadable",
    ERASED,
]
DATED_BY = ["listed", "exif", "mtime", "path", "day", "nothing"]
LOG_STATES = ["pending", "uploaded", "processed", "ai_done", "indexed", "failed", "erased"]


class SourceEntries(dy.Schema):
    """One row per entry of a source, as a scan found it; what has changed since has a row of a later scan too.

    What has gone since keeps its row.
    """

    root = dy.String(primary_key=True, regex=r"^[0-9a-f]{12}$", description="The source, as `sources.json` knows it.")
    scan = dy.UInt32(primary_key=True, description="Number of the scan; of one path the last one counts.")
    path = dy.String(
        primary_key=True,
        min_length=1,
        description="Path below the source, percent-encoded; a folder ends with a slash.",
    )
    kind = dy.Enum(
        ENTRY_KINDS,
        description="By content. image: registered; sidecar, litter: describe a photo, or an operating system left it; "
        "erased: never registered again; all others are no uploads, and say why.",
    )
    detail = dy.String(nullable=True, description="What was found, of what is not registered.")
    size_bytes = columns.size_bytes("Size of the file.")
    version = dy.String(nullable=True, description="Changes with the file's bytes.")
    day = dy.Date(nullable=True, description="The partition in which it was registered.")
    source_uri = dy.String(nullable=True, description="What a run knows it by; it does not change with the mount.")
    sidecar_version = dy.String(nullable=True, description="Changes with the sidecar beside it.")
    user_id = dy.String(nullable=True, description="Whose it is, unless its sidecar says otherwise.")
    uploaded_at = dy.Datetime(
        nullable=True, time_unit="us", time_zone="UTC", description="Its true instant, whatever the day."
    )
    dated_by = dy.Enum(DATED_BY, nullable=True, description="What says so; nothing: the file's time is taken.")
    label = dy.String(nullable=True, description="What the list says that it shows.")

    @dy.rule()
    def an_image_has_its_place(cls) -> pl.Expr:
        """What is registered has a day and a source URI, and nothing else has."""
        is_placed = pl.all_horizontal(pl.col("day", "source_uri", "uploaded_at").is_not_null())
        return is_placed == (pl.col("kind") == REGISTERED)


class ProcessingLog(dy.Schema):
    """One row per entry of a source that is, or might have been, an upload: how far it has come."""

    root = dy.String(primary_key=True, description="The source, as `sources.json` knows it.")
    path = dy.String(primary_key=True, description="Path below the source, percent-encoded.")
    state = dy.Enum(
        LOG_STATES,
        description="The furthest that was reached. pending: registered; uploaded: its original is in bronze; "
        "processed: it has derivatives; ai_done: it has a row of gold, with vector, tags and prediction; indexed: the "
        "index in force has its day; failed: it is no upload, or a stage refused it; erased: a certificate is left.",
    )
    reason = dy.String(nullable=True, description="Why it failed: a kind of `source_entries`, or a reason to reject.")
    detail = dy.String(nullable=True, description="What was found, and what is allowed.")
    day = dy.Date(nullable=True, description="The partition.")
    image_id = dy.String(nullable=True, description="Once its bytes were read.")
    source_uri = dy.String(nullable=True, description="What a run knows it by.")
    user_id = dy.String(nullable=True, description="Whose it is.")
    uploaded_at = dy.Datetime(nullable=True, time_unit="us", time_zone="UTC", description="Its true instant.")
    size_bytes = columns.size_bytes("Size of the file.")


SOURCE_ENTRIES = Table("source_entries", SourceEntries)
PROCESSING_LOG = Table("processing_log", ProcessingLog)
"""Put together when it is asked for; no file of the lake has it."""
