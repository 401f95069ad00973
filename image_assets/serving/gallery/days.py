"""Days: what arrived, what became of it, and whether it is like the days before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Response

from image_assets.access.roles import Role
from image_assets.errors import ObjectNotFoundError
from image_assets.lake import object_keys
from image_assets.models.encoders.encoder import encoder_key
from image_assets.serving.callers import PageAdmin, PageViewer
from image_assets.serving.gallery.charts import bars, ribbon, stacked, width_of
from image_assets.serving.gallery.pages import ShowHere, percent, thousands
from image_assets.serving.problems import Kind, Problem
from image_assets.serving.records import materialization_url
from image_assets.serving.service import Service, ServiceHere
from image_assets.steps.questions.day_overview import MEASURES, DayOverview
from image_assets.steps.questions.image_record import day_tables
from image_assets.steps.questions.step_times import step_times
from image_assets.tables.gold import DAILY_SUMMARY, STATES

router = APIRouter(prefix="/days", include_in_schema=False)
_PAGE: Final = 60
_AROUND: Final = 30
_UNKNOWN: Final = Kind(HTTPStatus.NOT_FOUND, "unknown-day")
_NAMES: Final = {"brightness_ratio": "Brightness", "blur": "Sharpness", "confidence_ratio": "Confidence"}
_KINDS: Final = {
    "state": "States",
    "reason": "Why files were rejected",
    "label": "Labels that came with them",
    "format": "Formats",
}
_LEAST_TOP: Final = 0.1
"""Of the scale of a share: what is next to nothing looks like it."""
_LONGEST_LIST: Final = 12
_REPORT_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
"""A report brings its own styles and pictures with it, and has neither scripts nor forms."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A small chart.

    Attributes:
        title: what it shows.
        says: the same for those who do not see it.
        width: in units of its paths.
        paths: class and path of each.
    """

    title: str
    says: str
    width: int
    paths: Sequence[tuple[str, str]]


@router.get("")
def show_days(service: ServiceHere, _: PageViewer, show: ShowHere, before: date | None = None) -> Response:
    """The latest days, or those before one."""
    known = _known(service)
    older = [day for day in known if before is None or day < before]
    days = service.days.of(older[:_PAGE])
    return show(
        "days.html.jinja",
        days=days,
        charts=_charts(days),
        states=_states(days),
        first=len(known) - len(older) + 1,
        total=len(known),
        next_before=older[_PAGE - 1] if len(older) > _PAGE else None,
    )


@router.get("/{day}")
def show_day(service: ServiceHere, caller: PageViewer, show: ShowHere, day: date) -> Response:
    """One day, against those before it."""
    known = _known(service)
    if day not in known:
        raise Problem(_UNKNOWN, f"Nothing came on {day}, as far as this lake knows.")
    at = known.index(day)
    around = service.days.of(known[at : at + _AROUND])
    limits, has_report = service.settings, service.store.exists(object_keys.report_key(day, "report.html"))
    return show(
        "day.html.jinja",
        day=around[0],
        later=known[at - 1] if at else None,
        former=known[at + 1] if at + 1 < len(known) else None,
        charts=_charts(around),
        states=_states(around),
        compared=service.comparisons.of(day, limits.drift_params) if around[0].has_run else [],
        lists=_lists(around[0]),
        times=step_times(service.tables, day, list(day_tables(service.tables, encoder_key(limits.encoder)))),
        run_url=materialization_url(limits.dagster_url, DAILY_SUMMARY.name, day) if limits.dagster_url else None,
        has_report=has_report and caller.may(Role.ADMIN),
        may_review=caller.may(Role.REVIEW),
    )


@router.get("/{day}/report", response_class=Response)
def get_report(service: ServiceHere, _: PageAdmin, day: date) -> Response:
    """The report of a day as it lies in the lake, where it can do nothing but be looked at."""
    try:
        page = service.store.read(object_keys.report_key(day, "report.html"))
    except ObjectNotFoundError:
        raise Problem(_UNKNOWN, f"{day} has no report yet: image-assets run --day {day}") from None
    return Response(page, media_type="text/html", headers={"Content-Security-Policy": _REPORT_POLICY})


def _known(service: Service) -> list[date]:
    today = service.now().date()
    return service.days.known([today - timedelta(days=age) for age in range(service.settings.landing_lookback_days)])


def _states(days: Sequence[DayOverview]) -> list[str]:
    """Those that any image is in, in the order of the table."""
    found = {name for day in days for name in day.counts.get("state", {})}
    return [state for state in STATES if state in found]


def _charts(days: Sequence[DayOverview]) -> list[Chart]:
    """Of the days that have run, the latest one at the right."""
    run = [day for day in reversed(days) if day.has_run]
    return [_counted(run), _by_state(run), *_shared(run), *_measured(run)] if run else []


def _counted(days: Sequence[DayOverview]) -> Chart:
    seen = [day.outcome("seen") for day in days]
    span = f"from {thousands(min(seen))} to {thousands(max(seen))}" if min(seen) < max(seen) else thousands(seen[-1])
    says = f"{span} a day, {thousands(seen[-1])} on {days[-1].day}"
    return Chart("Files that came", says, width_of(len(days)), [("c0", bars(seen))])


def _by_state(days: Sequence[DayOverview]) -> Chart:
    states = _states(days)
    paths = stacked([[day.counts.get("state", {}).get(state, 0) for day in days] for state in states])
    last = days[-1].counts.get("state", {})
    says = ", ".join(f"{thousands(last[state])} {state}" for state in states if state in last) or "none"
    coloured = [(f"c{number}", path) for number, path in enumerate(paths)]
    return Chart("Images by state", f"{says} on {days[-1].day}", width_of(len(days)), coloured)


def _shared(days: Sequence[DayOverview]) -> list[Chart]:
    charts = list[Chart]()
    for name, colour in (("rejected", "c2"), ("duplicates", "c1")):
        shares = [day.share(name) for day in days]
        known = [each for each in shares if each is not None]
        most = max(known, default=0.0)
        says = f"at most {percent(most)}, {percent(shares[-1])} on {days[-1].day}"
        charts.append(
            Chart(f"Share of {name}", says, width_of(len(days)), [(colour, bars(shares, max(most, _LEAST_TOP)))])
        )
    return charts


def _measured(days: Sequence[DayOverview]) -> list[Chart]:
    charts = list[Chart]()
    for name in MEASURES:
        quartiles = [day.measures.get(name) for day in days]
        known = [each for each in quartiles if each]
        if known:
            medians = [each[1] for each in known]
            low, high = f"{min(medians):.3g}", f"{max(medians):.3g}"
            span = f"from {low} to {high}, the latest {medians[-1]:.3g}" if low != high else f"always {low}"
            says = f"medians {span}"
            boxes, ticks = ribbon(quartiles)
            charts.append(Chart(_NAMES[name], says, width_of(len(days)), [("half", boxes), ("tick", ticks)]))
    return charts


def _lists(day: DayOverview) -> list[tuple[str, Mapping[str, int]]]:
    """Counts by kind, the largest first; of many, the first."""
    return [(title, _largest(day.counts[kind])) for kind, title in _KINDS.items() if day.counts.get(kind)]


def _largest(counts: Mapping[str, int]) -> Mapping[str, int]:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    shown, rest = ordered[:_LONGEST_LIST], ordered[_LONGEST_LIST:]
    return {**dict(shown), **({f"{len(rest)} others": sum(images for _, images in rest)} if rest else {})}
