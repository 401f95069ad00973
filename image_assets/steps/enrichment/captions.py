"""Captions: by a captioning model from the cleansed images, or put together from the tags, which says so."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Unpack

import polars as pl

from image_assets.imaging.pixels import RgbImage
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.captioning.captioner import Captioner, CaptionerDescription
from image_assets.models.captioning.template_captioner import TEMPLATE, caption_tags
from image_assets.models.zero_shot.tagging import Tag
from image_assets.steps.images.on_pictures import work_on_pictures
from image_assets.steps.increment.frame import settle_frame
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.pace import Pace, untold
from image_assets.steps.increment.recipe import Recipe, with_versions
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.embeddings import embedding_inputs
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_TAGS

_CODE_VERSION = 1


def caption_day(tables: ParquetTables, day: date, captioner: Captioner | None, **pace: Unpack[Pace]) -> IncrementReport:
    """Bring `image_captions` of a day in line with its cleansed images or, without a captioner, with its tags."""
    if captioner is None:
        tagged, on_progress = partial(tag_inputs, tables, day), pace.get("on_progress", untold)
        return settle_frame(tables, caption_target(None), day, tagged, _phrased, on_progress=on_progress)
    description = captioner.description

    def caption(images: Sequence[RgbImage]) -> list[Mapping[str, object]]:
        sentences = captioner.caption_images(images)
        return [{"caption": sentence or None, "source": description.name} for sentence in sentences]

    target, inputs = caption_target(description), partial(embedding_inputs, tables, day)
    return work_on_pictures(tables, day, inputs, target, caption, **pace)


def caption_target(captioner: CaptionerDescription | None) -> Target:
    """What is wanted of the captions."""
    source = {"name": captioner.name, "revision": captioner.revision} if captioner else {"name": TEMPLATE}
    return Target(IMAGE_CAPTIONS, Recipe({"code": _CODE_VERSION, **source}))


def tag_inputs(tables: ParquetTables, day: date) -> pl.DataFrame:
    """The tagged images of a day."""
    return with_versions(tables.read(IMAGE_TAGS, day).select("image_id", "tags"), ["tags"])


def _phrased(images: pl.DataFrame) -> pl.DataFrame:
    captions = [caption_tags(_tags(tags)) for tags in images["tags"].to_list()]
    return images.select("image_id", caption=pl.Series(captions, dtype=pl.String), source=pl.lit(TEMPLATE))


def _tags(rows: Sequence[Mapping[str, Any]]) -> list[Tag]:
    return [Tag(row["tag"], row["kind"], row["confidence_ratio"]) for row in rows]
