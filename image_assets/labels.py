"""The one normal form of a label, and of a file's name where names are compared.

Two spellings that a person cannot tell apart, or types without thinking, are one label: NFC, lower case, no blank
around it, single blanks inside, and nothing in it that cannot be seen.
"""

import unicodedata
from typing import Final

# Controls and formats: escapes, bells, zero-width and bidirectional marks, byte order marks.
_UNSEEN: Final = {"Cc", "Cf"}
# Letters that are drawn as a blank: fillers of Hangul, and the cell of Braille without a dot.
_BLANKS: Final = dict.fromkeys((0x115F, 0x1160, 0x2800, 0x3164, 0xFFA0), " ")
# What else has no shape (Unicode, Default_Ignorable_Code_Point), also where nothing is assigned yet.
_SHAPELESS: Final = frozenset(
    {0x34F, 0x17B4, 0x17B5, 0x2065}.union(
        *(range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))
    )
)


def normalise_label(text: str) -> str:
    """The normal form of a label; empty when nothing that can be seen is left.

    Line feeds, tabs and every other kind of blank are blanks; other control characters and marks without a shape are
    removed. Doing it twice changes nothing.
    """
    composed = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode()).translate(_BLANKS)
    words = "".join(filter(_is_seen, " ".join(composed.split()))).split()
    # Some letters fall apart in lower case.
    return unicodedata.normalize("NFC", " ".join(words).lower())


def normalise_name(text: str) -> str:
    """A file's name as it is compared: a Mac writes ö as two characters, people type one."""
    return unicodedata.normalize("NFC", text)


def _is_seen(letter: str) -> bool:
    return unicodedata.category(letter) not in _UNSEEN and ord(letter) not in _SHAPELESS
