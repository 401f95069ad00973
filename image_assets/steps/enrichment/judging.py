"""What plan and asset have to know of a stage that needs nothing of an image but its vector."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from image_assets.models.encoders.encoder import EncoderDescription, ImageEncoder
from image_assets.steps.enrichment.params import EnrichmentParams
from image_assets.steps.increment.increment import IncrementReport
from image_assets.steps.increment.stock import Target
from image_assets.tables.table import Table


@dataclass(frozen=True, slots=True)
class VectorStage:
    """A stage on vectors.

    Attributes:
        table: its answers.
        target: what is wanted of the table with an encoder; nothing is computed for that.
        judge: makes what judges vectors, once per run; it loads nothing before it judges.
        work: brings a day in line: tables, day, judge, `chunk_size`, `on_progress`.
        asked: what decides besides the encoder, in words: the version that Dagster shows.
    """

    table: Table
    target: Callable[[EncoderDescription, EnrichmentParams], Target]
    judge: Callable[[ImageEncoder, EnrichmentParams], Any]
    work: Callable[..., IncrementReport]
    asked: Callable[[EnrichmentParams], str]
