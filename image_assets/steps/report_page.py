"""The page of a day's report: self-contained HTML from plain values."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from image_assets.shown_text import plain


@dataclass(frozen=True, slots=True)
class Bars:
    """A distribution: counts by name, in the order in which they are drawn."""

    title: str
    counts: Mapping[str, int]

    @property
    def longest(self) -> int:
        """The count that fills the width, at least 1."""
        return max(1, *self.counts.values())


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail (WebP) and what is said of it."""

    thumbnail: bytes
    image_id: str
    label: str | None
    confidence: float | None

    @property
    def data_uri(self) -> str:
        """The picture inside the page, which needs no other file."""
        return f"data:image/webp;base64,{base64.b64encode(self.thumbnail).decode()}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """Some pictures under one title."""

    title: str
    pictures: Sequence[Picture]


@dataclass(frozen=True, slots=True)
class ReportPage:
    """Everything that the page shows.

    Attributes:
        day: the partition.
        headline: counts that stand on top.
        history: outcomes of this day and of the days before it, oldest first.
        distributions: bars.
        sheets: pictures.
        rejects: reason, stage, state, source and detail of rejected files.
        rejects_left_out: how many more there are.
        models: version by role.
    """

    day: date
    headline: Mapping[str, int]
    history: Sequence[tuple[date, Mapping[str, int]]]
    distributions: Sequence[Bars]
    sheets: Sequence[Sheet]
    rejects: Sequence[tuple[str, ...]]
    rejects_left_out: int
    models: Mapping[str, str]


def render_page(page: ReportPage) -> str:
    """HTML; whatever users wrote is escaped."""
    return render("report_page.html.jinja", page=page)


def render(template: str, **values: object) -> str:
    """A template filled in; whatever users wrote is escaped and holds no control character."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=lambda value: plain(value) if isinstance(value, str) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(values)
