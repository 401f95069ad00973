"""Tables that people bring: every one is read, or refused with a `ConfigurationError` that names the file."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.cli.manifest import match_rows, read_manifest
from image_assets.errors import ConfigurationError
from image_assets.steps.images.added_files import AddedFile

pytestmark = pytest.mark.fuzz

COLUMNS = ["file", "user_id", "label", "uploaded_at", "file", "", "x"]
NAMES = ["a.jpg", "b/a.jpg", "b\\a.jpg", "/", "..", ".", "cafe\u0301.jpg", "caf\u00e9.jpg"]
TIMES = ["2026-10-01", "2026-10-01T12:00:00+14:00", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "now"]
cells = st.one_of(st.text(max_size=20), st.sampled_from(NAMES), st.sampled_from(TIMES))
FILES = [AddedFile(Path("/photos", name), name) for name in ("a.jpg", "b/a.jpg", "caf\u00e9.jpg")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("manifests") / "manifest.csv"


def complaint_about(place: Path, data: bytes) -> str:
    place.write_bytes(data)
    try:
        match_rows(place, read_manifest(place), FILES)
    except ConfigurationError as error:
        return str(error)
    return str(place)


@given(data=st.binary(max_size=400) | st.binary(max_size=200).map(lambda rest: b"file,label,uploaded_at\n" + rest))
def test_any_bytes_are_a_manifest_or_refused(place, data):
    assert str(place) in complaint_about(place, data)


@given(
    columns=st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=5),
    rows=st.lists(st.lists(cells, max_size=6), max_size=4),
)
def test_any_table_is_a_manifest_or_refused(place, columns, rows):
    written = io.StringIO()
    csv.writer(written).writerows([columns, *rows])
    assert str(place) in complaint_about(place, written.getvalue().encode("utf-8", "surrogatepass"))
