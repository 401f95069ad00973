"""The map: the whole collection as a picture, coloured by what is known of each image."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated, Final, Literal, get_args

import polars as pl
from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse

from image_assets.serving.callers import PageViewer
from image_assets.serving.gallery.map_outline import Outline, points_of
from image_assets.serving.gallery.pages import ShowHere, with_query
from image_assets.serving.service import ServiceHere

router = APIRouter(prefix="/map", include_in_schema=False)
By = Literal["label", "predicted_label", "day"]
_COLOURS: Final = 10
_OTHERS, _NONE = _COLOURS, _COLOURS + 1
_PLAIN_POINTS: Final = 2_000
_FINE: Final = 65_535
_COARSE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Group:
    """Points of one colour.

    Attributes:
        code: of the colour.
        name: what they have in common.
        points: how many.
        href: where all such images are.
    """

    code: int
    name: str
    points: int
    href: str | None


@router.get("")
def show_map(
    service: ServiceHere,
    _: PageViewer,
    show: ShowHere,
    by: By = "label",
    around: Annotated[Outline, Query(description="A line that was drawn on it.")] = "",
) -> Response:
    """The map, with a legend that leads to the images; without scripts some of its points are drawn here."""
    found = points_of(service)
    codes, groups = _coloured(found.points, by)
    return show(
        "map.html.jinja",
        found=found,
        by=by,
        around=around,
        ways=get_args(By),
        groups=groups,
        paths=_paths(found.points.with_columns(code=codes)),
        plain_points=_PLAIN_POINTS,
    )


@router.get("/points", response_class=Response)
def get_points(
    service: ServiceHere, _: PageViewer, by: By = "label", if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """Points for the script: ids, places and colours as packed numbers in base64, in one order."""
    found = points_of(service)
    tag = f'"{found.version}-{by}"'
    if if_none_match and tag in if_none_match:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": tag})
    codes, _groups = _coloured(found.points, by)
    points = found.points
    packed = {name: _packed((points.get_column(name) * _FINE).round().cast(pl.UInt16)) for name in ("x", "y")}
    ids = bytes.fromhex("".join(points.get_column("image_id")).replace("-", ""))
    return JSONResponse(
        {"points": points.height, "ids": _base64(ids), "code": _packed(codes), **packed}, headers={"ETag": tag}
    )


def _coloured(points: pl.DataFrame, by: By) -> tuple[pl.Series, list[Group]]:
    """The colour of each point as uint8, and the groups, in the order of the legend."""
    if by == "day":
        return _by_day(points)
    values = points.get_column(by)
    counts = values.drop_nulls().value_counts(name="points").sort(["points", by], descending=[True, False])
    first = counts.head(_COLOURS)
    codes = values.replace_strict(first[by], range(first.height), default=_OTHERS, return_dtype=pl.UInt8)
    codes = codes.zip_with(values.is_not_null(), pl.Series([_NONE], dtype=pl.UInt8))
    groups = [Group(code, name, number, _way_to(by, name)) for code, (name, number) in enumerate(first.iter_rows())]
    rest, without = int(counts["points"][_COLOURS:].sum()), values.null_count()
    groups += [Group(_OTHERS, f"{counts.height - _COLOURS} others", rest, None)] if rest else []
    groups += [Group(_NONE, "none", without, _way_to(by, ""))] if without else []
    return codes, groups


def _way_to(by: str, name: str) -> str:
    """The grid of all images that are called so, on the map or not, copies as on the map."""
    named = {"label": name} if by == "label" and name else {"where": f"{by}={name}"}
    return with_query("/", {**named, "all_duplicates": "true"})


def _by_day(points: pl.DataFrame) -> tuple[pl.Series, list[Group]]:
    """Spans of days, all of one length."""
    days = points.get_column("day")
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return pl.Series([], dtype=pl.UInt8), []
    span = -(-((last - first).days + 1) // _COLOURS)
    codes = ((days - first).dt.total_days() // span).cast(pl.UInt8)
    counts: Mapping[int, int] = dict(codes.value_counts().iter_rows())
    return codes, [_span(first + timedelta(days=span * code), span, code, counts[code]) for code in sorted(counts)]


def _span(first: date, days: int, code: int, points: int) -> Group:
    last = first + timedelta(days=days - 1)
    name = f"{first}" if days == 1 else f"{first} to {last}"
    return Group(code, name, points, with_query("/", {"since": first, "until": last}))


def _paths(points: pl.DataFrame) -> Sequence[tuple[int, str]]:
    """For each colour a path of dots, for those who have no scripts."""
    # Ids are hashes: every so many of them are a sample.
    some = points.gather_every(max(1, -(-points.height // _PLAIN_POINTS)))
    placed = some.select(
        pl.col("code"), *((pl.col(name) * _COARSE).round().cast(pl.Int32) for name in ("x", "y"))
    ).sort("code")
    return [
        (int(code), "".join(f"M{x} {y}h0" for x, y in mine.select("x", "y").iter_rows()))
        for (code,), mine in placed.partition_by("code", as_dict=True, maintain_order=True).items()
    ]


def _packed(numbers: pl.Series) -> str:
    return _base64(numbers.to_numpy().tobytes())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
