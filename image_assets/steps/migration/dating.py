"""Of which day a file is, and when it was uploaded: the list's word, else what the operator chose to believe."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from image_assets.imaging.taken_at import taken_at
from image_assets.lake.sources.place import Found
from image_assets.lake.sources.record import ScanTold

_IN_PATH: Final = re.compile(rb"(?<!\d)(\d{4})([-/])(\d\d)\2(\d\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class Dated:
    """When a file was uploaded, who says so, and the day that it would be of."""

    uploaded_at: datetime
    dated_by: str
    day: date


def date_file(found: Found, head: bytes, told: ScanTold, listed_at: datetime | None, now: datetime) -> Dated:
    """What has not come yet is told by a clock that is wrong, and says nothing."""
    if told.dated_by == "day" and told.day and not listed_at:
        return Dated(found.modified_at or _midnight(told.day), "day", told.day)
    dated_by = "listed" if listed_at else told.dated_by
    at = listed_at or _instant(found, head, told)
    if at is None or at > now:
        return Dated(_not_after(found.modified_at, now) or _midnight(told.undated), "nothing", told.undated)
    return Dated(at, dated_by, at.date())


def date_in_path(path: bytes) -> date | None:
    """The last YYYY-MM-DD or YYYY/MM/DD in a path that a calendar has."""
    days = []
    for match in _IN_PATH.finditer(path):
        year, _, month, day = match.groups()
        try:
            days.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return days[-1] if days else None


def _instant(found: Found, head: bytes, told: ScanTold) -> datetime | None:
    if told.dated_by == "exif":
        return taken_at(head)
    if told.dated_by == "path":
        day = date_in_path(found.path)
        return _midnight(day) if day else None
    return found.modified_at


def _not_after(at: datetime | None, now: datetime) -> datetime | None:
    return at if at and at <= now else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
