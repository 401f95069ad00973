"""Ids of requests: given by the caller or made here, told in every answer, every problem and every line of the log."""

import re
from typing import Final

REQUEST_ID: Final = "X-Request-ID"
_FORM: Final = re.compile(r"[A-Za-z0-9-]{1,64}")


def is_request_id(text: str) -> bool:
    """Whether a caller's id can be told in headers and logs as it is."""
    return bool(_FORM.fullmatch(text))
