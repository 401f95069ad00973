import os
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.ids import ImageId, ObjectKey, SourceUri
from image_assets.lake import object_keys

IMAGE = ImageId("3f2b8c1e-0000-5000-8000-000000000000")
DAY = date(2026, 2, 3)
UNRESERVED = re.compile(r"[A-Za-z0-9/._~%-]*")

file_names = st.binary(min_size=1, max_size=255).filter(lambda name: b"\0" not in name)


@given(file_names)
def test_every_name_of_a_file_survives_percent_encoding(name: bytes) -> None:
    key = ObjectKey(os.fsdecode(name))
    assert object_keys.key_of(object_keys.source_uri_of(key)) == key


@given(file_names)
def test_a_source_uri_is_plain_ascii(name: bytes) -> None:
    assert UNRESERVED.fullmatch(object_keys.source_uri_of(ObjectKey(os.fsdecode(name))))


@given(file_names, file_names)
def test_two_files_never_share_a_source_uri(first: bytes, second: bytes) -> None:
    uris = {object_keys.source_uri_of(ObjectKey(os.fsdecode(name))) for name in (first, second)}
    assert len(uris) == len({first, second})


def test_a_percent_sign_in_a_name_is_not_taken_for_an_escape() -> None:
    uri = object_keys.source_uri_of(ObjectKey("landing/50%41.jpg"))
    assert uri == "landing/50%2541.jpg"
    assert object_keys.key_of(SourceUri(uri)) == "landing/50%41.jpg"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (object_keys.landing_prefix(DAY), "landing/2026-02-03"),
        (object_keys.bronze_key(DAY, IMAGE, "png"), f"bronze/2026/02/03/{IMAGE}.png"),
        (object_keys.silver_key(DAY, IMAGE), f"silver/2026/02/03/{IMAGE}.jpg"),
        (object_keys.thumbnail_key(IMAGE), f"thumbnail/3f/{IMAGE}.webp"),
        (object_keys.preview_key(IMAGE), f"watermarked/3f/{IMAGE}.jpg"),
        (object_keys.table_key("gold_images", DAY), "tables/gold_images/2026-02-03.parquet"),
        (object_keys.checkpoint_prefix("gold_images", DAY), "tables/_checkpoints/gold_images/2026-02-03"),
    ],
)
def test_every_object_is_where_the_map_of_the_lake_says(key: str, expected: str) -> None:
    assert key == expected
