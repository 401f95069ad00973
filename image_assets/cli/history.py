"""`why`: everything that is known of one image."""

from dataclasses import asdict
from datetime import UTC, datetime

import click

from image_assets.cli.console import CONSOLE, json_option, print_rows
from image_assets.cli.known_lake import settings_of_lake
from image_assets.errors import UnknownImageError
from image_assets.ids import ImageId
from image_assets.models.encoders.encoder import encoder_key
from image_assets.opening import open_lake
from image_assets.orchestration.instance.dagster_home import CONFIG_FILE, has_dagster_home
from image_assets.shown_text import plain
from image_assets.steps.images.certificates import find_certificates
from image_assets.steps.images.short_ids import whole_id
from image_assets.steps.questions.image_history import Event, Subject, find_subjects, tell_history
from image_assets.steps.vectors.embeddings import lake_tables

_MOST_SUBJECTS, _LONGEST_FACT = 10, 80


@click.command()
@click.argument("image", type=click.UNPROCESSED)
@json_option
def why(image: str) -> None:
    """The whole story of IMAGE: its source, what was made of it, why it was rejected, and in which run.

    IMAGE is an image_id or its beginning, the path of an upload or of anything made from it, the name that a user gave
    the file, or a file on this machine with the same bytes.
    """
    settings = settings_of_lake()
    tables = open_lake(settings)
    image = whole_id(tables, image)
    subjects = find_subjects(tables, image)
    certificates = find_certificates(tables, ImageId(plain(image)))
    if certificates.height:
        shown = certificates.drop("image_id")
        print_rows(f"{image} was erased", shown.columns, shown.rows(), data=certificates.iter_rows(named=True))
    elif not subjects:
        raise UnknownImageError(
            f"nothing is known of {image!r}: neither an id, a path, a name nor a file's bytes fit; a new upload is "
            "known once its day has run"
        )
    schemas = lake_tables(tables, encoder_key(settings.encoder))
    for subject in subjects[:_MOST_SUBJECTS]:
        _print_story(subject, tell_history(tables, schemas, subject))
    if subjects and not has_dagster_home():
        CONSOLE.print(f"no {CONFIG_FILE} here: which run computed what is not known", highlight=False)
    if len(subjects) > _MOST_SUBJECTS:
        CONSOLE.print(f"… and {len(subjects) - _MOST_SUBJECTS} more of that name: ask by image_id")


def _print_story(subject: Subject, chapters: list[Event]) -> None:
    runs = _runs_of(subject, chapters) if has_dagster_home() else {}
    told: set[str] = set()
    rows, data = [], []
    for chapter in chapters:
        facts = [fact for fact in _facts(chapter) if fact not in told]
        told.update(facts)
        run = runs.get(chapter.where.split("/")[0]) if chapter.recipe_version else None
        data.append({**asdict(subject), **asdict(chapter), "run": run})
        first, *more = [*facts, *([f"run {run}"] if run else [])] or [""]
        rows += [(_when(chapter.at), chapter.where, chapter.what, first), *(("", "", "", fact) for fact in more)]
    title = f"{subject.image_id or 'no image'} of {subject.day}, from {subject.source_uri}"
    print_rows(title, ["when (UTC)", "where", "what", "facts"], rows, data=data)


def _runs_of(subject: Subject, chapters: list[Event]) -> dict[str, str]:
    """Which run recorded what was computed, by asset."""
    from image_assets.orchestration.instance.opening import open_instance
    from image_assets.orchestration.runs.history import runs_of

    asked = {chapter.where.split("/")[0]: chapter.at for chapter in chapters if chapter.at and chapter.recipe_version}
    with open_instance() as instance:
        return runs_of(instance, subject.day, asked)


def _when(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _facts(chapter: Event) -> list[str]:
    facts = [f"{name} {_short(value)}" for name, value in chapter.facts.items()]
    facts += [f"{path} {'is there' if is_there else 'IS GONE'}" for path, is_there in chapter.objects.items()]
    recipe = [f"recipe {chapter.recipe_version}"] if chapter.recipe_version else []
    return [*facts, *recipe]


def _short(value: object) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST_FACT else text[: _LONGEST_FACT - 1] + "…"
