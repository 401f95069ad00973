"""How the vectors of the lake differ from what an index has of them, found day by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from image_assets.models.encoders.encoder import EncoderDescription
from image_assets.search.vector_index import Keys
from image_assets.steps.vectors.embeddings import embedding_target
from image_assets.steps.vectors.index_manifest import IndexManifest
from image_assets.steps.vectors.stored_vectors import StoredVectors


@dataclass(frozen=True, slots=True)
class DayChange:
    """How a day's vectors differ from what an index has of the day.

    Attributes:
        day: the day.
        missing: ids of images whose vector the index lacks, or has of another input.
        ghosts: sorted keys that the index should not have.
    """

    day: date
    missing: pl.Series
    ghosts: Keys

    @property
    def growth(self) -> int:
        """How many more vectors the index will have of the day."""
        return self.missing.len() - self.ghosts.size


def fits(manifest: IndexManifest, encoder: EncoderDescription) -> bool:
    """Whether vectors of the encoder can be compared with those of the index."""
    facts = (manifest.recipe_version, manifest.dimension)
    return facts == (embedding_target(encoder).recipe_version, encoder.dimension)


def day_changes(
    vectors: StoredVectors, known: Mapping[str, str], members: pl.DataFrame, versions: Mapping[str, str]
) -> list[DayChange]:
    """Differences of the days whose files are not of the `known` versions any more."""
    return [_day_change(vectors, day, members) for day in changed_days(known, versions)]


def changed_days(known: Mapping[str, str], versions: Mapping[str, str]) -> list[date]:
    """Days whose files are not of the `known` versions any more."""
    return sorted({date.fromisoformat(day) for day, _ in known.items() ^ versions.items()})


def missing_images(changes: Sequence[DayChange]) -> pl.DataFrame:
    """`image_id` and `day` of all that the index lacks."""
    none = pl.DataFrame(schema={"image_id": pl.String, "day": pl.Date})
    parts = (pl.DataFrame({"image_id": change.missing}).with_columns(day=pl.lit(change.day)) for change in changes)
    return pl.concat([none, *parts])


def ghost_keys(changes: Sequence[DayChange]) -> Keys:
    """Sorted keys of all that the index should not have."""
    return np.sort(np.concatenate([np.empty(0, np.uint64), *(change.ghosts for change in changes)]))


def _day_change(vectors: StoredVectors, day: date, members: pl.DataFrame) -> DayChange:
    identity = ["image_id", "input_version"]
    known, current = members.filter(pl.col("day") == day), vectors.identities(day)
    missing = current.join(known, on=identity, how="anti").get_column("image_id").sort()
    ghosts = known.join(current, on=identity, how="anti").get_column("key").sort()
    return DayChange(day, missing, ghosts.to_numpy())
