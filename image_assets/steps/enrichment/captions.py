"""Captions: by a captioning model from the cleansed images, or put together from the tags, which says so."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from image_assets.imaging.pixels import RgbImage
from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.captioner import Captioner, CaptionerDescription
from image_assets.models.tag_caption import TEMPLATE, caption_tags
from image_assets.models.tagging import Tag
from image_assets.steps.images.on_pictures import work_on_pictures
from image_assets.steps.increment.increment import Computed, IncrementReport, Item, Outcome, Progress, run_increment
from image_assets.steps.increment.recipe import Recipe, version_of
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.embeddings import embedding_inputs
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_TAGS

_CODE_VERSION = 1


def caption_day(
    tables: ParquetTables,
    day: date,
    captioner: Captioner | None,
    *,
    chunk_size: int,
    on_progress: Progress = lambda _done, _total: None,
) -> IncrementReport:
    """Bring `image_captions` of a day in line with its cleansed images or, without a captioner, with its tags."""
    if captioner is None:
        target, inputs = caption_target(None), partial(tag_inputs, tables, day)
        return run_increment(tables, [target], day, inputs, _phrased, chunk_size=chunk_size, on_progress=on_progress)[0]
    description = captioner.description

    def caption(images: Sequence[RgbImage]) -> list[Mapping[str, object]]:
        return [_columns(sentence or None, description.name) for sentence in captioner.caption_images(images)]

    target, inputs = caption_target(description), partial(embedding_inputs, tables, day)
    return work_on_pictures(tables, day, inputs, target, caption, chunk_size=chunk_size, on_progress=on_progress)


def caption_target(captioner: CaptionerDescription | None) -> Target:
    """What is wanted of the captions."""
    source = {"name": captioner.name, "revision": captioner.revision} if captioner else {"name": TEMPLATE}
    return Target(IMAGE_CAPTIONS, Recipe({"code": _CODE_VERSION, **source}))


def tag_inputs(tables: ParquetTables, day: date) -> pl.DataFrame:
    """The tagged images of a day."""
    rows = tables.read(IMAGE_TAGS, day).select("image_id", "tags")
    versions = [version_of(tags) for tags in rows.get_column("tags").to_list()]
    return rows.with_columns(input_version=pl.Series(versions, dtype=pl.String))


def _phrased(items: Iterator[Item]) -> Generator[Outcome]:
    for item in items:
        yield Computed(item, {IMAGE_CAPTIONS.name: _columns(caption_tags(_tags(item.row["tags"])), TEMPLATE)})


def _columns(caption: str | None, source: str) -> dict[str, object]:
    return {"caption": caption, "source": source}


def _tags(rows: Any) -> list[Tag]:
    return [Tag(row["tag"], row["kind"], row["confidence_ratio"]) for row in rows]
