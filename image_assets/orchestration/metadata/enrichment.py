"""What the materializations of enrichment show: the commonest tags, verdicts and who is held, a few sentences."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.models.moderation.picture_moderator import PictureModerator
from image_assets.models.zero_shot.moderation import Moderator
from image_assets.models.zero_shot.tagging import Tagger
from image_assets.orchestration.metadata.counts import Metadata, markdown_cell
from image_assets.steps.increment.increment import IncrementReport
from image_assets.tables.enrichment import IMAGE_CAPTIONS, IMAGE_MODERATION, IMAGE_TAGS, IMAGE_TEXT, VERDICTS

_TAGS_SHOWN, _SENTENCES_SHOWN, _HELD_SHOWN = 30, 12, 50
_OF_VERDICTS = ("image_id", "verdict", "policy", "confidence_ratio", "scores")


def describe_tags(tables: ParquetTables, report: IncrementReport, tagger: Tagger) -> Metadata:
    """How many images have which tag, and what of the vocabulary was of no use."""
    tags = tables.scan(IMAGE_TAGS, ["tags"], [report.day]).get_column("tags")
    counts = (
        tags.explode().struct.unnest().drop_nulls().group_by("kind", "tag").len().sort("len", "tag", descending=True)
    )
    lines = [
        f"| {kind} | {markdown_cell(tag)} | {images} |" for kind, tag, images in counts.head(_TAGS_SHOWN).iter_rows()
    ]
    return {
        "tagged": dg.MetadataValue.int(int((tags.list.len() > 0).sum())),
        "tags": dg.MetadataValue.md("\n".join(["| kind | tag | images |", "|---|---|---|", *lines])),
        # Asking what it cannot judge loads the encoder.
        **listed("not_judged", tagger.not_judged if report.computed else []),
        **listed("merged", tagger.vocabulary.merged),
    }


def describe_verdicts(tables: ParquetTables, report: IncrementReport, _: Moderator | PictureModerator) -> Metadata:
    """How many images have which verdict, what could not be judged, and the ids of those that are held."""
    rows = tables.scan(IMAGE_MODERATION, _OF_VERDICTS, [report.day])
    counts = {verdict: dg.MetadataValue.int(rows.filter(verdict=verdict).height) for verdict in VERDICTS}
    unjudged = rows.get_column("scores").explode().struct.unnest().filter(pl.col("verdict") == "unjudged")
    held = rows.filter(pl.col("policy").is_not_null()).sort("verdict", "confidence_ratio", descending=True)
    lines = [
        f"{row['verdict']}: {row['policy']} {row['confidence_ratio']:.2f}: `{row['image_id']}`"
        for row in held.head(_HELD_SHOWN).iter_rows(named=True)
    ]
    return {
        **counts,
        "held": dg.MetadataValue.int(held.height),
        **listed("for_review", lines),
        **listed("not_judged", unjudged.get_column("policy").unique().sort().to_list()),
    }


def describe_captions(tables: ParquetTables, day: date) -> Metadata:
    """A few captions and where they come from."""
    rows = tables.scan(IMAGE_CAPTIONS, ["caption", "source"], [day])
    said = rows.filter(pl.col("caption").is_not_null())
    return {
        "captioned": dg.MetadataValue.int(said.height),
        **listed("sources", rows.get_column("source").unique().sort().to_list()),
        **listed("captions", _few(said.get_column("caption"))),
    }


def describe_text(tables: ParquetTables, day: date) -> Metadata:
    """How many images have text, and a little of it."""
    text = tables.scan(IMAGE_TEXT, ["text"], [day]).get_column("text")
    text = text.filter(text != "")
    return {"with_text": dg.MetadataValue.int(text.len()), **listed("text", _few(text))}


def listed(name: str, lines: Sequence[str]) -> Metadata:
    """A list under a name; nothing when there is nothing to list."""
    return {name: dg.MetadataValue.md("\n".join(f"- {line}" for line in lines))} if lines else {}


def _few(sentences: pl.Series) -> list[str]:
    step = max(1, -(-sentences.len() // _SENTENCES_SHOWN))
    return [markdown_cell(sentence) for sentence in sentences.gather_every(step)]
