"""What is kept of images that moved away or are gone."""

import dataframely as dy

from image_assets.tables import columns
from image_assets.tables.table import Table

PROBLEMS = ["gone", "unreadable", "wrong_size", "wrong_bytes"]
"""What can be the matter with an object that a row names."""

TIERS = ["Cool", "Cold", "Archive"]
"""Access tiers of Azure's for what is seldom read."""

TIER_STATES = ["archived", "restoring", "restored"]
"""Where an original is on its way."""


class ArchivedOriginals(dy.Schema):
    """One row per original that has a copy in the archive: the archive's manifest."""

    image_id = columns.image_id()
    day = columns.day()
    key = columns.object_key("Key of the original, in the lake as in the archive.")
    size_bytes = columns.size_bytes("Size of the original.")
    sha256 = columns.sha256("Digest of the copy, read back before the original left the lake.")
    archived_at = columns.instant("When the copy was made.")
    archive_uri = dy.String(min_length=1, description="Where the copy lies.")
    restored_at = dy.Datetime(
        nullable=True, time_unit="us", time_zone="UTC", description="When it was brought back; null: not in the lake."
    )


class TieredOriginals(dy.Schema):
    """One row per original that was put into another access tier of Azure's, under its key."""

    image_id = columns.image_id()
    day = columns.day()
    key = columns.object_key("Key of the original.")
    size_bytes = columns.size_bytes("Size of the original.")
    tier = dy.Enum(TIERS, description="Where it was put: what is in Archive cannot be read at once.")
    state = dy.Enum(TIER_STATES, description="Whether it is there, is coming back, or is back.")
    tiered_at = columns.instant("When its digest was compared and it was put there.")
    ready_by = dy.Datetime(
        nullable=True,
        time_unit="us",
        time_zone="UTC",
        description="When what is coming back can be read, at the latest.",
    )
    restored_at = dy.Datetime(
        nullable=True, time_unit="us", time_zone="UTC", description="When it was seen to be back; null: it is not."
    )


class Erasures(dy.Schema):
    """One row per erased image: the certificate; it holds nothing of the image but its id and digest."""

    image_id = columns.image_id()
    day = columns.day()
    sha256 = dy.String(nullable=True, regex=columns.SHA256_PATTERN, description="Digest of the original, where known.")
    requested_by = dy.String(min_length=1, description="Who asked, such as the number of a ticket.")
    begun_at = columns.instant("When it began; from then on the image is refused at the door.")
    erased_at = dy.Datetime(
        nullable=True, time_unit="us", time_zone="UTC", description="When nothing was left; null: to be repeated."
    )
    objects_removed = dy.UInt32(description="Files that were found to remove.")
    rows_removed = dy.UInt32(description="Rows of tables that were found to remove.")


class ErasedCopies(dy.Schema):
    """One row per place that an erased image was published to: the part of the certificate about copies."""

    image_id = columns.image_id()
    day = columns.day()
    place = dy.String(primary_key=True, min_length=1, description="Where a copy was looked for.")
    rows_removed = dy.UInt32(description="Rows, or former versions of objects, that were removed there.")
    remains = dy.String(
        nullable=True, description="What may hold the image there still, and for how long; null: nothing that is known."
    )
    reached_at = columns.instant("When it was removed there.")


class DamagedOriginals(dy.Schema):
    """One row per original that is gone or not what was taken in, until it is restored or erased."""

    image_id = columns.image_id()
    day = columns.day()
    key = columns.object_key("Key of the original; a copy from a backup belongs there.")
    problem = dy.Enum(PROBLEMS, description="From a closed list.")
    found_at = columns.instant("When it was first noticed.")


ARCHIVED_ORIGINALS = Table("archived_originals", ArchivedOriginals)
TIERED_ORIGINALS = Table("tiered_originals", TieredOriginals)
ERASURES = Table("erasures", Erasures)
ERASED_COPIES = Table("erased_copies", ErasedCopies)
DAMAGED_ORIGINALS = Table("damaged_originals", DamagedOriginals)
