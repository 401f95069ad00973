"""The page of a day's report: self-contained HTML from plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from image_assets.pages import Picture, render

_TEMPLATE = Path(__file__).with_name("report_page.html.jinja")


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
        gallery_url: where the day's images are looked at, if that is known.
    """

    day: date
    headline: Mapping[str, int]
    history: Sequence[tuple[date, Mapping[str, int]]]
    distributions: Sequence[Bars]
    sheets: Sequence[Sheet]
    rejects: Sequence[tuple[str, ...]]
    rejects_left_out: int
    models: Mapping[str, str]
    gallery_url: str | None = None


def render_page(page: ReportPage) -> str:
    """HTML; whatever users wrote is escaped."""
    return render(_TEMPLATE, page=page)
