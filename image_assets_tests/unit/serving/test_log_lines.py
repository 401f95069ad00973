"""Lines of a log: one object each, whatever is in them, and no secret."""

import json
import logging
import sys

import pytest

from image_assets.log_lines import FIELDS, JsonLines

KEY = "ia_0123456789ab_" + "S" * 43


def line(message: str, *arguments: object, **more: object) -> str:
    record = logging.LogRecord("image_assets.x", logging.INFO, __file__, 1, message, arguments, None)
    record.__dict__.update(more)
    return JsonLines().format(record)


@pytest.mark.parametrize(
    "text", ['quote " and \\', "two\nlines\r\n", "\x1b[31mred", "\u202eturned", "nul\x00", "\ud800"]
)
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    written = line("named %s", text, **{FIELDS: {"name": text}})
    assert written.isascii()
    assert "\n" not in written
    read = json.loads(written)
    assert (read["message"], read["name"]) == (f"named {text}", text)


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"Authorization: Bearer {KEY}",
        "GET /v1/images/x/original?exp=1&kid=2&sig=SECRET",
        "page_token=SECRET&page_size=3",
        "{'authorization': 'Basic SECRET'}",
    ],
)
def test_keys_and_signatures_are_masked_wherever_they_are(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        written = line("asked: %s", text, exc_info=sys.exc_info(), **{FIELDS: {"url": text}})
    assert "SECRET" not in written
    assert "S" * 43 not in written
    assert written.count("***") >= 3


def test_the_id_of_the_request_is_told() -> None:
    assert json.loads(line("x", correlation_id="r-1"))["request_id"] == "r-1"
