"""`search`: a table that fits the terminal, and a contact sheet."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import Result

from image_assets.errors import ImageError, SearchError, TableError

Invoke = Callable[..., Result]
ROW = re.compile(r"^│ +(-?\d\.\d{3}) │.*│ ([0-9a-f]{8}) │$", re.MULTILINE)


def rows(result: Result) -> list[tuple[str, str]]:
    """Score and id of each hit."""
    assert result.exit_code == 0, result.exception
    return ROW.findall(result.output)


def test_a_text_finds_photos_and_the_best_stands_first(full_home: Path, invoke: Invoke) -> None:
    scores = [float(score) for score, _ in rows(invoke("search", "a red shirt", "--no-words"))]
    assert (len(scores), scores) == (3, sorted(scores, reverse=True))


def test_no_more_are_shown_than_asked_for_and_the_next_page_is_offered(full_home: Path, invoke: Invoke) -> None:
    first = invoke("search", "red", "--count", "2")
    (mark,) = re.findall(r"^more: --after (\S+)$", first.output, re.MULTILINE)
    second = invoke("search", "red", "--count", "2", "--after", mark)
    assert len({*rows(first), *rows(second)}) == 3
    assert "more: " not in second.output


def test_more_like_a_photo_by_the_beginning_of_its_id(full_home: Path, invoke: Invoke) -> None:
    asked = rows(invoke("search", "red"))[0][1]
    assert asked not in [image_id for _, image_id in rows(invoke("search", "--like", asked))]


def test_a_picture_finds_photos(full_home: Path, invoke: Invoke, draw: Callable[..., bytes], tmp_path: Path) -> None:
    (tmp_path / "query.jpg").write_bytes(draw((200, 20, 20)))
    assert float(rows(invoke("search", "--image", str(tmp_path / "query.jpg")))[0][0]) > 0.99


def test_a_picture_that_is_none_is_told_in_words(full_home: Path, invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "query.jpg").write_text("no picture")
    result = invoke("search", "--image", str(tmp_path / "query.jpg"))
    assert isinstance(result.exception, ImageError)
    assert "not_an_image" in str(result.exception)


def test_without_a_query_the_newest_photos_are_shown(full_home: Path, invoke: Invoke) -> None:
    assert "newest first: 3 photos" in invoke("search").output


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--user", "ann"], 3),
        (["--user", "bob"], 0),
        (["--user", "bob", "--user", "ann"], 3),
        (["--label", "hat"], 0),
        (["--colour", "blue"], 1),
        (["--state", "embedded"], 3),
        (["--since", "2030-01-01"], 0),
        (["--until", "2020-01-01"], 0),
        (["--where", "raw_name=blue [bold]shoe.jpg"], 1),
        (["--where", "width_px>=400", "--where", "label="], 3),
        (["--min-score", "1"], 0),
        (["--all-duplicates"], 3),
    ],
    ids=str,
)
def test_options_say_which_photos_are_meant(full_home: Path, invoke: Invoke, options: list[str], found: int) -> None:
    assert len(rows(invoke("search", "red", *options))) == found


def test_a_day_can_be_meant(full_home: Path, invoke: Invoke, yesterday: date) -> None:
    assert len(rows(invoke("search", "red", "--day", str(yesterday)))) == 3


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["red", "--where", "price=3"], "gold_images has no column 'price'"),
        (["red", "--where", "price"], "is no condition"),
        (["red", "--colour", "teal"], "is no colour"),
        ([" "], "the text is empty"),
        (["red", "--like", "abc"], "one of them, not several"),
        (["--like", "nothing"], "there is no image nothing"),
        (["red", "--after", "x"], "is no mark of a page"),
    ],
    ids=str,
)
def test_a_search_that_makes_no_sense_is_told_in_words(
    full_home: Path, invoke: Invoke, arguments: list[str], problem: str
) -> None:
    result = invoke("search", *arguments)
    assert isinstance(result.exception, SearchError)
    assert problem in str(result.exception)


@pytest.mark.parametrize("arguments", [["red"], []], ids=["text", "no query"])
def test_a_search_in_an_empty_lake_says_what_to_do(home: Path, invoke: Invoke, arguments: list[str]) -> None:
    result = invoke("search", *arguments)
    assert isinstance(result.exception, TableError)
    assert "has no day yet: image-assets run" in str(result.exception)


@pytest.mark.parametrize("text", ["[/red] shirt", "[bold]hat"])
def test_a_searched_text_is_shown_as_it_is(full_home: Path, invoke: Invoke, text: str) -> None:
    assert f"“{text}”" in invoke("search", text).output


def test_the_table_fits_a_terminal(full_home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    output = invoke("search", "red").output
    assert len(ROW.findall(output)) == 3
    assert max(len(line) for line in output.splitlines() if line.startswith(("│", "┏"))) <= 80


def test_where_words_count_beside_looks_both_are_shown(
    full_home: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    mixed, alone = (invoke("search", "red", *options).output for options in ([], ["--no-words"]))
    assert "3 photos, by looks and words" in mixed
    assert re.search(r"┃ +looks +┃ words +┃ label", mixed)
    assert re.search(r"│ +-?\d\.\d{3} │ red +│", mixed)
    assert re.search(r"┃ +score +┃ label", alone)


def test_words_that_the_encoder_does_not_know_are_named(full_home: Path, invoke: Invoke) -> None:
    told = invoke("search", "red xylophone, zzz!").output
    assert "builtin knows no “xylophone zzz”; showing nearest to “red”" in told
    for known in (invoke("search", "red dress"), invoke("search")):
        assert (known.exit_code, "knows no" in known.output) == (0, False)


def test_where_no_word_is_known_nothing_is_shown_by_looks(full_home: Path, invoke: Invoke) -> None:
    result = invoke("search", "xylophone zzz")
    assert "knows no “xylophone zzz”; nothing to show by looks" in result.output
    assert rows(result) == []


def test_a_strict_search_refuses_a_word_that_the_encoder_does_not_know(full_home: Path, invoke: Invoke) -> None:
    refused, found = (invoke("search", text, "--strict", "--no-words") for text in ("red xylophone", "red dress"))
    assert refused.exit_code == 2
    assert "builtin knows no “xylophone”: use other words" in refused.output
    assert rows(found)


def test_a_contact_sheet_holds_its_pictures_and_no_markup_of_users(
    full_home: Path, invoke: Invoke, tmp_path: Path
) -> None:
    sheet = tmp_path / "sheet.html"
    invoke("search", "red <script>alert(1)</script>", "--html", str(sheet))
    page = sheet.read_text()
    assert (page.count('src="data:image/webp;base64,'), page.count("<script>")) == (3, 0)
    assert "“red &lt;script&gt;alert(1)&lt;/script&gt;”" in page
    assert "http" not in page


def test_a_contact_sheet_does_without_a_thumbnail_that_is_gone(
    damaged_home: Path, invoke: Invoke, tmp_path: Path
) -> None:
    next((damaged_home / "lake" / "thumbnail").rglob("*.webp")).unlink()
    invoke("search", "--html", str(tmp_path / "sheet.html"))
    assert (tmp_path / "sheet.html").read_text().count("no thumbnail") == 1
