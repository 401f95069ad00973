"""A day of the lake against the days before it; each audit says in words what to look at."""

from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median

import numpy as np
import polars as pl

from image_assets.lake.parquet_tables import ParquetTables
from image_assets.steps.audits.day_audits import Audit
from image_assets.steps.audits.drift import DriftParams, Numbers, drift_of_classes, drift_of_numbers, drift_of_vectors
from image_assets.steps.gold.rejections import read_rejected
from image_assets.steps.vectors.embeddings import stored_embeddings
from image_assets.steps.vectors.stored_vectors import StoredVectors
from image_assets.tables.gold import GOLD_IMAGES
from image_assets.tables.images import BRONZE_IMAGES
from image_assets.tables.rejections import rejections_of

_LEAST_DAYS = 2
_MOST_VECTORS = 5_000


def audit_volume(tables: ParquetTables, day: date, params: DriftParams) -> Audit:
    """Uploads against the same weekday of the weeks before; without those, against the days before."""
    seen = _seen(tables, day)
    weekdays = [day - timedelta(weeks=number) for number in range(1, params.weeks + 1)]
    before = [count for each in _known(tables, BRONZE_IMAGES.name, weekdays) if (count := _seen(tables, each))]
    if len(before) < _LEAST_DAYS:
        days = _known(tables, BRONZE_IMAGES.name, _window(day, params))
        before = [count for each in days if (count := _seen(tables, each))]
    if len(before) < _LEAST_DAYS:
        return Audit(seen, ())
    ratio = seen / median(before)
    is_usual = params.min_volume_ratio <= ratio <= params.max_volume_ratio
    problem = f"{seen} uploads, usually {median(before):.0f}: ask who uploads, or whether a feed stopped or ran twice"
    return Audit(seen, () if is_usual else (problem,), ratio)


def audit_rejected_share(tables: ParquetTables, day: date, params: DriftParams) -> Audit:
    """Rejected files against all files."""
    seen, rejected = _seen(tables, day), read_rejected(tables, day).filter(state="open").get_column("item").n_unique()
    if seen < params.min_images:
        return Audit(seen, ())
    ratio = rejected / seen
    problem = f"{rejected} of {seen} files are rejected; image-assets status says why, retry tries them again"
    return Audit(seen, (problem,) if ratio > params.max_reject_ratio else (), ratio)


def audit_duplicates(tables: ParquetTables, day: date, params: DriftParams) -> Audit:
    """Duplicates against all images; nothing while duplicates are not looked for."""
    flags = _values(tables, GOLD_IMAGES.name, "is_duplicate", day)
    if len(flags) < params.min_images:
        return Audit(len(flags), ())
    ratio = flags.cast(pl.Float64).to_numpy().mean()
    problem = f"{flags.sum()} of {len(flags)} images are duplicates: look for a feed that sends everything again"
    return Audit(len(flags), (problem,) if ratio > params.max_duplicate_ratio else (), float(ratio))


def audit_numbers(tables: ParquetTables, table: str, column: str, day: date, params: DriftParams) -> Audit:
    """The distribution of a number against the days before."""
    now, before = _history(tables, table, column, day, params)
    if min(len(now), len(before)) < params.min_images:
        return Audit(len(now), ())
    index = drift_of_numbers(_numbers(before), _numbers(now))
    means = f"mean {_numbers(now).mean():.3g}, before {_numbers(before).mean():.3g}"
    problem = f"{column} is distributed differently (stability index {index:.2f}; {means}): look at the day's pictures"
    return Audit(len(now), (problem,) if index > params.max_stability_index else (), index)


