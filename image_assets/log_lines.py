"""Log records as lines of JSON, for programs that collect logs: nothing in them acts on a terminal or opens a door."""

import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

FIELDS: Final = "fields"
"""Name under which `extra` carries a mapping of further fields."""

_SECRETS: Final = (
    (re.compile(r"\b(ia_[0-9a-f]{12}_)[A-Za-z0-9_-]+"), r"\1***"),
    (re.compile(r"\b(sig|signature|token|page_token)=[^&\s\"']+", re.IGNORECASE), r"\1=***"),
    (re.compile(r"\b(bearer|basic)\s+[^\s\"',}]+", re.IGNORECASE), r"\1 ***"),
)


class JsonLines(logging.Formatter):
    """A record as one line of ASCII; keys and signatures in it are masked, whoever wrote them there."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "correlation_id", None):
            line["request_id"] = request_id
        further = getattr(record, FIELDS, None)
        if isinstance(further, Mapping):
            line.update(further)
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return masked(json.dumps(line, default=str))


def masked(text: str) -> str:
    """A text without the secrets of keys, signatures and tokens."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text
