import hashlib
import io
import json
from datetime import date, datetime, timedelta

import pytest
from PIL import ExifTags, Image

from image_assets.samples.feed import SampleFile, generate_feed
from image_assets.samples.schedule import Copy, plan_day
from image_assets.samples.stock_photos import LABELS


def fingerprint(files: list[SampleFile]) -> str:
    digest = hashlib.sha256()
    for file in files:
        for part in (file.user_id.encode(), file.filename.encode(), file.data, file.sidecar or b"-"):
            digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def readable_sidecars(files: tuple[SampleFile, ...]) -> list[tuple[SampleFile, dict[str, str]]]:
    found = []
    for file in files:
        try:
            found.append((file, json.loads(file.sidecar or b"")))
        except ValueError:
            continue
    return found


def test_the_same_seed_makes_the_same_bytes(day: date) -> None:
    first, second = (fingerprint(list(generate_feed([day], 8, seed=5))) for _ in range(2))
    assert first == second


def test_another_seed_makes_another_feed(day: date) -> None:
    first, second = (fingerprint(list(generate_feed([day], 3, seed=seed))) for seed in (5, 6))
    assert first != second


def test_a_day_does_not_depend_on_the_days_around_it(day: date) -> None:
    both = list(generate_feed([day, day + timedelta(days=1)], 6, seed=5))
    alone = list(generate_feed([day + timedelta(days=1)], 6, seed=5))
    assert both[6:] == alone


def test_the_feed_is_lazy(day: date) -> None:
    assert next(generate_feed([day] * 100_000, 10, seed=0)).day == day


def test_a_reupload_is_the_original_byte_for_byte(small_day: tuple[SampleFile, ...], day: date) -> None:
    plan = plan_day(day, len(small_day), seed=3)
    copies = [
        (small_day[index], small_day[slot.content.index])
        for index, slot in enumerate(plan)
        if isinstance(slot.content, Copy) and slot.content.is_exact and slot.content.day == day
    ]
    assert copies
    assert all(copy.data == original.data and copy.kind == "reupload" for copy, original in copies)


def test_a_near_copy_is_an_image_without_the_camera(small_day: tuple[SampleFile, ...]) -> None:
    near = [file for file in small_day if file.kind == "near_copy"]
    assert near
    assert not any(Image.open(io.BytesIO(file.data)).getexif() for file in near)


def test_what_is_expected_to_be_accepted_decodes(small_day: tuple[SampleFile, ...]) -> None:
    for file in small_day:
        if file.expected is None:
            Image.open(io.BytesIO(file.data)).load()


def test_some_photos_tell_where_they_were_taken(small_day: tuple[SampleFile, ...]) -> None:
    photos = [Image.open(io.BytesIO(file.data)).getexif() for file in small_day if file.kind == "photo"]
    assert all(exif[ExifTags.Base.Model] for exif in photos)
    assert any(exif.get_ifd(ExifTags.IFD.GPSInfo) for exif in photos)
    assert any(exif[ExifTags.Base.Orientation] != 1 for exif in photos)


def test_no_two_files_of_a_user_have_one_name(small_day: tuple[SampleFile, ...]) -> None:
    assert len({(file.user_id, file.filename) for file in small_day}) == len(small_day)


def test_names_can_be_files_and_most_are_plain(small_day: tuple[SampleFile, ...]) -> None:
    names = [file.filename for file in small_day]
    assert all("/" not in name and "\0" not in name and len(name.encode()) <= 100 for name in names)
    assert 0.9 < sum(name.isascii() and name.isprintable() for name in names) / len(names) <= 1


def test_a_sidecar_tells_the_user_and_an_instant_of_the_day(small_day: tuple[SampleFile, ...], day: date) -> None:
    sidecars = readable_sidecars(small_day)
    assert 0.6 < len(sidecars) / len(small_day) < 0.95
    for file, fields in sidecars:
        assert fields["user_id"] == file.user_id
        assert datetime.fromisoformat(fields["uploaded_at"]).date() == day
        assert fields.get("label", "hat") in LABELS


def test_more_than_half_of_the_files_have_a_label(small_day: tuple[SampleFile, ...]) -> None:
    labelled = [fields for _, fields in readable_sidecars(small_day) if "label" in fields]
    assert 0.45 < len(labelled) / len(small_day) < 0.75


@pytest.mark.parametrize("count", [1, 2])
def test_a_tiny_feed_is_possible(day: date, count: int) -> None:
    assert len(list(generate_feed([day], count, seed=0))) == count
