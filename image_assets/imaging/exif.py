"""EXIF as a dictionary that is safe to store as JSON; a broken or untrue tag costs that tag only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeAlias, TypeVar

from PIL import ExifTags, Image

from image_assets.imaging.exif_source import load_exif
from image_assets.imaging.exif_values import (
    JsonValue,
    integer_within,
    json_value,
    number_within,
    offset_from_utc,
    place,
    text,
    time,
)
from image_assets.imaging.orient import told_orientation

MAX_RAW_TAGS = 100

_Tags: TypeAlias = Mapping[int, object]
_P = ParamSpec("_P")
_T = TypeVar("_T")

# Which of its times the camera is believed first, each with the tag of its own offset.
_TIMES = (
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.OffsetTime),
)
_MOMENTS, _OFFSETS = (frozenset(tags) for tags in zip(*_TIMES, strict=True))


def read_exif(image: Image.Image, data: bytes) -> dict[str, JsonValue]:
    """Camera, exposure, time, place and the rest of an opened image's EXIF (CIPA DC-008).

    Keys: maker, model, lens, software (text); iso, orientation (integers); exposure_s, aperture (f-number),
    focal_length_mm (numbers); taken_at (ISO 8601, with an offset if the camera wrote one); latitude,
    longitude (decimal degrees, north and east positive), altitude_m; raw (every other tag by its name,
    bounded in count and length). What cannot be true is left out. The orientation is the one that applies, whoever
    tells it: EXIF, else XMP; of an AVIF or HEIC its own turns and mirrors alone.
    """
    tags, gps = _read_directories(image, data)
    values: dict[str, JsonValue | None] = {
        name: _tried(read, tags[tag]) for tag, (name, read) in _FIELDS.items() if tag in tags
    }
    values["taken_at"] = _taken_at(tags)
    values["orientation"] = _orientation(values.get("orientation"), told_orientation(image, data))
    found = {name: value for name, value in values.items() if value is not None}
    raw = _raw(tags)
    return found | (_tried(place, gps) or {}) | ({"raw": raw} if raw else {})


def _tried(read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
    """The value, or None where the tag is broken: it is foreign data of any type and length."""
    try:
        return read(*args, **kwargs)
    except Exception:  # noqa: BLE001 - Pillow decodes foreign tags here and documents no errors
        return None


def _read_directories(image: Image.Image, data: bytes) -> tuple[_Tags, _Tags]:
    """The tags of the main and the camera directory, and of the GPS directory; an unreadable one is empty."""
    exif = _tried(load_exif, image, data)
    if exif is None:
        return {}, {}
    main = {tag: value for tag in list(exif) if (value := _tried(exif.get, tag)) is not None}
    camera = _tried(exif.get_ifd, ExifTags.IFD.Exif) or {}
    return main | camera, _tried(exif.get_ifd, ExifTags.IFD.GPSInfo) or {}


def _orientation(value: JsonValue | None, told: int | None) -> JsonValue | None:
    """Of EXIF, unless the format tells its own."""
    return value if told is None or (told == 1 and value is None) else told


def _taken_at(tags: _Tags) -> str | None:
    times = (_tried(time, tags.get(when), tags.get(offset)) for when, offset in _TIMES if when in tags)
    return next((time for time in times if time is not None), None)


_FIELDS: dict[int, tuple[str, Callable[[object], JsonValue | None]]] = {
    ExifTags.Base.Make: ("maker", text),
    ExifTags.Base.Model: ("model", text),
    ExifTags.Base.LensModel: ("lens", text),
    ExifTags.Base.Software: ("software", text),
    ExifTags.Base.Orientation: ("orientation", integer_within(1, 8)),
    # The highest value says that the field is too small.
    ExifTags.Base.ISOSpeedRatings: ("iso", integer_within(1, 65_534)),
    # From a high-speed flash to a day.
    ExifTags.Base.ExposureTime: ("exposure_s", number_within(1e-7, 86_400)),
    # From the fastest optics to a pinhole.
    ExifTags.Base.FNumber: ("aperture", number_within(0.3, 1024)),
    # From the lens of a telephone to a telescope.
    ExifTags.Base.FocalLength: ("focal_length_mm", number_within(0.1, 100_000)),
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
        value = _tried(_raw_value, tag, tags[tag])
        if value is not None:
            raw[ExifTags.TAGS.get(tag, str(tag))] = value
    return raw


def _raw_value(tag: int, value: object) -> JsonValue | None:
    if tag in _OFFSETS:
        return offset_from_utc(value)
    if tag in _MOMENTS:
        time(value, None)
    return json_value(value)
