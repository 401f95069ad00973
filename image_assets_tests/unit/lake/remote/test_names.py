import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.errors import StorageError
from image_assets.ids import ObjectKey
from image_assets.lake.remote.names import key_of, name_of

# Pieces of what is spelt otherwise, so that they meet each other often.
texts = st.lists(
    st.one_of(
        st.sampled_from(["%", "25", "0A", "5C", "uDC80", "uFFFE", "\n", "\\", "\udc80", "\uffff", "é"]), st.text()
    ),
    min_size=1,
    max_size=8,
).map("".join)
plain = texts.filter(lambda text: "/" not in text and "\0" not in text and text not in {"", ".", ".."})
possible = plain.filter(lambda text: not set(text) & {*map(chr, range(32)), "\\", "\x7f", "\udc80", "\ufffe", "\uffff"})


@given(name=plain)
def test_every_key_is_found_again_under_its_name(name: str) -> None:
    assert key_of(name_of(ObjectKey(f"landing/{name}"))) == f"landing/{name}"


@given(name=possible)
def test_every_name_that_a_cloud_has_is_found_again_under_its_key(name: str) -> None:
    assert name_of(key_of(f"landing/{name}")) == f"landing/{name}"


@pytest.mark.parametrize(
    "name", ["100%.jpg", "a%20b.jpg", "caf%C3%A9.jpg", "50%25.jpg", "a b.jpg", "é.jpg", "*?#&.jpg"]
)
def test_names_that_no_cloud_refuses_stay_as_they_are(name: str) -> None:
    assert name_of(ObjectKey(name)) == key_of(name) == name


@pytest.mark.parametrize(
    ("key", "name"),
    [("a\nb", "a%0Ab"), ("a\\b", "a%5Cb"), ("a%0Ab", "a%250Ab"), ("a%250Ab", "a%25250Ab"), ("\udcff", "%uDCFF")],
)
def test_what_some_cloud_refuses_is_spelt_otherwise(key: str, name: str) -> None:
    assert name_of(ObjectKey(key)) == name


def test_a_name_longer_than_any_cloud_takes_is_refused() -> None:
    with pytest.raises(StorageError, match="longer than"):
        name_of(ObjectKey("landing/" + "é" * 512))
