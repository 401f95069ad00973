"""The day's chain: its stages in order, what each makes and from what; whoever has to know that reads it here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from image_assets.tables.duplicates import DUPLICATE_IMAGES
from image_assets.tables.embeddings import ALL_EMBEDDINGS
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_MODERATION, IMAGE_TAGS, IMAGE_TEXT
from image_assets.tables.gold import DAILY_SUMMARY, GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES, SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS
from image_assets.tables.predictions import ALL_PREDICTIONS
from image_assets.tables.rejections import REJECTED_IMAGES
from image_assets.tables.table import Table
from image_assets.tables.training import CLASSIFIER_EVALUATIONS

LANDING = "landing"


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a day; what it reads is named as in Dagster, without an encoder or a model version.

    Attributes:
        name: as a plan shows it; its tables share one pass over the images.
        makes: its tables; none where it makes other files.
        reads: what it is made from.
        images_of: the table whose every image is a row or a rejection here; none where that is not so.
        after: the table that brings it images, if it is another one; none of both: it is not made image by image.
        stops_images: whether what it rejects has not made it, and stands in `rejected_images`.
        follows_recipes: whether a new recipe upstream changes what is read; an original stays what it is.
        has_versions: whether encoders or models have a table each, side by side.
        sees_whole_days: whether an image may concern any other of its day: all lots of what it reads are there before.
    """

    name: str
    makes: tuple[Table, ...]
    reads: tuple[str, ...]
    images_of: str | None = None
    after: str | None = None
    stops_images: bool = False
    follows_recipes: bool = True
    has_versions: bool = False
    sees_whole_days: bool = False

    @property
    def upstream(self) -> str | None:
        """The table that a plan waits for; `landing` at the door, none for what is not made image by image."""
        return self.after or self.images_of


@dataclass(frozen=True, slots=True)
class Chain:
    """Stages, upstream first."""

    stages: tuple[Stage, ...]

    def __iter__(self) -> Iterator[Stage]:
        return iter(self.stages)

    def stage(self, name: str) -> Stage:
        """The stage of a name, or the one that makes the table of that name."""
        return next(each for each in self if name in {each.name, *(table.name for table in each.makes)})

    def tables(self, *, stopping: bool = False) -> tuple[Table, ...]:
        """Every table in order, or those of the stages that stop images."""
        return tuple(table for stage in self if stage.stops_images or not stopping for table in stage.makes)

    def tables_in_lots(self) -> tuple[Table, ...]:
        """Tables that are made image by image, whatever other images there are."""
        return tuple(table for each in self if each.images_of and not each.sees_whole_days for table in each.makes)


_BRONZE, _SILVER, _VECTORS = BRONZE_IMAGES.name, SILVER_IMAGES.name, ALL_EMBEDDINGS.name
_OF_IMAGES = Chain(
    (
        Stage("bronze", (BRONZE_IMAGES,), (LANDING,), images_of=LANDING, stops_images=True),
        Stage(
            "derivatives",
            (SILVER_IMAGES, THUMBNAILS, WATERMARKED_PREVIEWS),
            (_BRONZE,),
            images_of=_BRONZE,
            stops_images=True,
            follows_recipes=False,
        ),
        Stage("text", (IMAGE_TEXT,), (_BRONZE,), images_of=_BRONZE, follows_recipes=False),
        Stage("embeddings", (ALL_EMBEDDINGS,), (_SILVER,), images_of=_SILVER, stops_images=True, has_versions=True),
        # Day to day only, though earlier days are read as well: told of them, a backfill takes in all later days, and a
        # day's chain falls into several runs. The sensor `later_days` follows what changes on earlier days.
        Stage(
            "duplicates",
            (DUPLICATE_IMAGES,),
            (_BRONZE, _SILVER, _VECTORS),
            images_of=_SILVER,
            after=_VECTORS,
            sees_whole_days=True,
        ),
        Stage("tags", (IMAGE_TAGS,), (_VECTORS,), images_of=_VECTORS),
        Stage("moderation", (IMAGE_MODERATION,), (_VECTORS,), images_of=_VECTORS),
        Stage("captions", (IMAGE_CAPTIONS,), (IMAGE_TAGS.name,), images_of=IMAGE_TAGS.name),
        Stage(
            "predictions",
            (ALL_PREDICTIONS,),
            (_VECTORS, _SILVER, CLASSIFIER_EVALUATIONS.name),
            images_of=_VECTORS,
            stops_images=True,
            has_versions=True,
        ),
    )
)
_GATHERED = tuple(table.name for table in _OF_IMAGES.tables(stopping=True))
_JOINED = tuple(table.name for table in (*_OF_IMAGES.tables(), REJECTED_IMAGES))
CHAIN = Chain(
    (
        *_OF_IMAGES,
        Stage("rejections", (REJECTED_IMAGES,), _GATHERED),
        Stage("gold", (GOLD_IMAGES,), _JOINED, after=_VECTORS),
        Stage("summary", (DAILY_SUMMARY,), (_BRONZE, REJECTED_IMAGES.name, GOLD_IMAGES.name)),
        Stage("report", (), (GOLD_IMAGES.name, DAILY_SUMMARY.name, REJECTED_IMAGES.name)),
    )
)
"""With captions that are put together from the tags, verdicts on vectors, and text that is read."""


def chain_with(*, captioner: bool, text: bool, moderates_pictures: bool) -> Chain:
    """The chain when models caption or moderate the cleansed images, and when text is read or is not."""
    of_pictures = {"reads": (_SILVER,), "images_of": _SILVER}
    asked: Mapping[str, Mapping[str, Any]] = {
        "captions": of_pictures if captioner else {},
        "moderation": of_pictures if moderates_pictures else {},
        "text": {} if text else {"images_of": None},
    }
    return Chain(tuple(replace(stage, **asked.get(stage.name, {})) for stage in CHAIN))
