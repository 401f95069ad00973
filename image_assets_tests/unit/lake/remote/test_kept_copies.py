from image_assets.lake.object_store import ObjectCopy
from image_assets.lake.remote.kept_copies import KeptCopies


def test_what_was_used_last_is_kept() -> None:
    kept = KeptCopies(most_bytes=3)
    for key in "abc":
        kept.keep(key, ObjectCopy(b"1", "v"))
    assert kept.get("a")
    kept.keep("d", ObjectCopy(b"1", "v"))
    assert [key for key in "abcd" if kept.get(key)] == ["a", "c", "d"]


def test_another_copy_takes_the_place_of_the_former_one() -> None:
    kept = KeptCopies(most_bytes=3)
    for data in (b"12", b"34", b"5"):
        kept.keep("a", ObjectCopy(data, "v"))
    kept.keep("b", ObjectCopy(b"12", "v"))
    assert [kept.get(key) for key in "ab"] == [ObjectCopy(b"5", "v"), ObjectCopy(b"12", "v")]


def test_what_is_larger_than_everything_that_fits_is_not_kept() -> None:
    kept = KeptCopies(most_bytes=3)
    kept.keep("a", ObjectCopy(b"1234", "v"))
    assert kept.get("a") is None
