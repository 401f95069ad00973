"""The name of a file in a header `Content-Disposition` (RFC 6266), which a stranger has written."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

_PARAMETER: Final = re.compile(r';\s*([^\s=;]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_ESCAPED: Final = re.compile(r"\\(.)")
# Python knows a hundred codecs by name, some of which fail, and some of which decode one text to another.
_CODECS: Final = frozenset(("utf-8", "iso-8859-1"))
"""The two that RFC 8187 has."""


def disposition_name(header: str | None) -> str:
    """The name in either of its forms, the extended one first; empty where there is none that can be read."""
    parameters = {name.lower(): value.strip() for name, value in _PARAMETER.findall(header or "")}
    return _extended(parameters) or _plain(parameters)


def _extended(parameters: Mapping[str, str]) -> str:
    """Of `filename*=UTF-8''kleid%20gr%C3%BCn.jpg`."""
    codec, _, rest = parameters.get("filename*", "").partition("'")
    _, _, text = rest.partition("'")
    return unquote_to_bytes(text).decode(codec, "replace") if codec.lower() in _CODECS else ""


def _plain(parameters: Mapping[str, str]) -> str:
    text = parameters.get("filename", "")
    return _ESCAPED.sub(r"\1", text[1:-1]) if text.startswith('"') else text
