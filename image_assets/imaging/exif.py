"""EXIF as a dictionary that is safe to store as JSON; a broken tag costs that tag only."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ParamSpec, TypeAlias, TypeVar

from PIL import ExifTags, Image

JsonValue: TypeAlias = "str | int | float | list[JsonValue] | dict[str, JsonValue]"
"""A value that `json.dumps(allow_nan=False)` takes; what is absent is an absent key, never null."""

MAX_RAW_TAGS = 100
MAX_TEXT_CHARACTERS = 256
MAX_LIST_ITEMS = 16

_Tags: TypeAlias = Mapping[int, object]
_P = ParamSpec("_P")
_T = TypeVar("_T")

_NUMBER_LIMIT = 2**63
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
# User comments name their character code in 8 bytes.
_ASCII_COMMENT = b"ASCII\x00\x00\x00"
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
# Which of its times the camera is believed first, each with the tag of its own offset.
_TIMES = (
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.OffsetTime),
)


def read_exif(image: Image.Image) -> dict[str, JsonValue]:
    """Camera, exposure, time, place and the rest of an opened image's EXIF (CIPA DC-008).

    Keys: maker, model, lens, software (text); iso, orientation (integers); exposure_s, aperture (f-number),
    focal_length_mm (numbers); taken_at (ISO 8601, with an offset if the camera wrote one); latitude,
    longitude (decimal degrees, north and east positive), altitude_m; raw (every other tag by its name,
    bounded in count and length).
    """
    tags, gps = _read_directories(image)
    values: dict[str, JsonValue | None] = {
        name: _tried(read, tags[tag]) for tag, (name, read) in _FIELDS.items() if tag in tags
    }
    values["taken_at"] = _taken_at(tags)
    found = {name: value for name, value in values.items() if value is not None}
    raw = _raw(tags)
    return found | (_tried(_place, gps) or {}) | ({"raw": raw} if raw else {})


def _tried(read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
    """The value, or None where the tag is broken: it is foreign data of any type and length."""
    try:
        return read(*args, **kwargs)
    except Exception:  # noqa: BLE001 - Pillow decodes foreign tags here and documents no errors
        return None


def _read_directories(image: Image.Image) -> tuple[_Tags, _Tags]:
    """The tags of the main and the camera directory, and of the GPS directory; an unreadable one is empty."""
    exif = _tried(image.getexif)
    if exif is None:
        return {}, {}
    main = {tag: value for tag in list(exif) if (value := _tried(exif.get, tag)) is not None}
    camera = _tried(exif.get_ifd, ExifTags.IFD.Exif) or {}
    return main | camera, _tried(exif.get_ifd, ExifTags.IFD.GPSInfo) or {}


def _text(value: object) -> str | None:
    """Printable text up to the first NUL; EXIF text is ASCII by its standard and often UTF-8 in practice."""
    encoded = value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")
    encoded = encoded.removeprefix(_ASCII_COMMENT)
    decoded = encoded.split(b"\x00", 1)[0].decode("utf-8", "replace")
    return _CONTROL_CHARACTERS.sub(" ", decoded).strip()[:MAX_TEXT_CHARACTERS] or None


def _number(value: object) -> int | float | None:
    """A finite number, the first of several; a rational with a zero denominator is none."""
    number = float(value[0] if isinstance(value, tuple | list) else value)  # type: ignore[arg-type] # foreign
    if not math.isfinite(number) or abs(number) >= _NUMBER_LIMIT:
        return None
    return int(number) if number.is_integer() else number


def _positive(value: object) -> int | float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _orientation(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number in range(1, 9) else None


def _taken_at(tags: _Tags) -> str | None:
    times = (_tried(_time, tags.get(when), tags.get(offset)) for when, offset in _TIMES)
    return next((time for time in times if time is not None), None)


def _time(written: object, offset: object) -> str:
    moment = datetime.strptime(str(written).strip("\x00 "), "%Y:%m:%d %H:%M:%S").isoformat()
    zone = _OFFSET.fullmatch(str(offset).strip("\x00 "))
    return moment + zone.group() if zone else moment


def _place(gps: _Tags) -> dict[str, JsonValue]:
    """Both coordinates or neither; the altitude, negative below sea level, only with them."""
    latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps.get(ExifTags.GPS.GPSLatitudeRef), "S", 90)
    longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps.get(ExifTags.GPS.GPSLongitudeRef), "W", 180)
    if latitude is None or longitude is None:
        return {}
    altitude = _tried(_altitude, gps)
    place: dict[str, JsonValue] = {"latitude": latitude, "longitude": longitude}
    return place if altitude is None else place | {"altitude_m": altitude}


def _degrees(value: object, side: object, negative_side: str, limit: int) -> float | None:
    """Degrees, minutes and seconds as one number, to about a centimetre."""
    parts = value if isinstance(value, tuple) else (value,)
    degrees = math.fsum(float(part) / 60.0**power for power, part in enumerate(parts))
    if not degrees <= limit:
        return None
    negative = (_text(side) or "").upper().startswith(negative_side)
    return round(-degrees if negative else degrees, 7)


def _altitude(gps: _Tags) -> float | None:
    metres = _number(gps[ExifTags.GPS.GPSAltitude])
    below = gps.get(ExifTags.GPS.GPSAltitudeRef) in (1, b"\x01")
    return None if metres is None else round(-metres if below else metres, 3)


_FIELDS: dict[int, tuple[str, Callable[[object], JsonValue | None]]] = {
    ExifTags.Base.Make: ("maker", _text),
    ExifTags.Base.Model: ("model", _text),
    ExifTags.Base.LensModel: ("lens", _text),
    ExifTags.Base.Software: ("software", _text),
    ExifTags.Base.Orientation: ("orientation", _orientation),
    ExifTags.Base.ISOSpeedRatings: ("iso", _positive),
    ExifTags.Base.ExposureTime: ("exposure_s", _positive),
    ExifTags.Base.FNumber: ("aperture", _positive),
    ExifTags.Base.FocalLength: ("focal_length_mm", _positive),
}
# Offsets within the file, and blobs that only their maker can read.
_MEANINGLESS_OUTSIDE = frozenset(
    (
        ExifTags.IFD.Exif,
        ExifTags.IFD.GPSInfo,
        ExifTags.IFD.Interop,
        ExifTags.Base.MakerNote,
        ExifTags.Base.PrintImageMatching,
        ExifTags.Base.StripOffsets,
        ExifTags.Base.StripByteCounts,
        ExifTags.Base.TileOffsets,
        ExifTags.Base.TileByteCounts,
        ExifTags.Base.JPEGTables,
        ExifTags.Base.InterColorProfile,
    )
)


def _raw(tags: _Tags) -> dict[str, JsonValue]:
    """The tags without a key of their own by name or number, in order of their numbers."""
    left = [tag for tag in sorted(tags) if tag not in _FIELDS and tag not in _MEANINGLESS_OUTSIDE]
    raw: dict[str, JsonValue] = {}
    for tag in left[:MAX_RAW_TAGS]:
        value = _tried(_json_value, tags[tag])
        if value is not None:
            raw[ExifTags.TAGS.get(tag, str(tag))] = value
    return raw


def _json_value(value: object) -> JsonValue | None:
    if isinstance(value, str | bytes):
        return _text(value)
    if isinstance(value, tuple | list):
        items = (_json_value(item) for item in value[:MAX_LIST_ITEMS])
        return [item for item in items if item is not None]
    return _number(value)
