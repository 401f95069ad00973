"""What people decided: append-only objects, so that no run, no model and no second opinion loses a decision."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TypeAlias

import polars as pl

from image_assets.errors import AmbiguousImageError, DecisionError, ImageAssetsError, TableError, UnknownImageError
from image_assets.ids import ImageId
from image_assets.labels import normalise_label, normalise_name
from image_assets.lake import object_keys
from image_assets.lake.last_word import KeptWords, last_words, later_than
from image_assets.lake.object_keys import review_prefix
from image_assets.lake.object_store import ObjectStore
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.lake.records import read_record, write_record
from image_assets.steps.images.short_ids import whole_id
from image_assets.tables.images import BRONZE_IMAGES

_SCHEMA = pl.Schema(
    {"image_id": pl.String(), "label": pl.String(), "decided_at": pl.Datetime("us", "UTC"), "decided_by": pl.String()}
)
_NAMED = 5
_Found: TypeAlias = dict[str, list[tuple[ImageId, date]]]


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word on an image.

    Attributes:
        image: its image_id, or the name that the user gave the file.
        label: what it shows.
        line: where it stands, of a decision that comes from a file.
    """

    image: str
    label: str
    line: int | None = None

    @property
    def place(self) -> str:
        """The image as a message names it."""
        return self.image if self.line is None else f"line {self.line}: {self.image or 'no image'}"


@dataclass(frozen=True, slots=True)
class _KeptDecision:
    """A decision as it lies in the lake."""

    image_id: str
    label: str
    decided_at: datetime
    decided_by: str


def record_decisions(tables: ParquetTables, decisions: Sequence[Decision], decided_by: str, now: datetime) -> KeptWords:
    """Keep all decisions, or none, for the gold of their days; each counts as later than all before it on its image.

    Raises:
        UnknownImageError: no image has this id or name.
        AmbiguousImageError: a name fits several.
        DecisionError: a label is empty, or an image is decided twice.
    """
    found = _find(tables, [decision.image for decision in decisions])
    _refuse(decisions, found)
    chosen = [(decision, *found[normalise_name(decision.image)][0]) for decision in decisions]
    days = sorted({day for _, _, day in chosen})
    last = {image: word for day in days for image, word in last_words(tables.store, review_prefix(day)).items()}
    last_at = now
    for decision, image_id, day in chosen:
        decided_at = later_than(last[image_id].said_at if image_id in last else None, now)
        kept = _KeptDecision(image_id, normalise_label(decision.label), decided_at, decided_by)
        write_record(tables.store, object_keys.review_key(day, image_id, decided_at), kept)
        last_at = max(last_at, decided_at)
    tables.store.flush()
    return KeptWords(tuple(days), last_at)


def read_decisions(store: ObjectStore, day: date | None = None) -> pl.DataFrame:
    """The latest decision per image, of the images of one day or of all: image_id, label, decided_at, decided_by."""
    last = last_words(store, review_prefix(day) if day else object_keys.REVIEWS)
    remedy = "repair it or delete it"
    kept = [read_record(store, word.key, _KeptDecision, TableError, remedy) for word in last.values()]
    rows = [{**asdict(each), "label": normalise_label(each.label) or None} for each in kept]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _find(tables: ParquetTables, images: Sequence[str]) -> _Found:
    """The images of the lake that carry each id or name, names as they are compared."""
    # Only a person types the beginning of an id; a file has whole ones.
    whole = {image: whole_id(tables, image) if len(images) == 1 else image for image in images}
    asked = [normalise_name(image) for image in whole.values()]
    where = pl.col("image_id").is_in(asked) | pl.col("raw_name").str.normalize("NFC").is_in(asked)
    rows = tables.scan(BRONZE_IMAGES, ["image_id", "raw_name", "day"], where=where)
    found: _Found = {}
    for image_id, raw_name, day in rows.iter_rows():
        found.setdefault(image_id, []).append((image_id, day))
        found.setdefault(normalise_name(raw_name), []).append((image_id, day))
    return found | {normalise_name(image): found[name] for image, name in whole.items() if name in found}


def _refuse(decisions: Sequence[Decision], found: _Found) -> None:
    problems = list(_problems(decisions, found))
    if problems:
        more = f"\n  and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        told = "\n  ".join(map(str, problems[:_NAMED]))
        raise type(problems[0])(f"nothing was kept:\n  {told}{more}")


def _problems(
    decisions: Sequence[Decision], found: dict[str, list[tuple[ImageId, date]]]
) -> Iterator[ImageAssetsError]:
    decided: dict[ImageId, Decision] = {}
    for decision in decisions:
        images = found.get(normalise_name(decision.image), [])
        if not images:
            yield UnknownImageError(f"{decision.place} is no image of this lake")
        elif len(images) > 1:
            several = f"{len(images)} images, such as {images[0][0]} and {images[1][0]}"
            yield AmbiguousImageError(f"{decision.place} names {several}: give the id")
        elif (first := decided.setdefault(images[0][0], decision)) is not decision:
            twice = f"{decision.place} is decided twice, {first.place} is the same image"
            yield DecisionError(f"{twice}: keep one of them")
        if not normalise_label(decision.label):
            yield DecisionError(f"{decision.place} has no label")