def audit_classes(tables: ParquetTables, table: str, column: str, day: date, params: DriftParams) -> Audit:
    """The mix of classes against the days before; images without one are left out."""
    now, before = _history(tables, table, column, day, params)
    if min(len(now), len(before)) < params.min_images:
        return Audit(len(now), ())
    counts, former = _counts(now), _counts(before)
    index = drift_of_classes(former, counts)
    shifts = {name: counts.get(name, 0) / len(now) - former.get(name, 0) / len(before) for name in {*counts, *former}}
    most = max(shifts, key=lambda name: abs(shifts[name]))
    problem = f"another mix of {column} (stability index {index:.2f}); most of all {most} by {shifts[most]:+.0%}"
    return Audit(len(now), (problem,) if index > params.max_stability_index else (), index)


def audit_vectors(tables: ParquetTables, encoder: str, day: date, params: DriftParams) -> Audit:
    """The mean vector against those of the days before; vectors of other weights than the day's are left out."""
    vectors = _vectors_like(tables, encoder, day)
    if vectors is None:
        return Audit(0, ())
    now, days = _mean_vector(vectors, day, params), _known(tables, vectors.table.name, _window(day, params))
    before = [mean for each in days if (mean := _mean_vector(vectors, each, params)) is not None]
    if now is None or len(before) < _LEAST_DAYS:
        return Audit(0, ())
    ratio = drift_of_vectors(before, now)
    problem = f"pictures as a whole are {ratio:.1f} times farther from the days before than those are from each other"
    return Audit(1, (problem,) if ratio > params.max_embedding_ratio else (), ratio)


def _window(day: date, params: DriftParams) -> list[date]:
    return [day - timedelta(days=number) for number in range(1, params.window_days + 1)]


def _known(tables: ParquetTables, table: str, days: Sequence[date]) -> list[date]:
    """Those of the days that the table has."""
    known = frozenset(tables.days(table))
    return [day for day in days if day in known]


def _seen(tables: ParquetTables, day: date) -> int:
    names = BRONZE_IMAGES.name, rejections_of(BRONZE_IMAGES).name
    return sum(tables.read_column(name, day, "source_uri").len() for name in names)


def _history(
    tables: ParquetTables, table: str, column: str, day: date, params: DriftParams
) -> tuple[pl.Series, pl.Series]:
    """Values of a day and of the days before it; nulls and days without the column are left out.

    A day of so few images that they say nothing is compared with nothing.
    """
    now = _values(tables, table, column, day)
    if len(now) < params.min_images:
        return now, now.clear()
    before = [_values(tables, table, column, each) for each in _known(tables, table, _window(day, params))]
    return now, pl.concat([each for each in before if each.len()] or [now.clear()])


def _values(tables: ParquetTables, table: str, column: str, day: date) -> pl.Series:
    keys = tables.keys(table, day)
    if not keys or column not in tables.file_schema(keys[0]):
        return pl.Series(column, [])
    return tables.scan_files(keys, [column]).get_column(column).drop_nulls()


def _numbers(values: pl.Series) -> Numbers:
    return values.cast(pl.Float64).to_numpy()


def _counts(values: pl.Series) -> dict[str, int]:
    return dict(values.cast(pl.String).value_counts().iter_rows())


def _vectors_like(tables: ParquetTables, encoder: str, day: date) -> StoredVectors | None:
    """Vectors of the recipe that most of a day's have; None when the day has none."""
    table = stored_embeddings(tables, encoder)
    if table is None:
        return None
    recipes = tables.read_column(table.name, day, "recipe_version").mode().sort()
    return StoredVectors(tables, table, recipes[0]) if recipes.len() else None


def _mean_vector(vectors: StoredVectors, day: date, params: DriftParams) -> Numbers | None:
    """Of a sample; None when there are too few vectors."""
    images = vectors.identities(day).select("image_id", day=pl.lit(day)).sort("image_id")
    if images.height < params.min_images:
        return None
    # Ids are hashes: the first ones are a sample that is the same every time.
    rows = vectors.read_whole(images.head(_MOST_VECTORS))
    return np.asarray(rows.get_column("embedding").to_numpy().mean(axis=0), dtype=np.float64)
