"""Of which day a file is, and when it was uploaded."""

import io
from datetime import UTC, date, datetime

import pytest
from PIL import Image

from image_assets.lake.sources.place import Found
from image_assets.lake.sources.record import ScanTold
from image_assets.steps.migration.dating import Dated, date_file, date_in_path

NOW, UNDATED = datetime(2026, 10, 5, tzinfo=UTC), date(2026, 1, 1)
MODIFIED = datetime(2026, 9, 30, 23, 59, tzinfo=UTC)


def photo(taken: str | None, offset: str | None = None) -> bytes:
    exif = Image.Exif()
    camera = exif.get_ifd(0x8769)
    if taken:
        camera[0x9003] = taken
    if offset:
        camera[0x9011] = offset
    buffer = io.BytesIO()
    Image.effect_noise((320, 240), 50).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def dated(by: str, path: bytes = b"a.jpg", head: bytes = b"", at: datetime | None = MODIFIED, **more: object) -> Dated:
    listed_at = more.pop("listed_at", None)
    told = ScanTold(by, UNDATED, "ann", **more)  # type: ignore[arg-type]
    return date_file(Found(path, "file", modified_at=at), head, told, listed_at, NOW)  # type: ignore[arg-type]


def test_by_its_time() -> None:
    assert dated("mtime") == Dated(MODIFIED, "mtime", date(2026, 9, 30))


@pytest.mark.parametrize(("offset", "day", "hour"), [(None, date(2026, 9, 2), 1), ("+02:00", date(2026, 9, 1), 23)])
def test_by_its_exif_in_utc(offset: str | None, day: date, hour: int) -> None:
    found = dated("exif", head=photo("2026:09:02 01:30:00", offset))
    assert (found.day, found.uploaded_at.hour, found.dated_by) == (day, hour, "exif")


def test_half_a_photo_tells_its_date_too() -> None:
    whole = photo("2026:09:02 01:30:00")
    assert dated("exif", head=whole[: len(whole) // 2]).day == date(2026, 9, 2)


@pytest.mark.parametrize("head", [photo(None), photo("never"), b"\xff\xd8\xff\xe1", b""])
def test_without_a_date_in_its_exif_it_is_of_the_day_for_that(head: bytes) -> None:
    assert dated("exif", head=head) == Dated(MODIFIED, "nothing", UNDATED)


@pytest.mark.parametrize(
    ("path", "day"),
    [
        (b"2026/03/04/a.jpg", date(2026, 3, 4)),
        (b"x/2026-03-04_1.jpg", date(2026, 3, 4)),
        (b"2025-01-01/2026-03-04.jpg", date(2026, 3, 4)),
        (b"2026-13-04/a.jpg", None),
        (b"12026-03-04.jpg", None),
        (b"2026-03/04.jpg", None),
        (b"\xff2026-03-04\n.jpg", date(2026, 3, 4)),
    ],
)
def test_the_last_date_in_a_path(path: bytes, day: date | None) -> None:
    assert date_in_path(path) == day


def test_by_its_path() -> None:
    assert dated("path", b"2026/03/04/a.jpg") == Dated(datetime(2026, 3, 4, tzinfo=UTC), "path", date(2026, 3, 4))
    assert dated("path", b"a.jpg") == Dated(MODIFIED, "nothing", UNDATED)


def test_all_of_one_day_keep_their_true_instants() -> None:
    assert dated("day", day=date(2026, 2, 2)) == Dated(MODIFIED, "day", date(2026, 2, 2))


def test_what_has_not_come_yet_says_nothing() -> None:
    future = datetime(2027, 1, 1, tzinfo=UTC)
    assert dated("mtime", at=future) == Dated(datetime(2026, 1, 1, tzinfo=UTC), "nothing", UNDATED)
    assert dated("path", b"2027-01-01.jpg") == Dated(MODIFIED, "nothing", UNDATED)


def test_a_file_without_a_time_has_that_of_the_day_for_that() -> None:
    assert dated("mtime", at=None) == Dated(datetime(2026, 1, 1, tzinfo=UTC), "nothing", UNDATED)


def test_the_list_goes_before_everything() -> None:
    at = datetime(2026, 5, 6, 7, tzinfo=UTC)
    for by, more in (("mtime", {}), ("day", {"day": date(2026, 2, 2)})):
        assert dated(by, listed_at=at, **more) == Dated(at, "listed", date(2026, 5, 6))
