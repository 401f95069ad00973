"""Names of objects in a cloud: keys whose signs some cloud refuses are spelt otherwise there, and every name is a key.

A control sign becomes `%` and two hexadecimal digits, so does a backslash, which Azure takes for a slash; bytes that
are no text and the two signs that XML does not know become `%u` and four. A `%` that stands before such digits becomes
`%25`; any other stays as it is, so that names which other programs have given are told as they are.
"""

import re
from typing import Final

from image_assets.errors import StorageError
from image_assets.ids import ObjectKey
from image_assets.lake.local_places import names_of

_SPELT: Final = r"(?:[01][0-9A-F]|5C|7F|uDC[89A-F][0-9A-F]|uFFF[EF])"
_REFUSED: Final = re.compile(rf"[\x00-\x1f\\\x7f\udc80-\udcff\ufffe\uffff]|%(?=(?:25)*{_SPELT})")
_WRITTEN: Final = re.compile(rf"%(?:({_SPELT})|25(?=(?:25)*{_SPELT}))")
_LONGEST: Final = 1_024


def name_of(key: str) -> str:
    """What a key is called there.

    Raises:
        StorageError: it is no key, or longer than any cloud takes.
    """
    names_of(key)
    name = _REFUSED.sub(_spelt, key)
    if len(name.encode("utf-8", "surrogatepass")) > _LONGEST:
        raise StorageError(f"{key[:60]!r}… is longer than the {_LONGEST} bytes that a cloud takes", key=key)
    return name


def key_of(name: str) -> ObjectKey:
    """The key that a name there stands for."""
    return ObjectKey(_WRITTEN.sub(_read, name))


def _spelt(sign: re.Match[str]) -> str:
    code = ord(sign[0])
    return f"%{code:02X}" if code < 0x80 else f"%u{code:04X}"


def _read(written: re.Match[str]) -> str:
    return chr(int(written[1].removeprefix("u"), 16)) if written[1] else "%"
