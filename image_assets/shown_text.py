"""Texts of users as they are shown: nothing in them acts on a terminal, a page, Markdown or a spreadsheet."""

import re
from collections.abc import Iterable, Iterator, Sequence

import polars as pl

_REPLACED = "\N{REPLACEMENT CHARACTER}"
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x85\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
# Of the invisible ones only those that change the direction of a line: joiners belong to scripts and to emoji.
_TURNS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_CONTROLS = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0)])) + _TURNS
_SURROGATES = frozenset(map(chr, range(0xD800, 0xE000)))
_PLAIN = str.maketrans({**dict.fromkeys({*_CONTROLS, *_SURROGATES}, _REPLACED), **dict.fromkeys(_BREAKS, " ")})

_MARKDOWN = re.compile(r"[\\`*_\[\]<>|&!$~#]")
# A viewer makes links of addresses even where their punctuation is written as references.
_ADDRESS = re.compile(r"(://|@|\bwww(?=\.))", re.IGNORECASE)
_WORD_JOINER = "\u2060"

# Which text begins a formula: OWASP, CSV injection; with what a spreadsheet may take for these signs, behind whatever
# it may take for a blank, and behind the mark at which many of them begin the next cell.
_BLANKS = r"[\s\p{Z}\p{M}\p{C}\x{FFFD}\x{115F}\x{1160}\x{2800}\x{3164}\x{FFA0}]"
_SIGNS = "=+\\-@\N{MINUS SIGN}" + "＝＋－＠" + "﹦﹢﹣﹫" + "⁼⁺⁻" + "₌₊₋"  # noqa: RUF001 - look-alikes are the point
_FORMULA = rf"(^|;)({_BLANKS}*[{_SIGNS}])"
_LINES_AT_ONCE = 10_000
_NUMBER = r"^[+\-]?[0-9]+([.,][0-9]+)?([eE][+\-]?[0-9]+)?$"


def is_text(text: str) -> bool:
    """Whether a string from outside was UTF-8: Python keeps other bytes as surrogates, which nothing else can hold."""
    return not _SURROGATES & set(text)


def plain(text: str) -> str:
    """A text in one line: breaks are blanks; control characters and bytes that are no text are replaced."""
    return text.translate(_PLAIN)


def plain_lines(text: str) -> str:
    """A text of several lines, each of them plain."""
    return "\n".join(map(plain, text.split("\n")))


def markdown(text: str) -> str:
    """A text in one line that Markdown shows as it is: no cell, link, picture or HTML comes of it."""
    escaped = _MARKDOWN.sub(lambda sign: f"&#{ord(sign.group())};", plain(text))
    return _ADDRESS.sub(rf"\1{_WORD_JOINER}", escaped)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; so are its cells: what a user wrote goes through `markdown` first."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def spreadsheet_csv(rows: pl.DataFrame) -> bytes:
    """CSV that is safe to open in a spreadsheet: texts are plain, and what may be a formula begins with a `'`."""
    return b"".join(spreadsheet_lines(rows))


def spreadsheet_lines(rows: pl.DataFrame) -> Iterator[bytes]:
    """The same, some lines at a time: it takes ten times the memory of its rows."""
    texts = pl.col(pl.String).str
    marked = pl.when(texts.contains(_NUMBER)).then(pl.col(pl.String)).otherwise(texts.replace_all(_FORMULA, "$1'$2"))
    for start in range(0, max(1, rows.height), _LINES_AT_ONCE):
        shown = rows.slice(start, _LINES_AT_ONCE).with_columns(texts.replace_all(_class(_BREAKS), " "))
        shown = shown.with_columns(texts.replace_all(_class(_CONTROLS), _REPLACED)).with_columns(marked)
        yield shown.write_csv(include_header=not start).encode()


def _class(characters: str) -> str:
    return "[" + "".join(f"\\x{{{ord(each):X}}}" for each in characters) + "]"
