"""Forms with files in them (RFC 7578), read as they come: no file is ever held, in memory or in a second place."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from image_assets.serving.bodies import TOO_LARGE
from image_assets.serving.problems import Kind, Problem

MAX_FILES: Final = 20
MAX_FIELDS: Final = 50
MAX_FIELD_BYTES: Final = 8 * 1024
_BAD_FORM: Final = Kind(HTTPStatus.BAD_REQUEST, "unreadable-form")


class Sink(Protocol):
    """What takes the bytes of a file."""

    def take(self, data: bytes) -> None:
        """Take the next piece."""
        ...


class Form:
    """A form of which more may come.

    Attributes:
        fields: name and text of what is no file, in order.
    """

    def __init__(self, content_type: str, open_file: Callable[[str], Sink], max_files: int = MAX_FILES) -> None:
        self.fields: list[tuple[str, str]] = []
        self._open_file, self._max_files = open_file, max_files
        self._files = 0
        self._name, self._value, self._disposition = bytearray(), bytearray(), b""
        self._field: str | None = None
        self._text = bytearray()
        self._sink: Sink | None = None
        self._is_whole = False
        self._parser = MultipartParser(
            _boundary(content_type),
            {
                "on_part_begin": self._begin,
                "on_header_field": self._on_header_name,
                "on_header_value": self._on_header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._open,
                "on_part_data": self._on_data,
                "on_part_end": self._close,
                "on_end": self._end,
            },
        )

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body.

        Raises:
            Problem: 400 for what is no form, 413 for too many files or fields, or fields too long.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise Problem(_BAD_FORM, f"The body is no multipart/form-data: {error}") from error

    def finish(self) -> None:
        """See that the form is whole.

        Raises:
            Problem: 400 when its end is missing.
        """
        if not self._is_whole:
            raise Problem(_BAD_FORM, "The form ends before its last boundary.")

    def _begin(self) -> None:
        self._disposition, self._sink, self._field = b"", None, None
        self._text.clear()

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise Problem(_BAD_FORM, "A part of the form has no name.")
        if b"filename" in options:
            self._files += 1
            _check(self._files, self._max_files, "files")
            self._sink = self._open_file(_file_name(options[b"filename"]))
        else:
            self._field = options[b"name"].decode("utf-8", "replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is not None:
            self._sink.take(data[start:end])
        else:
            self._text += data[start:end]
            _check(len(self._text), MAX_FIELD_BYTES, "bytes in a field")

    def _close(self) -> None:
        if self._field is not None:
            self.fields.append((self._field, self._text.decode("utf-8", "replace")))
            _check(len(self.fields), MAX_FIELDS, "fields")

    def _end(self) -> None:
        self._is_whole = True


def _boundary(content_type: str) -> bytes:
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary or len(boundary) > 70:
        raise Problem(_BAD_FORM, "Content-Type names no boundary of at most 70 characters.")
    return boundary


def _check(found: int, most: int, what: str) -> None:
    if found > most:
        raise Problem(TOO_LARGE, f"At most {most} {what}.", {"Connection": "close"})


def _file_name(sent: bytes) -> str:
    """As browsers write it: what would end the header is percent-encoded, and nothing else."""
    name = sent.decode("utf-8", "replace")
    for written, meant in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        name = name.replace(written, meant)
    return name
