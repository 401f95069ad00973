"""HTML pages of one file that need no other: templates filled in, and pictures inside them."""

import base64
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from image_assets.shown_text import plain


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail (WebP) and what is said of it."""

    thumbnail: bytes
    image_id: str
    label: str | None
    confidence: float | None

    @property
    def data_uri(self) -> str:
        """The picture inside the page."""
        return f"data:image/webp;base64,{base64.b64encode(self.thumbnail).decode()}"


def render(template: Path, **values: object) -> str:
    """A template filled in; whatever users wrote is escaped and holds no control character."""
    return _environment(template.parent).get_template(template.name).render(values)


@cache
def _environment(folder: Path) -> Environment:
    """Keeps its templates compiled: a day's page takes less time than its template."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        finalize=lambda value: plain(value) if isinstance(value, str) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
