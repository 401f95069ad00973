"""Columns that many tables share, so that one idea has one name, one type and one description."""

import dataframely as dy

SHA256_PATTERN = r"^[0-9a-f]{64}$"
UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"

GIVEN = frozenset({"day", "input_version", "recipe_version", "processed_at"})
"""Columns of every daily table that no step computes: the partition, what a row comes from, and when."""


def image_id() -> dy.String:
    """The key of a table with one row per image."""
    return dy.String(
        primary_key=True, regex=UUID_PATTERN, description="UUIDv5 of the source URI and the file's SHA-256."
    )


def day() -> dy.Date:
    """The partition."""
    return dy.Date(description="Day of the upload (UTC); the partition.")


def instant(description: str) -> dy.Datetime:
    """A UTC instant, to the microsecond."""
    return dy.Datetime(time_unit="us", time_zone="UTC", description=description)


def object_key(description: str) -> dy.String:
    """The key of an object in the lake."""
    return dy.String(min_length=1, description=description)


def pixels(description: str) -> dy.UInt32:
    """A length in pixels."""
    return dy.UInt32(min=1, description=description)


def size_bytes(description: str) -> dy.UInt64:
    """A size in bytes."""
    return dy.UInt64(description=description)


def sha256(description: str) -> dy.String:
    """A SHA-256 digest."""
    return dy.String(regex=SHA256_PATTERN, description=description)


def ratio(description: str) -> dy.Float32:
    """A number from 0 to 1."""
    return dy.Float32(min=0.0, max=1.0, description=description)


def input_version() -> dy.String:
    """First of the three columns of every computed row."""
    return dy.String(min_length=1, description="Hash of the upstream fields that this row was computed from.")


def recipe_version() -> dy.String:
    """Second of the three columns of every computed row."""
    return dy.String(min_length=1, description="Hash of the parameters, models and code that made this row.")


def processed_at() -> dy.Datetime:
    """Third of the three columns of every computed row."""
    return instant("When this row was computed.")
