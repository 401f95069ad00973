"""Values of EXIF tags, each None or an error when it cannot be true: foreign data of any type, length and sense."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from PIL import ExifTags

JsonValue: TypeAlias = "str | int | float | list[JsonValue] | dict[str, JsonValue]"
"""A value that `json.dumps(allow_nan=False)` takes; what is absent is an absent key, never null."""

MAX_TEXT_CHARACTERS = 256
MAX_LIST_ITEMS = 16

_NUMBER_LIMIT = 2**63
# User comments name their character code in 8 bytes.
_ASCII_COMMENT = b"ASCII\x00\x00\x00"
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
# Colons and a blank by the standard, ISO 8601 by habit.
_SEPARATORS = re.compile(r"[-T ]")
_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")
# Photography begins with Niépce; what is past this century is a camera that was never set.
_YEARS = range(1826, 2101)
# Metres: the Challenger Deep and the border of space.
_ALTITUDES = (-11_000, 100_000)
_BELOW_SEA_LEVEL = (1, 3, b"\x01", b"\x03")
_PARTS_OF_A_DEGREE = 60


def text(value: object) -> str | None:
    """Printable text up to the first NUL; EXIF text is ASCII by its standard and often UTF-8 in practice."""
    encoded = value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")
    encoded = encoded.removeprefix(_ASCII_COMMENT)
    decoded = encoded.split(b"\x00", 1)[0].decode("utf-8", "replace")
    return _CONTROL_CHARACTERS.sub(" ", decoded).strip()[:MAX_TEXT_CHARACTERS] or None


def number(value: object) -> int | float | None:
    """A finite number, the first of several; a rational with a zero denominator is none."""
    found = float(value[0] if isinstance(value, tuple | list) else value)  # type: ignore[arg-type] # foreign
    if not math.isfinite(found) or abs(found) >= _NUMBER_LIMIT:
        return None
    return int(found) if found.is_integer() else found


def number_within(lowest: float, highest: float) -> Callable[[object], int | float | None]:
    """A reader of numbers that are none outside these limits."""

    def read(value: object) -> int | float | None:
        found = number(value)
        return found if found is not None and lowest <= found <= highest else None

    return read


def integer_within(lowest: int, highest: int) -> Callable[[object], int | None]:
    """A reader of whole numbers that are none outside these limits."""

    def read(value: object) -> int | None:
        found = number(value)
        return found if isinstance(found, int) and lowest <= found <= highest else None

    return read


def time(written: object, offset: object) -> str:
    """ISO 8601, with the offset from UTC where one is given that exists.

    Raises:
        ValueError: no such time, or none at which there were cameras.
    """
    moment = datetime.strptime(_SEPARATORS.sub(":", _written(written)), "%Y:%m:%d:%H:%M:%S")
    if moment.year not in _YEARS:
        raise ValueError(f"no photo is of {moment.year}")
    return moment.isoformat() + (offset_from_utc(offset) or "")


def offset_from_utc(value: object) -> str | None:
    """As `+09:00`."""
    found = _OFFSET.fullmatch(_written(value))
    return found.group() if found else None


def place(gps: Mapping[int, object]) -> dict[str, JsonValue]:
    """Both coordinates or neither; the altitude, negative below sea level, only with them."""
    latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef], "NS", 90)
    longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef], "EW", 180)
    if latitude is None or longitude is None:
        return {}
    altitude = _altitude(gps)
    coordinates: dict[str, JsonValue] = {"latitude": latitude, "longitude": longitude}
    return coordinates if altitude is None else coordinates | {"altitude_m": altitude}


def json_value(value: object) -> JsonValue | None:
    """Text, a number or a list; no list whose places would shift because one of them is no value."""
    if isinstance(value, str | bytes):
        return text(value)
    if isinstance(value, tuple | list):
        items = [json_value(item) for item in value[:MAX_LIST_ITEMS]]
        found = [item for item in items if item is not None]
        return found if found and len(found) == len(items) else None
    return number(value)


def _written(value: object) -> str:
    return str(value).strip("\x00 ")


def _degrees(value: object, side: object, sides: str, limit: int) -> float | None:
    """Degrees, minutes and seconds as one number, to about a centimetre; None without a hemisphere."""
    parts = [float(part) for part in (value if isinstance(value, tuple) else (value,))]
    hemisphere = (text(side) or "").upper()[:1]
    if not hemisphere or hemisphere not in sides or len(parts) > 3:
        return None
    degrees = math.fsum(part / 60.0**power for power, part in enumerate(parts))
    are_parts_true = all(0 <= part < _PARTS_OF_A_DEGREE for part in parts[1:])
    if not (are_parts_true and parts[0] >= 0 and degrees <= limit):
        return None
    return round(-degrees if hemisphere == sides[1] else degrees, 7)


def _altitude(gps: Mapping[int, object]) -> float | None:
    try:
        metres = number(gps[ExifTags.GPS.GPSAltitude])
    # Foreign; the coordinates are good without it.
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if metres is None or metres < 0:
        return None
    signed = -metres if gps.get(ExifTags.GPS.GPSAltitudeRef) in _BELOW_SEA_LEVEL else metres
    return round(signed, 3) if _ALTITUDES[0] <= signed <= _ALTITUDES[1] else None
