"""Small tables are decoded once, and never given for another file than the one that is there."""

import io

import polars as pl
import pytest

from image_assets.lake.object_store import ObjectCopy
from image_assets.lake.small_files import SmallFiles


def copy_of(version: str, *colours: str) -> ObjectCopy:
    data = io.BytesIO()
    pl.DataFrame({"colour": colours}).write_parquet(data)
    return ObjectCopy(data.getvalue(), version)


@pytest.fixture
def files() -> SmallFiles:
    return SmallFiles(1_000)


def test_a_file_of_another_version_is_read_anew(files: SmallFiles) -> None:
    for copy in (copy_of("1", "red"), copy_of("2", "red", "blue"), copy_of("1", "green")):
        expected = pl.read_parquet(io.BytesIO(copy.data))
        assert files.frame_of("a", copy).equals(expected)


def test_a_file_of_the_same_version_is_not_decoded_again(files: SmallFiles) -> None:
    files.frame_of("a", copy_of("1", "red"))
    assert files.frame_of("a", ObjectCopy(b"no Parquet", "1")).rows() == [("red",)]


def test_whoever_changes_what_he_was_given_changes_it_for_nobody_else(files: SmallFiles) -> None:
    files.frame_of("a", copy_of("1", "red")).drop_in_place("colour")
    assert files.frame_of("a", copy_of("1", "red")).rows() == [("red",)]


def test_what_was_asked_for_last_is_kept(files: SmallFiles) -> None:
    large = ["a colour with a long name"] * 16
    for uri in ("a", "b", "a", "c"):
        files.frame_of(uri, copy_of("1", *large))
    undecodable = ObjectCopy(b"no Parquet", "1")
    assert files.frame_of("a", undecodable).height == len(large)
    with pytest.raises(pl.exceptions.ComputeError):
        files.frame_of("b", undecodable)


def test_a_file_larger_than_all_that_is_kept_is_read_all_the_same() -> None:
    assert SmallFiles(1).frame_of("a", copy_of("1", "red")).height == 1
