import csv
import io

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_assets.shown_text import markdown, markdown_table, plain, plain_lines, spreadsheet_csv

FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    '=HYPERLINK("http://evil"; "click")',
    "=cmd|' /C calc'!A0",
    " =1",
    "\t=1",
    "\n=1",
    "\r=1",
    "\r\n \t=1",
    "\x00=1",
    "\x1b=1",
    "\N{NO-BREAK SPACE}=1",
    "\N{EM SPACE}=1",
    "\N{IDEOGRAPHIC SPACE}=1",
    "\N{LINE SEPARATOR}=1",
    "\N{ZERO WIDTH SPACE}=1",
    "\N{ZERO WIDTH JOINER}=1",
    "\N{ZERO WIDTH NO-BREAK SPACE}=1",
    "\N{WORD JOINER}=1",
    "\N{SOFT HYPHEN}=1",
    "\N{RIGHT-TO-LEFT OVERRIDE}=1",
    "\N{MONGOLIAN VOWEL SEPARATOR}=1",
    "\N{HANGUL FILLER}=1",
    "\N{BRAILLE PATTERN BLANK}=1",
    "\N{VARIATION SELECTOR-16}=1",
    "\N{FULLWIDTH EQUALS SIGN}1",
    "\N{FULLWIDTH PLUS SIGN}1",
    "\N{FULLWIDTH HYPHEN-MINUS}1",
    "\N{FULLWIDTH COMMERCIAL AT}SUM",
    "\N{SMALL EQUALS SIGN}1",
    "\N{SUPERSCRIPT MINUS}1",
    "\N{MINUS SIGN}1",
    "dress;=1+1",
    "dress; \N{FULLWIDTH EQUALS SIGN}1+1;hat",
    "-5 shirts",
    "+49 170 1",
    "-",
]
HARMLESS = ["dress", "a=b", "5-10", "'=1", "-5", "+5", "-1,5", "-1.5e-3", "", "#dress", "red; blue", "\N{EN DASH} x"]
HOSTILE = "a\x1b]0;x\x07b\x9bc\x7fd\ne\r\nf\tg\N{RIGHT-TO-LEFT OVERRIDE}h\N{LINE SEPARATOR}i"


def cells(texts: list[str]) -> list[str]:
    written = spreadsheet_csv(pl.DataFrame({"text": texts, "end": 0}))
    return [row["text"] for row in csv.DictReader(io.StringIO(written.decode(), newline=""))]


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_what_a_spreadsheet_could_take_for_a_formula_has_an_apostrophe_before(text: str) -> None:
    (cell,) = cells([text])
    first, *others = cell.split(";") if text.startswith("dress") else [cell]
    assert all(part.startswith("'") for part in (others[:1] if others else [first]))
    assert cell.replace("'", "", 1) == plain(text)


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_other_texts_and_numbers_stay_as_they_are(text: str) -> None:
    assert cells(["x", text]) == ["x", text]


def test_numbers_stay_numbers_for_a_spreadsheet() -> None:
    rows = pl.DataFrame({"bits": [-5, 3], "share": [-0.5, None], "is_new": [True, False]})
    assert spreadsheet_csv(rows) == b"bits,share,is_new\n-5,-0.5,true\n3,,false\n"


def test_a_missing_text_stays_missing_for_a_spreadsheet() -> None:
    assert spreadsheet_csv(pl.DataFrame({"a": ["x", None], "b": [None, None]})) == b"a,b\nx,\n,\n"


def test_a_text_in_one_line_holds_nothing_that_moves_a_terminal() -> None:
    assert plain(HOSTILE) == "a�]0;x�b�c�d e  f g�h i"


def test_a_text_of_several_lines_keeps_its_lines() -> None:
    assert plain_lines("a\nb\x1b[31m") == "a\nb�[31m"


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert plain("caf\udce9") == "caf�"


@pytest.mark.parametrize("text", ["می\N{ZERO WIDTH NON-JOINER}خواهم", "👩\N{ZERO WIDTH JOINER}💻", "naïve “x”"])
def test_scripts_and_emoji_stay_as_they_are(text: str) -> None:
    assert (plain(text), cells([text])) == (text, [text])


@given(st.text())
def test_a_spreadsheet_and_a_terminal_are_shown_the_same_plain_text(text: str) -> None:
    (cell,) = cells([text]) if plain(text) else [""]
    assert cell.replace("'", "") == plain(text).replace("'", "")


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "a\\|b",
        "a`b",
        "![x](http://evil/p.png)",
        "[x](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "**bold** _it_ ~~no~~",
        "# head",
        "&lt;b&gt;",
        "http://evil.example",
        "www.evil.example",
        "me@evil.example",
        "a\n\n- b",
    ],
)
def test_nothing_in_a_text_is_markdown(text: str) -> None:
    import html

    shown = markdown(text)
    assert not set(shown) & set("|`*_[]<>!~\\\n")
    assert not any(sign in shown for sign in ("://e", "www.", "me@evil"))
    assert html.unescape(shown).replace("\N{WORD JOINER}", "") == plain(text)


def test_a_table_in_markdown_has_a_head_a_line_and_its_rows() -> None:
    table = markdown_table(["file", "images"], [[markdown("a|b"), "1"], ["", "2"]])
    assert table.splitlines() == ["| file | images |", "|---|---|", "| a&#124;b | 1 |", "|  | 2 |"]


def test_a_table_without_rows_is_its_head() -> None:
    assert markdown_table(["file"], []) == "| file |\n|---|"
