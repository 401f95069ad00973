"""Tags: the vectors of a day, asked for the terms of a vocabulary."""

from collections.abc import Mapping
from datetime import date
from typing import Unpack

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.encoders.encoder import Embeddings, EncoderDescription
from image_assets.models.zero_shot.tagging import Tag, Tagger
from image_assets.models.zero_shot.vocabulary import Vocabulary
from image_assets.steps.enrichment.judging import VectorStage
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.pace import Pace
from image_assets.steps.increment.recipe import Recipe
from image_assets.steps.increment.stock import Target
from image_assets.steps.vectors.on_vectors import work_on_vectors
from image_assets.tables.enrichment import IMAGE_TAGS

_CODE_VERSION = 1


def tag_day(
    tables: ParquetTables,
    day: date,
    tagger: Tagger,
    **pace: Unpack[Pace],
) -> IncrementReport:
    """Bring `image_tags` of a day in line with its vectors; the tagger computes only if a row is missing."""

    def tag(embeddings: Embeddings) -> list[Mapping[str, object]]:
        return [{"tags": [_columns(tag) for tag in tags]} for tags in tagger.tag(embeddings)]

    target = tag_target(tagger.encoder, tagger.vocabulary)
    return work_on_vectors(tables, day, tagger.encoder, target, tag, **pace)


def tag_target(encoder: EncoderDescription, vocabulary: Vocabulary) -> Target:
    """What is wanted of the tags: the words and what they are worth with this encoder decide."""
    worth = {kind.name: repr(vocabulary.calibration(encoder.name, kind.name)) for kind in vocabulary.kinds}
    words = {"kinds": repr(vocabulary.kinds), "calibrations": worth}
    return Target(IMAGE_TAGS, Recipe({"code": _CODE_VERSION, "encoder": encoder.revision, **words}))


def _columns(tag: Tag) -> dict[str, object]:
    return {"tag": tag.name, "kind": tag.kind, "confidence_ratio": tag.confidence}


TAGS = VectorStage(
    IMAGE_TAGS,
    target=lambda encoder, params: tag_target(encoder, params.vocabulary),
    judge=lambda encoder, params: Tagger(encoder, params.vocabulary),
    work=tag_day,
    asked=lambda params: repr(params.vocabulary),
)
