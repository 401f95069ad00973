"""One label, however it is spelt."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.labels import normalise_label, normalise_name


@pytest.mark.parametrize(
    "spelt",
    [
        "dark red",
        " Dark  RED ",
        "dark\tred\r\n",
        "dark\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}red",
        "\N{BYTE ORDER MARK}dark red",
        "da\N{SOFT HYPHEN}rk\x00 red\x1b",
        "dark \N{ZERO WIDTH SPACE} red",
        "\N{RIGHT-TO-LEFT OVERRIDE}dark red",
    ],
)
def test_blanks_capitals_and_what_nobody_sees_make_no_other_label(spelt: str) -> None:
    assert normalise_label(spelt) == "dark red"


def test_how_accents_are_encoded_makes_no_other_label() -> None:
    assert {normalise_label(spelt) for spelt in ("H\xf6schen", "Ho\u0308schen", "HO\u0308SCHEN")} == {"h\xf6schen"}


@pytest.mark.parametrize("text", ["", " \n", "\x07", "\N{ZERO WIDTH SPACE} \N{WORD JOINER}"])
def test_of_what_nobody_can_see_nothing_is_left(text: str) -> None:
    assert normalise_label(text) == ""


def test_words_of_other_scripts_and_signs_stay() -> None:
    assert (
        normalise_label("T-Shirt & Hose, \u0441\u0443\u043a\u043d\u044f 50 %")
        == "t-shirt & hose, \u0441\u0443\u043a\u043d\u044f 50 %"
    )


@given(st.text(st.characters()))
def test_the_normal_form_of_a_normal_form_is_itself_and_can_be_stored(text: str) -> None:
    plain = normalise_label(text)
    assert normalise_label(plain) == plain == unicodedata.normalize("NFC", plain)
    assert plain.encode().decode() == plain == " ".join(plain.split())


def test_a_name_is_compared_with_its_capitals_and_blanks() -> None:
    assert normalise_name(" Gro\u0308\xdfe.JPG") == " Gr\xf6\xdfe.JPG"


@pytest.mark.parametrize(
    "shapeless",
    ["\ufe0f", "\u034f", "\u180b", "\u2065", "\ufff0", "\ufff8", "\U000e0000", "\U000e0100", "\U000e0fff"],
)
def test_letters_without_a_shape_are_removed(shapeless: str) -> None:
    assert normalise_label(f"{shapeless}shi{shapeless}rt{shapeless}") == "shirt"
    assert normalise_label(shapeless) == ""


@pytest.mark.parametrize("blank", ["\u2800", "\u3164", "\u115f", "\u1160", "\uffa0"])
def test_letters_that_are_drawn_as_a_blank_are_blanks(blank: str) -> None:
    assert normalise_label(f"{blank}red{blank}{blank}dress{blank}") == "red dress"
    assert normalise_label(blank) == ""
