"""`search`: photos that look like a text, a picture or another photo, or that meet conditions."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import polars as pl

from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.errors import UnknownWordsError
from image_assets.ids import ImageId
from image_assets.opening import open_objects, open_search
from image_assets.settings import Settings
from image_assets.steps.search.conditions import Condition, parse_condition
from image_assets.steps.search.requests import SearchRequest
from image_assets.steps.search.sheet import render_sheet

_DAY = click.DateTime(["%Y-%m-%d"])
_COLUMNS = {"score": "score", "label": "label", "day": "day", "user": "user_id", "name": "raw_name", "id": "image_id"}
# With borders these make 80 columns, and so do the shorter ones with the words of a query.
_ID_LENGTH, _CELL_LENGTH, _SHORT_CELL_LENGTH = 8, 12, 8


class _RefusedError(click.ClickException):
    """It was asked for in a way that cannot be answered."""

    exit_code = 2


@click.command()
@click.argument("text", required=False)
@click.option("--image", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Like this picture.")
@click.option("--like", metavar="ID", help="Like this photo of the lake; the beginning of its id will do.")
@click.option("--label", multiple=True, help="With this label; this and the next ones may be given several times.")
@click.option("--user", multiple=True, help="Uploaded by.")
@click.option("--tag", multiple=True, help="With this tag.")
@click.option("--colour", multiple=True, help="With this colour anywhere, background too: red, … or #rrggbb.")
@click.option("--state", multiple=True, help="In this state.")
@click.option("--day", type=_DAY, help="Uploaded on this day (UTC).")
@click.option("--since", type=_DAY, help="Uploaded on this day or later.")
@click.option("--until", type=_DAY, help="Uploaded on this day or earlier.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Any column of gold; also with !=, >= and <=.")
@click.option("--all-duplicates", is_flag=True, help="Every copy of a photo, not one.")
@click.option("--no-words", is_flag=True, help="By looks alone, not by the words that describe a photo.")
@click.option("--strict", is_flag=True, help="Refuse a word that the encoder does not know.")
@click.option("--min-score", type=click.FloatRange(-1, 1), default=-1.0, help="Lowest similarity, -1 to 1.")
@click.option("--count", type=click.IntRange(1, 1_000), default=10, show_default=True, help="Photos per page.")
@click.option("--after", metavar="MARK", help="The page after the one that ended with this mark.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a contact sheet to this file.")
@click.option("--open", "is_opened", is_flag=True, help="Open the contact sheet in the browser.")
@json_option
def search(
    text: str | None,
    image: Path | None,
    like: str | None,
    where: Sequence[str],
    all_duplicates: bool,
    no_words: bool,
    strict: bool,
    min_score: float,
    count: int,
    after: str | None,
    html: Path | None,
    is_opened: bool,
    **conditions: Any,
) -> None:
    """Photos that look like TEXT, best first; without it, --image or --like, the newest first."""
    settings = settings_of_lake()
    request = SearchRequest(
        text=text,
        image=image.read_bytes() if image else None,
        image_id=ImageId(like) if like else None,
        conditions=(*_conditions(conditions), *(parse_condition(each) for each in where)),
        min_score=min_score,
        count=count,
        after=after,
        with_duplicates=all_duplicates,
        with_words=not no_words,
        strict=strict,
        columns=None if html or is_opened else tuple(name for name in _COLUMNS.values() if name != "score"),
    )
    try:
        page = open_search(settings).search(request)
    except UnknownWordsError as error:
        raise _RefusedError(str(error)) from error
    if page.unknown:
        unknown, known = " ".join(page.unknown), page.nearest_to
        instead = f"showing nearest to “{known}”" if known else "nothing to show by looks, only what words describe"
        CONSOLE.print(f"{settings.encoder} knows no “{unknown}”; {instead}", style="yellow", highlight=False)
    title = f"“{text}”" if text else f"like {image or like}" if image or like else "newest first"
    _print(title, page.rows)
    if page.after:
        CONSOLE.print(f"more: --after {page.after}", markup=False, highlight=False, soft_wrap=True)
    if html or is_opened:
        _show(settings, title, page.rows, html, is_opened=is_opened)


def _conditions(options: Mapping[str, Any]) -> list[Condition]:
    columns = {"label": "label", "user": "user_id", "tag": "tags", "colour": "dominant_colours", "state": "state"}
    days = {"day": "=", "since": ">=", "until": "<="}
    given = [Condition(column, "=", tuple(options[name])) for name, column in columns.items() if options[name]]
    return given + [
        Condition("day", comparison, (f"{day:%Y-%m-%d}",))
        for name, comparison in days.items()
        if (day := options[name])
    ]


def _print(title: str, rows: pl.DataFrame) -> None:
    """A row per photo; once words count beside looks, both are shown, because neither alone is in order."""
    shown = rows.select(**_COLUMNS).with_columns(pl.col("id").str.head(_ID_LENGTH))
    if rows.get_column("words").list.len().sum() == 0:
        title = f"{title}: {rows.height} photos"
        print_rows(title, shown.columns, shown.rows(), _CELL_LENGTH, data=rows.iter_rows(named=True))
        return
    words = rows.get_column("words").list.join(" ").alias("words")
    shown = shown.rename({"score": "looks"}).insert_column(1, words)
    title = f"{title}: {rows.height} photos, by looks and words"
    print_rows(title, shown.columns, shown.rows(), _SHORT_CELL_LENGTH, data=rows.iter_rows(named=True))


def _show(settings: Settings, title: str, rows: pl.DataFrame, html: Path | None, *, is_opened: bool) -> None:
    path = html or Path(tempfile.mkdtemp(prefix="image-assets-")) / "search.html"
    path.write_text(render_sheet(open_objects(settings), title, rows), encoding="utf-8")
    CONSOLE.print(str(path), markup=False, soft_wrap=True)
    if is_opened:
        click.launch(str(path))
